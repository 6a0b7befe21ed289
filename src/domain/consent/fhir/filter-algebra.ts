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

/** `loss`: 0 where the filter says it exactly, 1 but for resources without a whole date, 2 otherwise. */
export type Intersection = { readonly filter: DataFilter; readonly loss: 0 | 1 | 2 }

/**
 * The filter for what matches all of these. `nothing` where no resource can. Where no filter says it exactly, one that
 * matches less when it is to permit (`cannot be said` where there is none), and more when it is to deny.
 */
export function intersect(
  all: readonly Filtered[],
  type: Verdict,
): Intersection | 'nothing' | 'cannot be said' {
  const filter: { -readonly [K in keyof DataFilter]: DataFilter[K] } = {}
  let loss: Intersection['loss'] = 0
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
    if (!isSaid) loss = 2
    Object.assign(filter, restrict(all, kind, isSaid || type === 'permit' ? common : first))
  }
  const period = intersectPeriods(all, type)
  if (typeof period === 'string') return period
  if (period) filter.dataPeriod = period.dataPeriod
  return { filter, loss: Math.max(loss, period?.loss ?? 0) as Intersection['loss'] }
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

type DataPeriod = NonNullable<DataFilter['dataPeriod']>

/** A permit's period has to hold the resource's date whole; a denial's is touched by any part of it, or by no date. */
function intersectPeriods(all: readonly Filtered[], type: Verdict) {
  const periodsOf = (wanted: Verdict) =>
    all.flatMap((one) => (one.type === wanted ? (one.filter.dataPeriod ?? []) : []))
  const permits = periodsOf('permit')
  const denials = periodsOf('deny')
  if (permits.length + denials.length === 0) return undefined
  const [first = [], ...others] = [permits, denials].filter((periods) => periods.length > 0)
  const held = permits.length > 0 ? commonPeriod(permits) : undefined
  if (permits.length > 0 && !held) return 'nothing'
  const common = commonPeriod([...first, ...others.flat()])
  if (type === 'permit') {
    if (!common) return 'cannot be said'
    return { dataPeriod: common, loss: held && isSame(held, common) ? 0 : 1 } as const
  }
  // Whatever touches each of some periods that meet, touches what they have in common.
  if (common) return { dataPeriod: common, loss: permits.length === 0 ? 0 : 1 } as const
  const [any] = first
  return any && ({ dataPeriod: any, loss: 2 } as const)
}

const isSame = (a: DataPeriod, b: DataPeriod) => a.from === b.from && a.until === b.until

/** The later start and the earlier end, each as it was written; undefined where they do not meet. */
function commonPeriod(periods: readonly DataPeriod[]): DataPeriod | undefined {
  const first = periods.reduce((a, b) => (b.from > a.from ? b : a))
  const last = periods.reduce((a, b) => (b.until < a.until ? b : a))
  if (first.from > last.until) return undefined
  const { start } = first.period
  const { end } = last.period
  const period = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
  return { from: first.from, until: last.until, period }
}
