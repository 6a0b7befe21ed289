/** Takes an answer apart into single resources, Bundles in Bundles included, and says which Bundle each belongs to. */
import type { Coding } from 'fhir/r4.js'
import { isObject, type JsonObject, listOf, textOf } from '../fhir/read.ts'
import {
  isStoredType,
  isWholeType,
  type ReadEntry,
  readEntry,
  releasedType,
  wrongWithWhole,
} from './entries.ts'
import { aliasOf, readIdentifier } from './identifiers.ts'
import type { WithheldReason } from './placement.ts'
import { isId } from './survey.ts'
import { keyOfTarget, type Place } from './targets.ts'

export type Refusal = {
  readonly reason: WithheldReason
  readonly why?: string
  readonly isPatients: boolean
}

/** One entry, or the answer itself where that is a single resource. */
export type Item = {
  /** FHIRPath from the answer, such as `entry[3].resource.entry[0]`. */
  readonly path: string
  readonly read: ReadEntry
  readonly place: Place
  /** Its own names: `Type/id` or the whole address, and its URN. */
  readonly keys: readonly string[]
  readonly inherited: readonly Coding[]
  /** The document or message that it is released or withheld with; that one's own item is among the items. */
  readonly whole?: readonly Item[]
  /** A document or message: a Bundle that is handed on as it is. */
  readonly isWhole: boolean
  readonly depth: number
  /** Of a Bundle: what is in it. */
  readonly inside: Item[]
  refusal?: Refusal
}

export type Branch = {
  readonly bundle: JsonObject
  readonly type: string
  readonly entries: readonly { readonly entry: unknown; readonly item: Item; readonly branch?: Branch }[]
}

export type Collected = { readonly items: readonly Item[]; readonly root: { item: Item; branch?: Branch } }

/** Bundles in Bundles; nobody nests more than three. */
const MAX_DEPTH = 8

/** @param home the base of the server that answered, where it is known */
export function collect(answer: unknown, home: string | undefined): Collected {
  const items: Item[] = []
  const placeOf = (base: string | undefined): Place => ({
    ...(home === undefined ? {} : { home }),
    ...(base === undefined || base === home ? {} : { under: base }),
  })

  function add(
    read: ReadEntry,
    from: Pick<Item, 'path' | 'depth' | 'inherited'> & Partial<Pick<Item, 'whole'>>,
  ): { item: Item; branch?: Branch } {
    const place = placeOf(read.kind === 'malformed' ? undefined : read.base)
    const bundle =
      read.kind === 'resource' && read.resource.resourceType === 'Bundle' ? read.resource : undefined
    const isWhole = isWholeType(bundle?.type)
    const own: Item[] = []
    const item: Item = {
      ...from,
      // A document within a document: one whole.
      ...(isWhole && !from.whole ? { whole: own } : {}),
      read,
      place,
      keys: keysOf(read, place),
      isWhole,
      inside: [],
    }
    items.push(item)
    const whole = item.whole as Item[] | undefined
    whole?.push(item)
    if (read.kind === 'malformed') item.refusal = { reason: 'malformed', why: read.why, isPatients: false }
    return bundle ? open(bundle, item) : { item }
  }

  function open(bundle: JsonObject, item: Item): { item: Item; branch?: Branch } {
    const type = textOf(bundle.type) ?? ''
    const wrong = wrongWithBundle(bundle, type, item)
    if (wrong) {
      item.refusal = { isPatients: false, ...wrong }
      return { item }
    }
    // What stands on an answer is the highest of what is in it; on what was stored as a whole, it counts for all of it.
    const inherited = isStoredType(type) ? [...item.inherited, ...labelsOn(bundle)] : item.inherited
    const { depth, whole, path } = item
    const before = path === '' ? '' : `${path}.`
    const entries = listOf(bundle.entry).map((entry, index) => {
      const at = {
        path: `${before}entry[${index}]`,
        depth: depth + 1,
        inherited,
        ...(whole ? { whole } : {}),
      }
      const read = readEntry(entry, type)
      const isNested = read.kind === 'resource' && read.resource.resourceType === 'Bundle'
      const added = add(read, isNested ? { ...at, path: `${at.path}.resource` } : at)
      item.inside.push(added.item)
      return { entry, ...added }
    })
    return { item, branch: { bundle, type, entries } }
  }

  const root = add(
    isObject(answer)
      ? { kind: 'resource', resource: answer, isInclude: false }
      : { kind: 'malformed', why: 'no object' },
    { path: '', depth: 0, inherited: [] },
  )
  return { items, root }
}

function wrongWithBundle(
  bundle: JsonObject,
  type: string,
  { depth }: Item,
): { reason: WithheldReason; why?: string } | undefined {
  if (depth > MAX_DEPTH) return { reason: 'too-deep' }
  if (!isWholeType(type) && releasedType(type) === undefined) return { reason: 'malformed', why: 'type' }
  if (bundle.entry !== undefined && !Array.isArray(bundle.entry)) return { reason: 'malformed', why: 'entry' }
  if (bundle.id !== undefined && !isId(bundle.id)) return { reason: 'malformed', why: 'id' }
  if (bundle.meta !== undefined && !isObject(bundle.meta)) return { reason: 'malformed', why: 'meta' }
  const why = isWholeType(type) ? wrongWithWhole(bundle) : undefined
  return why === undefined ? undefined : { reason: 'malformed', why }
}

function labelsOn({ meta }: JsonObject): Coding[] {
  const security = isObject(meta) ? meta.security : undefined
  if (security === undefined) return []
  return Array.isArray(security) ? security.map((label) => (isObject(label) ? label : {})) : [{}]
}

function keysOf(read: ReadEntry, place: Place): string[] {
  if (read.kind === 'malformed') return []
  const { type, id } =
    read.kind === 'deletion'
      ? read
      : { type: textOf(read.resource.resourceType), id: textOf(read.resource.id) }
  const own =
    type === undefined || id === undefined ? undefined : keyOfTarget({ kind: 'literal', type, id }, place)
  const urn = read.kind === 'resource' && read.base === undefined ? read.fullUrl : undefined
  return [own, urn].filter((key) => key !== undefined)
}

/** Names by its business identifiers, by which others may point at it; several resources may share one. */
export function aliasesOf({ read }: Item): string[] {
  // Whoever asks about the patient has the patient's own.
  if (read.kind !== 'resource' || read.resource.resourceType === 'Patient') return []
  const { identifier } = read.resource
  if (identifier === undefined) return []
  return [identifier].flat().flatMap((one) => {
    const named = readIdentifier(one)
    return named ? [aliasOf(named)] : []
  })
}
