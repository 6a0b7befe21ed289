import { identifierText, parseIdentifierText } from '../../identity/member-id.ts'
import type { Identifier } from '../../identity/national-ids.ts'
import type { ConsentBody } from '../body-hash.ts'
import { ANY_PURPOSE, PURPOSE_SYSTEM } from '../purposes.ts'
import { identifierOf } from './actor-identifier.ts'
import { GROUP_SYSTEM } from './consent-of-slot.ts'
import type { ConsentWish } from './consent-wish.ts'
import type { Defect } from './parse-consent.ts'
import { isObject, type JsonObject, listOf } from './read.ts'

type Party = ConsentWish['to']

/** A party and a purpose, which a patient's secret makes a slot of. */
export type Slot = { to: Party; purpose: string }

/**
 * The Consent as it is signed for one slot. What can never concern the slot's party is left out of it, and the root names
 * party and purpose alone, where it names them among others or nobody.
 */
export function bodyOfSlot(
  slot: Slot,
  consent: JsonObject,
  effect: ConsentWish['effect'],
  problems: Defect[],
): ConsentBody {
  const { scope, category, contained, provision } = consent
  const root = isObject(provision) ? provision : {}
  const kept = listOf(contained)
    .filter(isObject)
    .map(({ resourceType, id, identifier }) => ({ resourceType, id, identifier }))
  return {
    resourceType: 'Consent',
    status: 'active',
    ...(scope === undefined ? {} : { scope }),
    ...(category === undefined ? {} : { category }),
    ...(kept.length > 0 ? { contained: kept } : {}),
    provision: {
      ...prune(root, 'provision', slot, consent, problems),
      type: effect,
      ...(isAmong(slot.to, root, consent) ? actorOf(slot.to) : {}),
      ...(isPurposeAmong(slot.purpose, root)
        ? { purpose: [{ system: PURPOSE_SYSTEM, code: slot.purpose }] }
        : {}),
    },
  }
}

function isAmong(party: Party, root: JsonObject, consent: JsonObject): boolean {
  const actors = listOf(root.actor)
  return (
    actors.length === 0 ||
    actors.some((actor) => {
      const identifier = identifierIn(actor, consent)
      // A role beside the party is a condition of its own.
      return (
        identifier && isPlain(actor) && keyOfParty(identifier) === `${party.granteeType}/${party.grantee}`
      )
    })
  )
}

const isPurposeAmong = (purpose: string, root: JsonObject): boolean =>
  purpose !== ANY_PURPOSE &&
  (listOf(root.purpose).length === 0 ||
    listOf(root.purpose).some((coding) => isObject(coding) && coding.code === purpose))

const identifierIn = (actor: unknown, consent: JsonObject) =>
  isObject(actor) && isObject(actor.reference) ? identifierOf(actor.reference, consent) : undefined

const keyOfParty = (identifier: Identifier): string =>
  identifier.system === GROUP_SYSTEM
    ? `Group/${identifier.value}`
    : `Organization/${identifierText(identifier)}`

const isPlain = (actor: unknown): boolean =>
  isObject(actor) &&
  (actor.role === undefined ||
    (isObject(actor.role) &&
      listOf(actor.role.coding).some((coding) => isObject(coding) && coding.code === 'IRCP')))

function actorOf({ granteeType, grantee }: Party): JsonObject {
  if (granteeType === 'Everyone') return {}
  const identifier =
    granteeType === 'Group' ? { system: GROUP_SYSTEM, value: grantee } : parseIdentifierText(grantee)
  const role = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
  }
  return { actor: [{ role, reference: { type: granteeType, identifier } }] }
}

function prune(
  { provision, ...rest }: JsonObject,
  path: string,
  slot: Slot,
  consent: JsonObject,
  problems: Defect[],
): JsonObject {
  const nested = listOf(provision).flatMap((one, i): JsonObject[] => {
    if (!isObject(one) || neverMeets(one, slot, consent)) return []
    const at = `${path}.provision[${i}]`
    assertNoForeignGroup(one, at, slot, consent, problems)
    return [prune(one, at, slot, consent, problems)]
  })
  return { ...rest, ...(nested.length > 0 ? { provision: nested } : {}) }
}

/** One organisation is never another: what names others alone is none of a slot's business, and whom it names neither. */
function neverMeets(provision: JsonObject, { to }: Slot, consent: JsonObject): boolean {
  const actors = listOf(provision.actor)
  if (to.granteeType !== 'Organization' || actors.length === 0) return false
  return actors.every((actor) => {
    const identifier = identifierIn(actor, consent)
    return identifier && identifier.system !== GROUP_SYSTEM && identifierText(identifier) !== to.grantee
  })
}

/**
 * The council says who is in a group. It reaches who had joined before the patient signed, which the chain knows of the
 * group that a slot is for and of no other (I2).
 */
function assertNoForeignGroup(
  provision: JsonObject,
  path: string,
  { to }: Slot,
  consent: JsonObject,
  problems: Defect[],
): void {
  if (provision.type !== 'permit') return
  for (const [i, actor] of listOf(provision.actor).entries()) {
    const identifier = identifierIn(actor, consent)
    if (identifier?.system !== GROUP_SYSTEM) continue
    if (to.granteeType === 'Group' && to.grantee === identifier.value) continue
    problems.push({ path: `${path}.actor[${i}]`, reason: 'a group is granted to by a Consent of its own' })
  }
}
