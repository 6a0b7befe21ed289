/**
 * What a patient would have to sign for an R4 Consent that scope, classes and kinds alone cannot say: for each party and
 * purpose one act whose terms name a body, the Consent's provisions as far as they concern that party. Classes and kinds
 * of the terms hold at least what the body opens, and the body narrows them. Whatever cannot be enforced even so is named
 * with its path, and nothing of the Consent is filed (I3).
 */
import canonicalize from 'canonicalize'
import { dateOfDay, dayOf } from '../../days.ts'
import { identifierText } from '../../identity/member-id.ts'
import { MAX_BODY_LENGTH } from '../body-hash.ts'
import { DATA_CLASSES, type DataClass, dataClassOf, isDataClass } from '../data-classes.ts'
import { ANY_PURPOSE, isPurpose, PURPOSE_SYSTEM } from '../purposes.ts'
import { isResourceType } from '../resource-types.ts'
import { isGrantableKind, SENSITIVE_KINDS } from '../sensitivities.ts'
import { identifierOf } from './actor-identifier.ts'
import { classCode } from './codings.ts'
import { GROUP_SYSTEM } from './consent-of-slot.ts'
import type { ConsentWish, ReadWishes } from './consent-wish.ts'
import { readPeriod } from './dates.ts'
import type { Defect } from './parse-consent.ts'
import { isObject, type JsonObject, listOf, textOf, wordOf } from './read.ts'
import { bodyOfSlot, type Slot } from './slot-body.ts'

type Party = ConsentWish['to']
type Effect = ConsentWish['effect']

/** A provision with what it inherits, so far as slots are concerned. */
type Place = { provision: JsonObject; effect: Effect; path: string; parties: Party[]; purposes: string[] }

const EVERYONE: Party = { granteeType: 'Everyone', grantee: '' }
const ALL_CLASSES = Object.keys(DATA_CLASSES).filter(isDataClass)
const ALL_KINDS = Object.keys(SENSITIVE_KINDS).filter(isGrantableKind)

/**
 * @param effect of the root, by its type or by policy
 * @param consent without defects that no request could meet; see `enforceability`
 */
export function bodiedWishes(consent: JsonObject, effect: Effect): ReadWishes {
  const problems: Defect[] = []
  const root = isObject(consent.provision) ? consent.provision : {}
  const places = placesIn(root, effect, consent, problems)
  if (problems.length > 0) return { wishes: [], problems }
  const permitted = slotsOf(places.filter((place) => place.effect === 'permit'))
  // Where the root denies, what it names and nothing below permits is an objection.
  const denied = slotsOf(effect === 'deny' ? places.slice(0, 1) : []).filter(
    (slot) => !permitted.some((other) => keyOf(other) === keyOf(slot)),
  )
  const wishes = [
    ...permitted.map((slot) => wishFor(slot, 'permit', consent, effect, problems)),
    ...denied.map((slot) => wishFor(slot, 'deny', consent, effect, problems)),
  ]
  return problems.length > 0 ? { wishes: [], problems } : { wishes, problems: [] }
}

const keyOf = ({ to, purpose }: Slot) => `${to.granteeType}/${to.grantee}/${purpose}`

function slotsOf(places: readonly Place[]): Slot[] {
  const all = places.flatMap(({ parties, purposes }) =>
    parties.flatMap((to) => purposes.map((purpose) => ({ to, purpose }))),
  )
  return [...new Map(all.map((slot) => [keyOf(slot), slot])).values()]
}

function placesIn(root: JsonObject, effect: Effect, consent: JsonObject, problems: Defect[]): Place[] {
  const places: Place[] = []
  const above = { parties: [EVERYONE], purposes: [ANY_PURPOSE] }
  const open: { provision: JsonObject; path: string; above: Pick<Place, 'parties' | 'purposes'> }[] = [
    { provision: root, path: 'provision', above },
  ]
  for (const { provision, path, above } of open) {
    const place: Place = {
      ...{ provision, path },
      effect: provision === root ? effect : provision.type === 'permit' ? 'permit' : 'deny',
      parties: partiesOf(provision, path, above.parties, consent, problems),
      purposes: purposesOf(provision, path, problems) ?? above.purposes,
    }
    checkActions(provision, path, problems)
    places.push(place)
    for (const [i, nested] of listOf(provision.provision).entries()) {
      if (isObject(nested)) open.push({ provision: nested, path: `${path}.provision[${i}]`, above: place })
    }
  }
  return places
}

