import type { Kysely } from 'kysely'
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
import { freezeOf } from '../identity/freezes.ts'
import { type StoredTerms, scopesOf, termsOf } from './scopes.ts'

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
  return {
    async read(db, { patient, requester, purpose, role }) {
      const block = head.head()
      if (!block || head.age() > MAX_HEAD_AGE)
        throw wayleaveError('head-stale', `head is ${head.age()} ms old`)
      const profile = await index.profile(requester)
      const parties: { granteeType: GranteeType; grantee: string }[] = [
        ...(profile
          ? [{ granteeType: 'Organization' as const, grantee: identifierText(profile.identifier) }]
          : []),
        ...deps.groups.map((grantee) => ({ granteeType: 'Group' as const, grantee })),
        { granteeType: 'Everyone', grantee: '' },
      ]
      const known = await scopesOf(db, patient)
      const slots = slotsFor(patient, parties, purpose, known, requester)
      const terms = await termsOf(db, patient)
      const bodies = bodiesOf(terms)
      const names = new Set(slots.filter(([, s]) => s.granteeType === 'Group').map(([, s]) => s.grantee))
      for (const { groups } of bodies.values()) for (const name of groups) names.add(name)
      if (names.size > MAX_SLOTS) throw wayleaveError('internal', 'more groups than one call reads')
      const groups = [...names].map(groupId)
      const reading = await reader
        .read({
          handle: patient.secrets.handle,
          scopes: slots.map(([hash]) => hash),
          requester,
          groups,
          block: block.number,
        })
        .catch((cause: unknown) => {
          throw wayleaveError('head-stale', `the node did not answer: ${String(cause)}`, cause)
        })
      const signed = await signedRestrictions(db, patient)
      const frozen = await freezeOf(db, patient)
      const joined = new Map(groups.map((group, i) => [group, reading.joinedAt[i] ?? 0]))
      const isIn = (name: string) => (joined.get(groupId(name)) ?? 0) > 0
      const candidates = slots.map(([hash, scope], i): Candidate => {
        const word = reading.words[i]
        if (!word) throw wayleaveError('head-stale', 'the node answered with fewer words than scopes')
        const known = terms.get(word.terms)
        const body = bodies.get(word.terms)
        return {
          scopeHash: hash,
          scope,
          word,
          ...(known ? { terms: known } : {}),
          ...(body ? { body } : {}),
          joinedAt: scope.granteeType === 'Group' ? (joined.get(groupId(scope.grantee)) ?? 0) : 0,
          signed: signed.scopes.get(hash) ?? {},
        }
      })
      return {
        block: block.number,
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

function bodiesOf(terms: ReadonlyMap<Hex, StoredTerms>): Map<Hex, CompiledBody> {
  return new Map(
    [...terms].flatMap(([key, { consent }]): [Hex, CompiledBody][] =>
      consent ? [[key, compileBody(consent)]] : [],
    ),
  )
}

/** Slots by computed salt, so that even a scope whose body never reached this hospital is seen; plus all known ones. */
function slotsFor(
  patient: StoredPatient,
  parties: { granteeType: GranteeType; grantee: string }[],
  purpose: string,
  known: Map<Hex, SaltedScope>,
  requester: Hex,
): [Hex, SaltedScope][] {
  const secret = Buffer.from(patient.secrets.scopeSecret, 'base64url')
  const slots = new Map<Hex, SaltedScope>()
  for (const party of parties) {
    for (const { code } of ancestorsOf(purpose)) {
      const scope = saltedScope(secret, { ...party, purpose: code })
      slots.set(scopeHash(scope), scope)
    }
  }
  // A group that this broker has no name for is asked about all the same: the chain knows who is in it.
  const concerns = ({ granteeType, grantee }: SaltedScope) =>
    granteeType === 'Organization'
      ? memberId(grantee) === requester
      : granteeType === 'Group' || grantee === ''
  for (const [hash, scope] of known) if (concerns(scope)) slots.set(hash, scope)
  if (slots.size > MAX_SLOTS) throw wayleaveError('internal', 'more scopes than one call reads')
  return [...slots]
}

type Restrictions = { lockUpTo?: number; scopes: Map<Hex, { revokedUpTo?: number; objectedUpTo?: number }> }

/** What the patient has signed, mined or not (I5): once mined, the version has passed `up to` and this says nothing. */
async function signedRestrictions(db: Kysely<BrokerTables>, patient: StoredPatient): Promise<Restrictions> {
  const rows = await db
    .selectFrom('acts')
    .select(['act', 'scope_hash', 'up_to'])
    .where('patient_id', '=', patient.id)
    .where('act', 'in', ['Revocation', 'Objection', 'Lock'])
    .execute()
  const out: Restrictions = { scopes: new Map() }
  for (const { act, scope_hash, up_to } of rows) {
    if (up_to === null) continue
    if (act === 'Lock') out.lockUpTo = Math.max(out.lockUpTo ?? -1, up_to)
    else if (scope_hash) {
      const of = out.scopes.get(scope_hash as Hex) ?? {}
      const name = act === 'Revocation' ? 'revokedUpTo' : 'objectedUpTo'
      of[name] = Math.max(of[name] ?? -1, up_to)
      out.scopes.set(scope_hash as Hex, of)
    }
  }
  return out
}
