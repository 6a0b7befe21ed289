/**
 * What a patient would have to sign so that the chain says what an R4 Consent says. Whatever cannot be enforced is named,
 * with its path and a reason, and nothing of that Consent is filed (I3).
 */

import { dayOfDate } from '../../days.ts'
import { identifierText } from '../../identity/member-id.ts'
import { DATA_CLASSES, type DataClass, isDataClass, resourceTypesOf } from '../data-classes.ts'
import { periodProblem } from '../period.ts'
import { ANY_PURPOSE, isPurpose, PURPOSE_SYSTEM } from '../purposes.ts'
import {
  CONFIDENTIALITY_SYSTEM,
  isGrantableKind,
  isKindAllowed,
  isSensitiveKind,
  SENSITIVE_KINDS,
  type SensitiveKind,
} from '../sensitivities.ts'
import { identifierOf } from './actor-identifier.ts'
import { bodiedWishes } from './bodied-wishes.ts'
import { GROUP_SYSTEM, RESOURCE_TYPES_SYSTEM, SLOT_STATE_SYSTEM } from './consent-of-slot.ts'
import type { ConsentWish, ReadWishes } from './consent-wish.ts'
import { enforceability } from './enforceability.ts'
import type { Defect } from './parse-consent.ts'
import { isObject, type JsonObject, listOf, textOf, wordOf } from './read.ts'

const DATA_CLASS_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/data-class'
const KINDS = Object.keys(SENSITIVE_KINDS) as SensitiveKind[]

/**
 * Either wishes or problems, never both. Where scope, classes and kinds say all that the Consent says, the wishes have no
 * body: then whoever is granted to finds the records without asking.
 */
export function wishesOfConsent(written: unknown): ReadWishes {
  const consent = withTypes(written)
  const defects = enforceability(consent)
  if (defects.length > 0 || !isObject(consent)) return { wishes: [], problems: defects }
  if (consent.status !== 'active' && consent.status !== 'proposed')
    return refused('status', 'only a Consent that is active or proposed can be filed')
  const plain = plainWishes(consent)
  const root = isObject(consent.provision) ? consent.provision : {}
  return plain.problems.length === 0 ? plain : bodiedWishes(consent, effectOf(consent, root))
}

/**
 * The same for whoever files it today: what no patient can sign is said now, with its path, and not when it is tried.
 * @param today in days since 1970
 */
export function wishesToSign(written: unknown, today: number): ReadWishes {
  const { wishes, problems } = wishesOfConsent(written)
  const wrong = wishes
    .filter(({ effect }) => effect === 'permit')
    .map((wish) => periodProblem(wish, today))
    .find((problem) => problem !== undefined)
  if (!wrong) return { wishes, problems }
  return refused(`provision.period.${wrong.end === 'from' ? 'start' : 'end'}`, wrong.reason)
}

const refused = (path: string, reason: string): ReadWishes => ({ wishes: [], problems: [{ path, reason }] })

function plainWishes(consent: JsonObject): ReadWishes {
  const problems: Defect[] = []
  const wrong = (path: string, reason: string) => void problems.push({ path, reason })
  const root = isObject(consent.provision) ? consent.provision : {}
  const effect = effectOf(consent, root)
  const parties = partiesOf(root, consent, wrong)
  const purposes = purposesOf(root, wrong)
  const dataClasses = classesOf(root, wrong)
  const sensitivities = effect === 'permit' ? kindsOf(root, isOfSlot(consent), wrong) : noKinds(root, wrong)
  const period = periodOf(root, effect, wrong)
  unsupported(root, wrong)
  if (problems.length > 0) return { wishes: [], problems }
  const all = effect === 'deny' && !root.class ? [] : dataClasses
  const what = { effect, dataClasses: all, sensitivities, ...period }
  const wishes = parties.flatMap((to) => purposes.map((purpose) => ({ to, purpose, ...what })))
  return { wishes, problems: [] }
}

/** Codes of our own data classes, as the resource types that R4 has for them. */
function withTypes(consent: unknown): unknown {
  if (!isObject(consent) || !isObject(consent.provision)) return consent
  return { ...consent, provision: withTypesIn(consent.provision) }
}