/** Organisations and groups that a provision names; where it names a role alone or nobody, those of its parent. */
function partiesOf(
  provision: JsonObject,
  path: string,
  above: Party[],
  consent: JsonObject,
  problems: Defect[],
): Party[] {
  if (listOf(provision.actor).length === 0) return above
  return listOf(provision.actor).flatMap((actor, i): Party[] => {
    if (!isObject(actor) || actor.reference === undefined) return above
    const place = `${path}.actor[${i}].reference`
    const reference = isObject(actor.reference) ? actor.reference : {}
    const identifier = identifierOf(reference, consent)
    if (!identifier) {
      problems.push({ path: place, reason: 'an organisation or group is named by its identifier' })
      return []
    }
    if (identifier.system === GROUP_SYSTEM) return [{ granteeType: 'Group', grantee: identifier.value }]
    const type = textOf(reference.type) ?? 'Organization'
    if (type !== 'Organization') {
      problems.push({
        path: place,
        reason: `a ${type} cannot be told from what a request shows; name the organisation`,
      })
      return []
    }
    return [{ granteeType: 'Organization', grantee: identifierText(identifier) }]
  })
}

function purposesOf(provision: JsonObject, path: string, problems: Defect[]): string[] | undefined {
  const codings = listOf(provision.purpose)
  if (codings.length === 0) return undefined
  return codings.flatMap((coding, i) => {
    const { system, code } = isObject(coding) ? coding : {}
    if (system === PURPOSE_SYSTEM && isPurpose(code)) return [code]
    problems.push({ path: `${path}.purpose[${i}]`, reason: 'not a v3 PurposeOfUse code' })
    return []
  })
}

function checkActions(provision: JsonObject, path: string, problems: Defect[]): void {
  const actions = listOf(provision.action)
  const isAccess = (action: unknown) =>
    isObject(action) && listOf(action.coding).some((coding) => isObject(coding) && coding.code === 'access')
  if (actions.length > 0 && provision.type !== 'deny' && !actions.some(isAccess))
    problems.push({ path: `${path}.action`, reason: 'a consent here is about access' })
}

function wishFor(
  { to, purpose }: Slot,
  effect: Effect,
  consent: JsonObject,
  rootEffect: Effect,
  problems: Defect[],
): ConsentWish {
  const body = bodyOfSlot({ to, purpose }, consent, rootEffect, problems)
  if ((canonicalize(body) ?? '').length > MAX_BODY_LENGTH)
    problems.push({ path: '', reason: `longer than ${MAX_BODY_LENGTH} characters` })
  const root = body.provision as JsonObject
  const opened = effect === 'permit' ? openedBy(root, rootEffect) : { dataClasses: [], sensitivities: [] }
  return { effect, to, purpose, ...opened, ...(effect === 'permit' ? periodOf(root, problems) : {}), body }
}

/** At least what the permits of a body open: every class and kind that one of them may be about. */
function openedBy(root: JsonObject, effect: Effect): Pick<ConsentWish, 'dataClasses' | 'sensitivities'> {
  const classes = new Set<DataClass>()
  const kinds = new Set<string>()
  const open: { provision: JsonObject; effect: Effect; class?: unknown; securityLabel?: unknown }[] = [
    { provision: root, effect },
  ]
  for (const above of open) {
    const named = above.provision
    // Each kind of filter that a provision names replaces its parent's.
    const filter = {
      class: listOf(named.class).length > 0 ? named.class : above.class,
      securityLabel: listOf(named.securityLabel).length > 0 ? named.securityLabel : above.securityLabel,
    }
    if (above.effect === 'permit') {
      for (const one of classesIn(filter.class)) classes.add(one)
      for (const one of kindsIn(filter.securityLabel)) kinds.add(one)
    }
    for (const nested of listOf(named.provision).filter(isObject))
      open.push({ provision: nested, effect: nested.type === 'permit' ? 'permit' : 'deny', ...filter })
  }
  return { dataClasses: ALL_CLASSES.filter((one) => classes.has(one)), sensitivities: [...kinds].sort() }
}

function classesIn(value: unknown): readonly DataClass[] {
  const codes = listOf(value).map((coding) => classCode(wordOf(isObject(coding) ? coding.code : undefined)))
  // A profile may be one of any type.
  if (codes.length === 0 || codes.some((code) => !isResourceType(code))) return ALL_CLASSES
  return codes.filter(isResourceType).map((resourceType) => dataClassOf({ resourceType }))
}

/** No label named: whatever is labelled. Labelled as restricted and no more: what nobody has checked. */
function kindsIn(value: unknown): readonly string[] {
  const labels = listOf(value).filter(isObject)
  if (labels.length === 0) return ALL_KINDS
  return ALL_KINDS.filter((kind) =>
    labels.some(({ system, code }) => code === kind && system === SENSITIVE_KINDS[kind].system),
  )
}

/** Whole days around the root's period, which the body keeps to the millisecond. */
function periodOf(root: JsonObject, problems: Defect[]): { from?: string; until?: string } {
  if (!isObject(root.period)) return {}
  const span = readPeriod(root.period)
  if (!span) {
    problems.push({ path: 'provision.period', reason: 'a malformed period' })
    return {}
  }
  return {
    ...(Number.isFinite(span.from) ? { from: dateOfDay(dayOf(span.from)) } : {}),
    ...(Number.isFinite(span.until) ? { until: dateOfDay(dayOf(span.until)) } : {}),
  }
}
