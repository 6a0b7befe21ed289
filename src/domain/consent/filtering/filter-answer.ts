/**
 * Filters what a FHIR server answered, resource by resource: pure, total, and closed where in doubt. What is released is
 * released as it came and in the order in which it came; docs/filter.md states the rules.
 */
import { isObject, type JsonObject, textOf } from '../fhir/read.ts'
import { type Branch, collect, type Item } from './collect.ts'
import { isStoredType, releasedEntry, releasedType } from './entries.ts'
import { type Judges, judgeWhole, type Whole } from './judge-resource.ts'
import { type AboutPatient, type KnownPatient, whoseReference } from './patient.ts'
import type { WithheldReason } from './placement.ts'
import { recogniseHome, recognisePatient } from './recognise.ts'
import { spread } from './spread.ts'
import { suppressedEntry, suppressedOutcome, withRedactedTag } from './suppressed.ts'
import { surveyResource } from './survey.ts'

export type FilterRules = Judges & {
  readonly patient: AboutPatient
  /**
   * Base of the server that answered, without a trailing slash. Absent: that of the patient's reference, else the one
   * that every `fullUrl` of the answer has; where they differ, no address is understood.
   */
  readonly base?: string
  /** Whether whoever asks may know that something of the patient is withheld. */
  readonly tellsRedactions: boolean
}

/** For the custodian's own books, never for whoever asks. */
export type Withheld = {
  /** FHIRPath from the answer; empty for the answer itself. */
  readonly path: string
  /** `Type/id` where it has one. */
  readonly id?: string
  readonly reason: WithheldReason
  readonly why?: string
}

export type Filtered = {
  /** Absent where nothing is released and nothing may be told. A Bundle may well be empty. */
  readonly answer?: JsonObject
  readonly withheld: readonly Withheld[]
  /** How many resources are released, Bundles not counted. */
  readonly released: number
}

/** @param answer parsed JSON: a Bundle of any type, or a single resource; `read-answer.ts` reads it from bytes */
export function filterAnswer(answer: unknown, rules: FilterRules): Filtered {
  const home = rules.base ?? recogniseHome(rules.patient, answer)
  const { items, root } = collect(answer, home)
  const { known, isPatient } = recognisePatient(rules.patient, items, home)
  const judged = new Map<Item, Whole>()
  for (const item of items) {
    if (item.refusal || item.read.kind !== 'resource') continue
    const { resource } = item.read
    if (resource.resourceType === 'Bundle') {
      const refusal = refusalOfBundle(resource, item, known, rules)
      if (refusal) item.refusal ??= refusal
      continue
    }
    const { place, inherited } = item
    const found = judgeWhole(resource, rules, { known, place, isPatient: isPatient(item), inherited })
    judged.set(item, found)
    if (!found.released) {
      const { reason, why, isPatients } = found
      item.refusal = { reason, isPatients, ...(why === undefined ? {} : { why }) }
    }
  }
  spread(items, (item) => judged.get(item), known.keys)

  const withheld = items.flatMap((item) => (item.refusal ? [noteOf(item)] : []))
  const isToTell = rules.tellsRedactions && items.some(({ refusal }) => refusal?.isPatients)
  const released = items.filter(
    (item) => !item.refusal && (judged.has(item) || item.read.kind === 'deletion'),
  )
  const rebuilt = rebuild(root, isToTell)
  return { ...(rebuilt ? { answer: rebuilt } : {}), withheld, released: released.length }
}

/**
 * Judges one resource by itself, with what it contains: what the release of a single record asks. Whatever needs others
 * to be placed, such as a Provenance, is withheld.
 */
export function filterResource(resource: JsonObject, rules: Omit<FilterRules, 'tellsRedactions'>): Whole {
  const { base: home } = rules
  const { items, root } = collect(resource, home)
  const { known, isPatient } = recognisePatient(rules.patient, items, home)
  const { item } = root
  if (resource.resourceType === 'Bundle' || item.read.kind !== 'resource')
    return { released: false, reason: 'malformed', isPatients: false }
  const { place } = item
  const whole = judgeWhole(resource, rules, { known, place, isPatient: isPatient(item), inherited: [] })
  if (!whole.released || whole.as === 'record') return whole
  const reason = whole.as === 'directory' ? 'no-released-referrer' : 'not-placed'
  return { released: false, reason, isPatients: false }
}

type Tree = { readonly item: Item; readonly branch?: Branch }

/** A Bundle has no content of its own, save what stands around its entries; an objection may name it. */
function refusalOfBundle(
  bundle: JsonObject,
  item: Item,
  known: KnownPatient,
  rules: FilterRules,
): Item['refusal'] {
  if (item.depth === 0 && !item.isWhole) return undefined
  const { entry: _, ...around } = bundle
  const { references, malformed } = surveyResource(around)
  if (malformed !== undefined) return { reason: 'malformed', why: malformed, isPatients: false }
  const host = { resource: around, contained: [] }
  const isOthers = references.some(
    (reference) => whoseReference(reference, known, item.place, host) === 'other',
  )
  if (isOthers) return { reason: 'other-patient', isPatients: false }
  if (!isStoredType(bundle.type)) return undefined
  const said = rules.verdict(around, { confidentiality: 'N', kinds: [] })
  if (said.decision === 'permit' || said.silent) return undefined
  return { reason: 'denied', why: said.why, isPatients: false }
}

function noteOf({ path, read, refusal }: Item): Withheld {
  const { reason = 'malformed', why } = refusal ?? {}
  const resource: JsonObject = read.kind === 'resource' ? read.resource : {}
  const type = read.kind === 'deletion' ? read.type : textOf(resource.resourceType)
  const id = read.kind === 'deletion' ? read.id : textOf(resource.id)
  const name = type === undefined || id === undefined ? {} : { id: `${type}/${id}` }
  return { path, ...name, reason, ...(why === undefined ? {} : { why }) }
}

function rebuild(root: Tree, isToTell: boolean): JsonObject | undefined {
  const { item, branch } = root
  if (!branch || item.isWhole) {
    if (!item.refusal && item.read.kind === 'resource') return item.read.resource
    return isToTell ? suppressedOutcome() : undefined
  }
  const entries = releasedEntries(branch)
  const type = releasedType(branch.type) ?? 'collection'
  if (isToTell && type === 'searchset') entries.push(suppressedEntry())
  const bundle = bundleOf(type, entries)
  return isToTell ? withRedactedTag(bundle) : bundle
}

/** R4 ele-1: no list is empty. */
const bundleOf = (type: string, entry: object[]): JsonObject => ({
  resourceType: 'Bundle',
  type,
  ...(entry.length > 0 ? { entry } : {}),
})

function releasedEntries({ type, entries }: Branch): object[] {
  return entries.flatMap(({ entry, item, branch }) => {
    if (item.refusal || !isObject(entry)) return []
    const { read } = item
    if (read.kind !== 'resource') return [releasedEntry(entry, read, type)]
    if (!branch || item.isWhole) return [releasedEntry(entry, read, type, read.resource)]
    const inside = releasedEntries(branch)
    if (inside.length === 0) return []
    // What the server called this Bundle, and how it found it, is of what was in it.
    const { fullUrl: _, ...plain } = { ...read }
    const bundle = bundleOf(releasedType(branch.type) ?? 'collection', inside)
    return [releasedEntry({ ...entry, response: undefined }, plain, type, bundle)]
  })
}
