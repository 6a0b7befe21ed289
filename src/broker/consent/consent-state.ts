import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { HeadWatch } from '../../chain/head-watch.ts'
import type { Clock } from '../../domain/clock.ts'
import { type CompiledBody, compileBody, recipientOf } from '../../domain/consent/consent-body.ts'
import type { Candidate, DecisionRequest } from '../../domain/consent/decide.ts'
import { ancestorsOf } from '../../domain/consent/purposes.ts'
import { type GranteeType, type SaltedScope, saltedScope } from '../../domain/consent/scope.ts'
import { scopeHash } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { groupId, identifierText, memberId } from '../../domain/identity/member-id.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { type KnownConsents, knownConsentsOf, type StoredTerms } from './scopes.ts'

/** A head older than this decides nothing (I3). Milliseconds. */
export const MAX_HEAD_AGE = 10_000

/** The most slots one decision reads; the contract bounds its answer alike. */
const MAX_SLOTS = 200

/** All that a decision needs except the record. */
export type ConsentState = Omit<DecisionRequest, 'record'> & { block: number }

export type ConsentStates = {
  /**
   * Reads the words of every scope that could concern this requester and purpose, in one call at the newest block.
   * @throws WayleaveError `head-stale` where the chain has not advanced, or does not answer (I3).
   */
  read(
    db: Kysely<BrokerTables>,
    query: {
      patient: StoredPatient
      requester: Hex
      purpose: string
      /** Of the person who asks, `system#code`, for consents that name roles. */
      role?: string | undefined
      /** What the hospital knows of the patient's consents, where it was read with the record. */
      known?: KnownConsents
    },
  ): Promise<ConsentState>
}

export function createConsentStates(deps: {
  reader: ConsentReader
  head: HeadWatch
  index: IndexQueries
  clock: Clock
  /** This hospital's member id. */
  custodian: Hex
  /** Names of the council's groups; their ids alone are on the chain. */
  groups: readonly string[]
}): ConsentStates {
  const { reader, head, index, clock } = deps
  const computedSlot = createComputedSlots()
  return {
    async read(db, { patient, requester, purpose, role, known }) {
      const seen = head.head()
      if (!seen || head.age() > MAX_HEAD_AGE)
        throw wayleaveError('head-stale', `head is ${head.age()} ms old`)
      const profile = await index.profile(requester)
      const parties: { granteeType: GranteeType; grantee: string }[] = [
        ...(profile
          ? [{ granteeType: 'Organization' as const, grantee: identifierText(profile.identifier) }]
          : []),
        ...deps.groups.map((grantee) => ({ granteeType: 'Group' as const, grantee })),
        { granteeType: 'Everyone', grantee: '' },
      ]
      const { scopes, terms, signed, frozen } = known ?? (await knownConsentsOf(db, patient))
      const slots = slotsFor(computedSlot, patient, parties, purpose, scopes, requester)
      const bodies = bodiesOf(terms)
      const names = new Set(slots.filter(([, s]) => s.granteeType === 'Group').map(([, s]) => s.grantee))
      for (const { groups } of bodies.values()) for (const name of groups) names.add(name)
      if (names.size > MAX_SLOTS) throw wayleaveError('internal', 'more groups than one call reads')
      const groups = [...names].map(groupIdOf)
      const reading = await reader
        .read({
          handle: patient.secrets.handle,
          scopes: slots.map(([hash]) => hash),
          requester,
          groups,
        })
        .catch((cause: unknown) => {
          throw wayleaveError('head-stale', `the node did not answer: ${String(cause)}`, cause)
        })
      // A node that answers from further back than it has shown already knows less than this broker does (I3).
      if (reading.block < seen.number)
        throw wayleaveError('head-stale', `block ${reading.block} after ${seen.number}`)
      const joined = new Map(groups.map((group, i) => [group, reading.joinedAt[i] ?? 0]))
      const isIn = (name: string) => (joined.get(groupIdOf(name)) ?? 0) > 0
      const candidates = slots.map(([hash, scope], i): Candidate => {
        const word = reading.words[i]
        if (!word) throw wayleaveError('head-stale', 'the node answered with fewer words than scopes')
        const said = terms.get(word.terms)
        const body = bodies.get(word.terms)
        return {
          scopeHash: hash,
          scope,
          word,
          ...(said ? { terms: said } : {}),
          ...(body ? { body } : {}),
          joinedAt: scope.granteeType === 'Group' ? (joined.get(groupIdOf(scope.grantee)) ?? 0) : 0,
          signed: signed.scopes.get(hash) ?? {},
        }
      })
      return {
        block: reading.block,
        at: clock.now(),
        // Without its identifier no slot that names it can be looked up, an objection's neither (I3).
        requester: profile ? reading.requester : { ...reading.requester, live: false },
        custodian: reading.holder,
        purpose,
        ...(profile ? { recipient: recipientOf(profile.identifier, [...names].filter(isIn), role) } : {}),
        handle: {
          bound: reading.custodian === deps.custodian,
          word: reading.handle,
          ...(signed.lockUpTo === undefined ? {} : { lockSignedUpTo: signed.lockUpTo }),
          ...(frozen ? { frozen } : {}),
        },
        candidates,
      }
    },
  }
}

