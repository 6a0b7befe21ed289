/** What can be said of filters without a resource at hand: whether one holds another, and what matches all of some. */
import type { Coding } from 'fhir/r4.js'
import { isResourceType } from '../resource-types.ts'
import { BELOW_NORMAL, keyOfCoding } from './codings.ts'
import { type DataFilter, dataKey, type Verdict } from './data-filter.ts'
import { within } from './dates.ts'

type Filtered = { readonly type: Verdict; readonly filter: DataFilter }

type Kind = 'securityLabel' | 'class' | 'code' | 'data'
const KINDS: readonly Kind[] = ['securityLabel', 'class', 'code', 'data']

/** The alternatives of one kind as strings; undefined where the filter does not name the kind. */
function valuesOf(filter: DataFilter, kind: Kind): ReadonlySet<string> | undefined {
  switch (kind) {
    case 'class':
      return filter.class?.codes
    case 'data':
      return filter.data && new Set(filter.data.map(dataKey))
    default:
      return filter[kind]?.keys
  }
}

/** Whether whatever matches `inner` is certain to match `outer`, each by the meaning of its own type. */
export function includes(outer: Filtered, inner: Filtered): boolean {
  for (const kind of KINDS) {
    const wide = valuesOf(outer.filter, kind)
    const narrow = valuesOf(inner.filter, kind)
    if (wide && !(narrow && isSubset(narrow, wide))) return false
  }
  const { dataPeriod: wide } = outer.filter
  const { dataPeriod: narrow } = inner.filter
  if (!wide) return true
  // What is denied for want of a date is not permitted.
  return narrow !== undefined && within(narrow, wide) && !(outer.type === 'permit' && inner.type === 'deny')
}

const isSubset = (narrow: ReadonlySet<string>, wide: ReadonlySet<string>) =>
  [...narrow].every((value) => wide.has(value))

export type Intersection = { readonly filter: DataFilter; readonly isExact: boolean }

/**
 * The filter for what matches all of these. `nothing` where no resource can. Where no filter says it exactly, one that
 * says less when it is to permit (`cannot be said` where there is none), and more when it is to deny.
 */
export function intersect(
  all: readonly Filtered[],
  type: Verdict,
): Intersection | 'nothing' | 'cannot be said' {
  const filter: { -readonly [K in keyof DataFilter]: DataFilter[K] } = {}
  let isExact = true
  for (const kind of KINDS) {
    const sets = all.flatMap((one) => valuesOf(one.filter, kind) ?? [])
    const [first, ...others] = [...sets].sort((a, b) => a.size - b.size)
    if (!first) continue
    const common = new Set([...first].filter((value) => others.every((other) => other.has(value))))
    // A resource has one type and is one instance, but any number of labels, codes and profiles.
    const isSingle = sets.every((set) => [...set].every((value) => isSingleValued(kind, value)))
    const isSaid = isSingle || common.size === first.size
    if (isSingle && common.size === 0) return 'nothing'
    if (!isSaid && type === 'permit' && common.size === 0) return 'cannot be said'
    isExact &&= isSaid
    Object.assign(filter, restrict(all, kind, isSaid || type === 'permit' ? common : first))
  }
  const period = intersectPeriods(all, type)
  if (typeof period === 'string') return period
  if (period) filter.dataPeriod = period.dataPeriod
  return { filter, isExact: isExact && (period?.isExact ?? true) }
}

function isSingleValued(kind: Kind, value: string): boolean {
  if (kind === 'class') return isResourceType(value)
  return kind === 'data' && value.startsWith('instance ')
}

/** One kind, cut down to some of the values that are named in any of the filters. */
function restrict(all: readonly Filtered[], kind: Kind, keys: ReadonlySet<string>): DataFilter {
  const filters = all.map(({ filter }) => filter)
  switch (kind) {
    case 'securityLabel': {
      const codings = [...filters.flatMap((one) => one.securityLabel?.codings ?? []), ...BELOW_NORMAL]
      return { securityLabel: { codings: pick(codings, keys), keys } }
    }
    case 'class': {
      const codings = filters.flatMap((one) => one.class?.codings ?? [])
      return { class: { codings: codings.filter(({ code = '' }) => keys.has(code)), codes: keys } }
    }
    case 'code': {
      const codings = filters.flatMap((one) => one.code?.concepts ?? []).flatMap(({ coding }) => coding ?? [])
      return { code: { concepts: pick(codings, keys).map((coding) => ({ coding: [coding] })), keys } }
    }
    case 'data': {
      const elements = new Map(filters.flatMap((one) => one.data ?? []).map((one) => [dataKey(one), one]))
      return { data: [...keys].flatMap((key) => elements.get(key) ?? []) }
    }
  }
}

function pick(codings: readonly Coding[], keys: ReadonlySet<string>): Coding[] {
  const found = new Map(codings.map((coding) => [keyOfCoding(coding) ?? '', coding]))
  return [...keys].flatMap((key) => found.get(key) ?? [])
}

/** A permit's period has to hold the resource's date whole; a denial's is touched by any part of it, or by no date. */
function intersectPeriods(all: readonly Filtered[], type: Verdict) {
  const periodsOf = (wanted: Verdict) =>
    all.flatMap((one) => (one.type === wanted ? (one.filter.dataPeriod ?? []) : []))
  const permits = periodsOf('permit')
  const denials = periodsOf('deny')
  const inner = permits.toSorted((a, b) => a.until - a.from - (b.until - b.from))[0]
  if (permits.some((a) => permits.some((b) => a.from > b.until))) return 'nothing'
  const narrowest = denials.find((one) => denials.every((other) => within(one, other)))
  if (type === 'permit') {
    if (inner && [...permits, ...denials].every((other) => within(inner, other)))
      return { dataPeriod: inner, isExact: true }
    return permits.length + denials.length > 0 ? 'cannot be said' : undefined
  }
  const [denied] = narrowest ? [narrowest] : denials
  if (denied) return { dataPeriod: denied, isExact: narrowest !== undefined && !inner }
  return inner && { dataPeriod: inner, isExact: false }
}