function withTypesIn(provision: JsonObject): JsonObject {
  const spelled = (coding: unknown) => {
    const { system, code } = isObject(coding) ? coding : {}
    if (system !== DATA_CLASS_SYSTEM || !isDataClass(code)) return [coding]
    return resourceTypesOf(code).map((type) => ({ system: RESOURCE_TYPES_SYSTEM, code: type }))
  }
  const { class: classes, provision: nested } = provision
  return {
    ...provision,
    ...(Array.isArray(classes) ? { class: classes.flatMap(spelled) } : {}),
    ...(Array.isArray(nested)
      ? { provision: nested.map((one: unknown) => (isObject(one) ? withTypesIn(one) : one)) }
      : {}),
  }
}

/** Whether it is what a broker has shown of a slot, by its tag. */
function isOfSlot({ meta }: JsonObject): boolean {
  const tags = isObject(meta) ? listOf(meta.tag) : []
  return tags.some((tag) => isObject(tag) && tag.system === SLOT_STATE_SYSTEM)
}

type Wrong = (path: string, reason: string) => void

/** `enforceability` has seen to it that one of the two says something. */
function effectOf(consent: JsonObject, root: JsonObject): 'permit' | 'deny' {
  if (root.type === 'permit' || root.type === 'deny') return root.type
  const rule = isObject(consent.policyRule) ? consent.policyRule : {}
  const codes = listOf(rule.coding).map((coding) => (isObject(coding) ? coding.code : undefined))
  return codes.some((code) => code === 'OPTIN' || code === 'OPTINR') ? 'permit' : 'deny'
}

function partiesOf(root: JsonObject, consent: JsonObject, wrong: Wrong): ConsentWish['to'][] {
  const actors = listOf(root.actor)
  if (actors.length === 0) return [{ granteeType: 'Everyone', grantee: '' }]
  return actors.flatMap((actor, i): ConsentWish['to'][] => {
    const path = `provision.actor[${i}].reference`
    const reference = isObject(actor) && isObject(actor.reference) ? actor.reference : {}
    const identifier = identifierOf(reference, consent)
    if (!identifier) {
      wrong(path, 'an organisation or group is named by its identifier')
      return []
    }
    if (identifier.system === GROUP_SYSTEM) return [{ granteeType: 'Group', grantee: identifier.value }]
    const type = textOf(reference.type) ?? 'Organization'
    if (type !== 'Organization')
      wrong(path, `a ${type} cannot be granted to; name the organisation or a group`)
    return [{ granteeType: 'Organization', grantee: identifierText(identifier) }]
  })
}

function purposesOf(root: JsonObject, wrong: Wrong): string[] {
  const purposes = listOf(root.purpose)
  if (purposes.length === 0) return [ANY_PURPOSE]
  return purposes.flatMap((coding, i) => {
    const { system, code } = isObject(coding) ? coding : {}
    if (system === PURPOSE_SYSTEM && isPurpose(code)) return [code]
    wrong(`provision.purpose[${i}]`, 'not a v3 PurposeOfUse code')
    return []
  })
}

function classesOf(root: JsonObject, wrong: Wrong): DataClass[] {
  const all = Object.keys(DATA_CLASSES).filter(isDataClass)
  const codings = listOf(root.class).filter(isObject)
  if (codings.length === 0) return all
  const named = new Set(codings.map(({ system, code }) => `${wordOf(system)}|${wordOf(code)}`))
  const typeOf = (type: string) => named.has(`${RESOURCE_TYPES_SYSTEM}|${type}`)
  const found = all.filter((dataClass) => resourceTypesOf(dataClass).every(typeOf))
  const covered = new Set(
    found.flatMap((dataClass) =>
      resourceTypesOf(dataClass).map((type) => `${RESOURCE_TYPES_SYSTEM}|${type}`),
    ),
  )
  for (const [i, { system, code }] of codings.entries()) {
    if (!covered.has(`${wordOf(system)}|${wordOf(code)}`))
      wrong(
        `provision.class[${i}]`,
        'only whole data classes can be granted: name every resource type of one',
      )
  }
  return found
}

