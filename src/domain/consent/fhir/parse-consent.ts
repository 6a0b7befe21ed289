/**
 * An R4 Consent (http://hl7.org/fhir/R4/consent.html) in the one form in which it is decided on: its provisions as a
 * list, every parent before its children, with data filters inherited. Never throws; what cannot be enforced is kept as
 * a defect of the provision that holds it.
 */
import { type Actor, isIdentified, readActor, takesOtherPart } from './actor.ts'
import { codingKey, conceptKeys, readCodings, readConcepts } from './codings.ts'
import { type DataFilter, type DataLevel, dataLevel, readDataFilter, type Verdict } from './data-filter.ts'
import { readPeriod, type Span } from './dates.ts'
import type { Directory } from './directory.ts'
import { isObject, type JsonObject, listOf, textOf } from './read.ts'
import { type Named, readReference } from './references.ts'

/** What cannot be enforced: where, as a FHIRPath from the Consent, and why. */
export type Defect = { readonly path: string; readonly reason: string }

export type Provision = {
  readonly path: string
  /** The index of the parent in the list; -1 for the root. */
  readonly parent: number
  readonly depth: number
  /** Absent where it says neither; then it has a defect. */
  readonly type?: Verdict
  /** Each absent where the provision does not name it. */
  readonly actors?: readonly Actor[]
  readonly actions?: ReadonlySet<string>
  readonly purposes?: ReadonlySet<string>
  readonly period?: Span
  /** Elements that hold something malformed, which might have matched. */
  readonly doubtful: ReadonlySet<string>
  readonly filter: DataFilter
  readonly level: DataLevel
  /** Names a class that no resource is looked at for, itself or by inheritance. */
  readonly classUnknown: boolean
  readonly defects: readonly Defect[]
}

export type ParsedConsent = {
  /** `Consent/id`. */
  readonly id: string
  readonly isActive: boolean
  readonly patient: Named
  /** Keys of the codings of `scope` and `category`. */
  readonly categories: ReadonlySet<string>
  /** Whether `scope` or `category` holds a coding that cannot be compared. */
  readonly categoryDoubtful: boolean
  readonly provisions: readonly Provision[]
  /** What says nothing, or matches nobody and nothing: no defect in a permit, which then permits the less. */
  readonly unmatchable: readonly Defect[]
}

const CONSENT_ELEMENTS: ReadonlySet<string> = new Set(
  (
    'resourceType id meta implicitRules language text contained extension modifierExtension identifier status scope ' +
    'category patient dateTime performer organization sourceAttachment sourceReference policy policyRule verification ' +
    'provision'
  ).split(' '),
)
const PROVISION_ELEMENTS: ReadonlySet<string> = new Set(
  'id extension modifierExtension type period actor action securityLabel purpose class code dataPeriod data provision'.split(
    ' ',
  ),
)

export function parseConsent(consent: JsonObject, directory: Directory): ParsedConsent {
  const codings = [consent.scope, ...listOf(consent.category)].map((concept) =>
    readCodings(isObject(concept) ? concept.coding : undefined),
  )
  const provisions: Provision[] = []
  const unmatchable: Defect[] = []
  const contained = listOf(consent.contained).filter(isObject)
  const base = baseOf(consent)
  const open: Place[] = [
    { value: consent.provision === undefined ? {} : consent.provision, path: 'provision', parent: -1 },
  ]
  for (let place = open.pop(); place; place = open.pop()) {
    const parent = provisions[place.parent]
    const read = readProvision(place, parent, directory, contained, parent ? undefined : base)
    const index = provisions.push(read.provision) - 1
    unmatchable.push(...read.unmatchable)
    for (const child of read.children.reverse()) open.push({ ...child, parent: index })
  }
  return {
    id: `Consent/${textOf(consent.id) ?? ''}`,
    isActive: consent.status === 'active',
    patient: readReference(consent.patient),
    categories: new Set(codings.flatMap(({ keys }) => [...keys])),
    categoryDoubtful: codings.some(({ malformed }) => malformed.length > 0),
    provisions,
    unmatchable,
  }
}

type Base = { type?: Verdict; path: string; defects: Defect[] }

const POLICIES = new Map<string, Verdict>(
  (
    [
      ['OPTIN', 'permit'],
      ['OPTINR', 'permit'],
      ['OPTOUT', 'deny'],
      ['OPTOUTE', 'deny'],
    ] as const
  ).map(([code, type]) => [codingKey('http://terminology.hl7.org/CodeSystem/v3-ActCode', code), type]),
)

/** What stands at the root of the resource: its defects, and the type that the root provision has or a policy gives it. */
function baseOf(consent: JsonObject): Base {
  const defects: Defect[] = []
  for (const name of Object.keys(consent)) {
    if (!CONSENT_ELEMENTS.has(name) && !name.startsWith('_'))
      defects.push({ path: name, reason: 'no element of R4' })
  }
  for (const name of ['policy', 'verification']) {
    if (listOf(consent[name]).some(hasModifier))
      defects.push({ path: `${name}.modifierExtension`, reason: 'a modifier extension that is not known' })
  }
  if (hasModifier(consent))
    defects.push({ path: 'modifierExtension', reason: 'a modifier extension that is not known' })
  if (consent.implicitRules !== undefined)
    defects.push({ path: 'implicitRules', reason: 'rules that are not known' })
  const root = consent.provision
  if (isObject(root) && root.type !== undefined) {
    if (root.type === 'permit' || root.type === 'deny') return { type: root.type, path: 'provision', defects }
    defects.push({ path: 'provision.type', reason: 'neither permit nor deny' })
    return { path: 'provision', defects }
  }
  const types = new Set(conceptKeys(consent.policyRule).flatMap((key) => POLICIES.get(key) ?? []))
  const { malformed } = readCodings(isObject(consent.policyRule) ? consent.policyRule.coding : undefined)
  const [type, other] = types
  if (type && !other && malformed.length === 0) return { type, path: 'policyRule', defects }
  const reason = other ? 'policies that contradict each other' : 'neither a type nor a policy that is known'
  defects.push({ path: type ? 'policyRule' : 'provision.type', reason })
  return { path: 'provision', defects }
}