/** A hash of few texts that every decision asks for. */
function remembered(hash: (text: string) => Hex): (text: string) => Hex {
  const known = new LRUCache<string, Hex>({ max: 1_000 })
  return (text) => {
    const before = known.get(text)
    if (before) return before
    const found = hash(text)
    known.set(text, found)
    return found
  }
}
const groupIdOf = remembered(groupId)
const memberIdOf = remembered(memberId)

function bodiesOf(terms: ReadonlyMap<Hex, StoredTerms>): Map<Hex, CompiledBody> {
  return new Map(
    [...terms].flatMap(([key, { consent }]): [Hex, CompiledBody][] =>
      consent ? [[key, compileBody(consent)]] : [],
    ),
  )
}

/** Slots that were computed lately: a function of their key alone, and the dearest part of a decision. */
const COMPUTED_SLOTS = 20_000

/** A patient's slot for a party and a purpose, its salt computed from the patient's secret. */
type ComputedSlot = (
  scopeSecret: string,
  scope: { granteeType: GranteeType; grantee: string; purpose: string },
) => [Hex, SaltedScope]

function createComputedSlots(): ComputedSlot {
  const cache = new LRUCache<string, [Hex, SaltedScope]>({ max: COMPUTED_SLOTS })
  return (scopeSecret, of) => {
    const key = JSON.stringify([scopeSecret, of.granteeType, of.grantee, of.purpose])
    const known = cache.get(key)
    if (known) return known
    const scope = saltedScope(Buffer.from(scopeSecret, 'base64url'), of)
    const slot: [Hex, SaltedScope] = [scopeHash(scope), scope]
    cache.set(key, slot)
    return slot
  }
}

/** Slots by computed salt, so that even a scope whose body never reached this hospital is seen; plus all known ones. */
function slotsFor(
  computedSlot: ComputedSlot,
  patient: StoredPatient,
  parties: { granteeType: GranteeType; grantee: string }[],
  purpose: string,
  known: Map<Hex, SaltedScope>,
  requester: Hex,
): [Hex, SaltedScope][] {
  const { scopeSecret } = patient.secrets
  const slots = new Map<Hex, SaltedScope>()
  for (const party of parties) {
    for (const { code } of ancestorsOf(purpose)) {
      const [hash, scope] = computedSlot(scopeSecret, { ...party, purpose: code })
      slots.set(hash, scope)
    }
  }
  // A group that this broker has no name for is asked about all the same: the chain knows who is in it.
  const concerns = ({ granteeType, grantee }: SaltedScope) =>
    granteeType === 'Organization'
      ? memberIdOf(grantee) === requester
      : granteeType === 'Group' || grantee === ''
  for (const [hash, scope] of known) if (concerns(scope)) slots.set(hash, scope)
  if (slots.size > MAX_SLOTS) throw wayleaveError('internal', 'more scopes than one call reads')
  return [...slots]
}