/** The sensitive kinds that a permit opens: those that its label filters leave over. */
function kindsOf(root: JsonObject, isOfSlot: boolean, wrong: Wrong): string[] {
  const labels = listOf(root.securityLabel).filter(isObject)
  let open = KINDS.filter(isGrantableKind)
  if (labels.length > 0) {
    const codes = labels.map(({ code }) => wordOf(code))
    const normal = labels.some(({ system, code }) => system === CONFIDENTIALITY_SYSTEM && code === 'N')
    if (!normal) wrong('provision.securityLabel', 'ordinary records (N) cannot be left out of a grant')
    for (const [i, { system, code }] of labels.entries()) {
      if (!['U', 'L', 'M', 'N'].includes(wordOf(code)) && !isLabelled(system, code))
        wrong(`provision.securityLabel[${i}]`, 'a label that is not understood here')
    }
    open = open.filter((kind) => codes.includes(kind))
  }
  const denied = new Set(
    listOf(root.provision).flatMap((nested, i) => deniedKinds(nested, `provision.provision[${i}]`, wrong)),
  )
  const left = open.filter((kind) => !denied.has(kind))
  // R is on records of every kind, which kinds alone do not keep back; of a slot our own Consents say no more than kinds.
  if (denied.has('R') && left.length > 0 && !isOfSlot)
    wrong('provision.provision', 'what is restricted cannot be kept back by kinds alone')
  // A kind that includes another opens both: the narrower one could not be kept back.
  for (const kind of denied) {
    if (isSensitiveKind(kind) && isKindAllowed(kind, left))
      wrong('provision.provision', `${kind} cannot be kept back where the kind that includes it is open`)
  }
  return left
}

function deniedKinds(nested: unknown, path: string, wrong: Wrong): string[] {
  const { type, securityLabel, ...rest } = isObject(nested) ? nested : {}
  const only = Object.keys(rest).every((key) => key === 'id')
  if (type !== 'deny' || listOf(securityLabel).length === 0 || !only) {
    wrong(path, 'of nested provisions only a deny of security labels can be put on the chain')
    return []
  }
  return listOf(securityLabel).flatMap((label, i) => {
    const { system, code } = isObject(label) ? label : {}
    if (isLabelled(system, code)) return [wordOf(code)]
    wrong(`${path}.securityLabel[${i}]`, 'a label that is not understood here')
    return []
  })
}

const isLabelled = (system: unknown, code: unknown): boolean =>
  isSensitiveKind(code) && SENSITIVE_KINDS[code].system === system

function noKinds(root: JsonObject, wrong: Wrong): string[] {
  if (root.securityLabel !== undefined)
    wrong('provision.securityLabel', 'an objection names kinds of data only')
  if (listOf(root.provision).length > 0)
    wrong('provision.provision', 'nothing can be carved out of an objection')
  return []
}

function periodOf(root: JsonObject, effect: string, wrong: Wrong): { from?: string; until?: string } {
  if (!isObject(root.period)) return {}
  if (effect === 'deny') wrong('provision.period', 'an objection lasts until it is withdrawn')
  const from = dayIn(root.period.start, 'provision.period.start', wrong)
  const until = dayIn(root.period.end, 'provision.period.end', wrong)
  return { ...(from ? { from } : {}), ...(until ? { until } : {}) }
}

function dayIn(value: unknown, path: string, wrong: Wrong): string | undefined {
  const date = textOf(value)
  if (value !== undefined && (!date || dayOfDate(date) === undefined))
    wrong(path, 'a consent begins and ends with whole days, YYYY-MM-DD')
  return date
}

function unsupported(root: JsonObject, wrong: Wrong): void {
  for (const element of ['code', 'dataPeriod', 'data'] as const) {
    if (root[element] !== undefined)
      wrong(`provision.${element}`, 'cannot be put on the chain; narrow by kinds of data and labels')
  }
  const actions = listOf(root.action)
  const access = actions.some(
    (action) =>
      isObject(action) &&
      listOf(action.coding).some((c) => isObject(c) && (c.code === 'access' || c.code === 'disclose')),
  )
  if (actions.length > 0 && !access) wrong('provision.action', 'a consent here is about access')
}
