import { Operator, type SearchRequest } from '@medplum/core'
import { isResourceType } from '../../domain/consent/resource-types.ts'
import { invalid, notSupported } from './outcomes.ts'
import { searchParametersOf } from './search-parameters.ts'

// A search as it was asked for, checked. Strict where FHIR lets a server choose (R4 §3.1.1.2.5): a parameter that this
// server does not have is an error, since leaving it out would answer with records that were not asked for.

const PAGE = 100
const LARGEST_PAGE = 1_000

const DATE_PREFIXES: Record<string, Operator> = {
  eq: Operator.EQUALS,
  gt: Operator.GREATER_THAN,
  ge: Operator.GREATER_THAN_OR_EQUALS,
  lt: Operator.LESS_THAN,
  le: Operator.LESS_THAN_OR_EQUALS,
}

/** The pairs of a query, repeated names kept. */
export type QueryPairs = readonly (readonly [name: string, value: string])[]

/** `a=1&b=2` as pairs. */
export const queryPairs = (query: string): QueryPairs => [...new URLSearchParams(query)]

/** @throws OperationOutcomeError (400) for whatever is not supported. */
export function parseSearch(type: string, pairs: QueryPairs): SearchRequest {
  if (!isResourceType(type)) throw notSupported(`There is no resource type "${type}" in R4`)
  const search: SearchRequest & { filters: NonNullable<SearchRequest['filters']> } = {
    resourceType: type,
    count: PAGE,
    filters: [],
  }
  for (const [name, value] of pairs) {
    const [code = '', modifier] = name.split(':', 2)
    if (value === '') throw invalid(`The search parameter "${name}" has no value`)
    if (readControl(search, name, value)) continue
    if (code === '_id' && modifier === undefined) {
      search.filters.push({ code, operator: Operator.EQUALS, value })
    } else if (code === '_lastUpdated' && modifier === undefined) {
      const prefix = /^[a-z]{2}/.exec(value)?.[0]
      const operator = DATE_PREFIXES[prefix ?? 'eq']
      if (operator === undefined) throw notSupported(`The prefix "${prefix}" is not supported`)
      search.filters.push({ code, operator, value: prefix === undefined ? value : value.slice(2) })
    } else {
      search.filters.push({
        code,
        operator: Operator.EQUALS,
        value: checkedValue(type, code, modifier, value),
      })
    }
  }
  return search
}

/** `Type?query`, as a condition in a header, a reference or a bundle entry has it. */
export function parseCondition(condition: string): SearchRequest {
  const mark = condition.indexOf('?')
  const pairs = mark < 0 ? [] : queryPairs(condition.slice(mark + 1))
  if (pairs.length === 0) throw invalid('A condition needs at least one search parameter')
  return parseSearch(condition.slice(0, mark), pairs)
}

/** The URL of a search, or of its page from `cursor` on. */
export function searchUrl(base: string, search: SearchRequest, cursor?: string): string {
  const query = new URLSearchParams()
  for (const { code, operator, value } of search.filters ?? []) {
    query.append(code, operator === Operator.EQUALS ? value : `${operator}${value}`)
  }
  for (const { code, descending } of search.sortRules ?? [])
    query.append('_sort', `${descending ? '-' : ''}${code}`)
  query.append('_count', String(search.count))
  if (cursor !== undefined) query.append('_cursor', cursor)
  return `${base}/${search.resourceType}?${query}`
}

/** Splits at commas that are not escaped, and takes the escapes off (FHIR R4 §3.1.1.4.2). */
export function splitValues(value: string, separator = ','): string[] {
  const parts = value.match(new RegExp(`(?:\\\\.|[^\\\\${separator}])+`, 'g')) ?? []
  return parts.map((part) => (separator === ',' ? part : unescapeValue(part)))
}

export const unescapeValue = (value: string) => value.replace(/\\([\\,|$])/g, '$1')

function checkedValue(type: string, code: string, modifier: string | undefined, value: string): string {
  const parameter = searchParametersOf(type).get(code)
  if (parameter === undefined) throw notSupported(`${type} cannot be searched by "${code}" here`)
  if (modifier === undefined) return value
  // `subject:Patient=1` is `subject=Patient/1` (FHIR R4 §3.1.1.4.12).
  if (parameter.kind === 'reference' && isResourceType(modifier)) {
    return splitValues(value)
      .map((id) => (id.includes('/') ? id : `${modifier}/${id}`))
      .join(',')
  }
  throw notSupported(`The modifier ":${modifier}" is not supported`)
}

/** Reads what shapes the answer rather than choosing resources. False when `name` is not such a parameter. */
function readControl(search: SearchRequest, name: string, value: string): boolean {
  switch (name) {
    case '_count':
      search.count = Math.min(readCount(value), LARGEST_PAGE)
      return true
    case '_summary':
      if (value === 'count') search.count = 0
      else if (value !== 'false') throw notSupported('Only _summary=count is supported')
      return true
    case '_total':
      if (!['none', 'estimate', 'accurate'].includes(value))
        throw invalid('_total is none, estimate or accurate')
      return true
    case '_cursor':
      search.cursor = value
      return true
    case '_sort': {
      const code = value.replace(/^-/, '')
      if (code !== '_id' && code !== '_lastUpdated')
        throw notSupported('Only _id and _lastUpdated can be sorted by')
      search.sortRules = [{ code, descending: value.startsWith('-') }]
      return true
    }
    case '_format':
      if (!/json$/.test(value)) throw notSupported('Only JSON is offered')
      return true
    default:
      return false
  }
}

/** A page size. @throws OperationOutcomeError (400) */
export function readCount(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid('_count must be a whole number')
  return Number(value)
}