const hasModifier = (value: unknown) => isObject(value) && listOf(value.modifierExtension).length > 0

type Place = { value: unknown; path: string; parent: number }
type Read = { provision: Provision; children: Place[]; unmatchable: Defect[] }

function readProvision(
  { value, path, parent }: Place,
  above: Provision | undefined,
  directory: Directory,
  contained: readonly JsonObject[],
  base: Base | undefined,
): Read {
  const provision = isObject(value) ? value : {}
  const defects: Defect[] = [...(base?.defects ?? [])]
  const doubtful = new Set<string>()
  const note = (element: string, reason: string) => {
    defects.push({ path: element === '' ? path : `${path}.${element}`, reason })
    doubtful.add(element.split('[')[0] ?? '')
  }
  if (!isObject(value)) {
    note('', 'not a provision')
    for (const element of UNREAD) doubtful.add(element)
  }
  if (hasModifier(provision)) note('modifierExtension', 'a modifier extension that is not known')
  for (const name of Object.keys(provision)) {
    if (!PROVISION_ELEMENTS.has(name) && name !== '_type') note(name, 'no element of R4')
  }
  const unmatchable: Defect[] = Object.entries(provision)
    .filter(([, element]) => Array.isArray(element) && element.length === 0)
    .map(([name]) => ({ path: `${path}.${name}`, reason: 'an empty list' }))
  const list = (name: string): readonly unknown[] | undefined => {
    const named = provision[name]
    if (named === undefined) return undefined
    if (!Array.isArray(named)) note(name, 'not a list')
    // What was nested there could have said anything.
    if (!Array.isArray(named) && name === 'provision') for (const element of UNREAD) doubtful.add(element)
    return listOf(named).length > 0 || !Array.isArray(named) ? listOf(named) : undefined
  }
  const type = base ? base.type : typeOf(provision.type)
  if (!base && !type) note('type', 'neither permit nor deny')

  const actors = list('actor')?.map((actor, index) => {
    const read = readActor(actor, directory, contained)
    for (const reason of read.reasons) note(`actor[${index}]`, reason)
    if (!isIdentified(read.actor))
      unmatchable.push({ path: `${path}.actor[${index}]`, reason: 'an actor that nothing identifies' })
    if (takesOtherPart(read.actor))
      unmatchable.push({ path: `${path}.actor[${index}].role`, reason: 'another part than recipient' })
    return read.actor
  })
  const actions = list('action') && readConcepts(provision.action)
  for (const index of actions?.malformed ?? []) note(`action[${index}]`, 'a concept without system and code')
  const purposes = list('purpose') && readCodings(provision.purpose)
  for (const index of purposes?.malformed ?? []) note(`purpose[${index}]`, 'a coding without system and code')
  const period = provision.period === undefined ? undefined : readPeriod(provision.period)
  if (provision.period !== undefined && !period) note('period', 'a malformed period')

  const children = (list('provision') ?? []).map((child, index) => ({
    value: child,
    path: `${path}.provision[${index}]`,
    parent,
  }))
  const data = readDataFilter(provision)
  for (const { path: element, reason } of data.defects) note(element, reason)
  const classUnknown = data.filter.class ? data.classUnknown : (above?.classUnknown ?? false)
  const noClass = 'neither a type of R4 nor a profile'
  if (classUnknown && type !== 'permit') note('class', noClass)
  else if (data.classUnknown) unmatchable.push({ path: `${path}.class`, reason: noClass })
  const filter = { ...above?.filter, ...data.filter }
  const named = dataLevel(filter, type ?? 'deny')
  // A data element that cannot be read might have named one instance; another filter is a filter, read or not.
  const level = doubtful.has('data')
    ? 3
    : named === 0 && FILTERS.some((name) => doubtful.has(name))
      ? 1
      : named

  return {
    provision: {
      path: base?.path ?? path,
      parent,
      depth: above ? above.depth + 1 : 0,
      ...(type ? { type } : {}),
      ...(actors ? { actors } : {}),
      ...(actions ? { actions: actions.keys } : {}),
      ...(purposes ? { purposes: purposes.keys } : {}),
      ...(period ? { period } : {}),
      doubtful,
      filter,
      level,
      classUnknown,
      defects,
    },
    children,
    unmatchable,
  }
}

const UNREAD = ['actor', 'purpose', 'action', 'period', 'data']
const FILTERS = ['securityLabel', 'class', 'code', 'dataPeriod']

const typeOf = (value: unknown): Verdict | undefined =>
  value === 'permit' || value === 'deny' ? value : undefined
