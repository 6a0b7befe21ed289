import { Operator, type SearchRequest } from '@medplum/core'
import { type ExpressionBuilder, sql } from 'kysely'
import type { StoredResource } from './medplum-types.ts'
import { invalid } from './outcomes.ts'
import { localReference } from './references.ts'
import { type SearchParameter, searchParametersOf } from './search-parameters.ts'
import { splitValues, unescapeValue } from './search-query.ts'
import { wordLine } from './search-terms.ts'
import { storedResource } from './store.ts'
import type { FhirDb, FhirTables } from './tables.ts'

export type Found = { resources: StoredResource[]; total: number; next?: string }

type Conditions = ExpressionBuilder<FhirTables & { c: FhirTables['current'] }, 'c'>

/** One page of what matches. `next` is the cursor of the page after it. */
export async function findResources(db: FhirDb, search: SearchRequest, base: string): Promise<Found> {
  const matching = db
    .selectFrom('current as c')
    .where((eb) =>
      eb.and([
        eb('c.type', '=', search.resourceType),
        eb('c.deleted', '=', false),
        ...(search.filters ?? []).map((filter) => condition(eb, search.resourceType, filter, base)),
      ]),
    )
  const count = search.count ?? 0
  const countAll = async () =>
    (await matching.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
  if (count === 0) return { resources: [], total: await countAll() }

  const [sort] = search.sortRules ?? []
  const column = sort?.code === '_lastUpdated' ? 'c.seq' : 'c.id'
  const rows = await matching
    .innerJoin('versions as v', 'v.seq', 'c.seq')
    .select(['v.body', 'c.id', 'c.seq'])
    .$if(search.cursor !== undefined, (query) =>
      query.where(column, sort?.descending ? '<' : '>', readCursor(search.cursor ?? '', column)),
    )
    .orderBy(column, sort?.descending ? 'desc' : 'asc')
    .limit(count + 1)
    .execute()
  const resources = rows.slice(0, count).map((row) => storedResource(row.body ?? ''))
  const last = rows[count - 1]
  if (rows.length <= count && search.cursor === undefined) return { resources, total: rows.length }
  const more = rows.length > count && last !== undefined
  const next = more ? { next: String(column === 'c.seq' ? last.seq : last.id) } : {}
  return { resources, total: await countAll(), ...next }
}

function readCursor(cursor: string, column: string): string | number {
  if (column === 'c.id') return cursor
  if (!/^\d{1,15}$/.test(cursor)) throw invalid('_cursor must come from a next link')
  return Number(cursor)
}

type Filter = NonNullable<SearchRequest['filters']>[number]

function condition(eb: Conditions, type: string, { code, operator, value }: Filter, base: string) {
  const values = splitValues(value)
  if (values.length === 0) throw invalid(`The search parameter "${code}" has no value`)
  if (code === '_id') return eb('c.id', 'in', values)
  if (code === '_lastUpdated') return eb.or(values.map((date) => lastUpdatedIs(eb, operator, date)))
  const parameter = searchParametersOf(type).get(code)
  if (parameter === undefined) throw invalid(`${type} cannot be searched by "${code}"`)
  if (parameter.kind === 'string') {
    const lines = values.map((text) => wordLine(code, unescapeValue(text)))
    return eb.or(lines.map((line) => sql<boolean>`position(${line}::text in c.words) > 0`))
  }
  const terms = values.map((one) => searchTerm(type, parameter, one, base))
  return sql<boolean>`c.terms && ${terms}::text[]`
}

/** The one search term that a resource found by `parameter` with `value` has. */
export function searchTerm(type: string, parameter: SearchParameter, value: string, base: string): string {
  return `${type}.${parameter.code}${valueTerm(parameter, value, base)}`
}

function valueTerm({ code, kind, target }: SearchParameter, value: string, base: string): string {
  if (kind === 'token') {
    const bar = /(?<!\\)\|/.exec(value)?.index
    if (bar === undefined) return `:value=${unescapeValue(value)}`
    const [system, token] = [unescapeValue(value.slice(0, bar)), unescapeValue(value.slice(bar + 1))]
    return token === '' ? `:system=${system}` : `=${system}|${token}`
  }
  if (kind === 'date') {
    if (!/^(eq)?\d{4}(-\d{2}(-\d{2})?)?$/.test(value))
      throw invalid(`"${code}" takes a year, a month or a day`)
    return `=${value.replace(/^eq/, '')}`
  }
  const reference = localReference(unescapeValue(value), base)
  if (reference.includes('/') || reference.includes(':')) return `=${reference}`
  return target === undefined ? `:id=${reference}` : `=${target}/${reference}`
}

function lastUpdatedIs(eb: Conditions, operator: Operator, date: string) {
  const { from, until } = dateRange(date)
  switch (operator) {
    case Operator.GREATER_THAN:
      return eb('c.at', '>=', until)
    case Operator.GREATER_THAN_OR_EQUALS:
      return eb('c.at', '>=', from)
    case Operator.LESS_THAN:
      return eb('c.at', '<', from)
    case Operator.LESS_THAN_OR_EQUALS:
      return eb('c.at', '<', until)
    default:
      return eb.and([eb('c.at', '>=', from), eb('c.at', '<', until)])
  }
}

/** The time that a date covers, to its own precision (FHIR R4 §3.1.1.4.7), in milliseconds since 1970. */
function dateRange(date: string): { from: number; until: number } {
  const match = /^(\d{4})(-\d{2})?(-\d{2})?(T\d{2}:\d{2})?(:\d{2})?(\.\d+)?(Z|[+ -]\d{2}:\d{2})?$/.exec(date)
  if (match === null) throw invalid('_lastUpdated takes a date or an instant')
  const [, year, month, day, time, seconds, fraction, zone = 'Z'] = match
  const start = `${year}${month ?? '-01'}${day ?? '-01'}${time ?? 'T00:00'}${seconds ?? ':00'}${fraction ?? ''}`
  const from = Date.parse(`${start}${zone.replace(' ', '+')}`)
  if (Number.isNaN(from)) throw invalid('_lastUpdated takes a date or an instant')
  const next = new Date(from)
  if (month === undefined) next.setUTCFullYear(next.getUTCFullYear() + 1)
  else if (day === undefined) next.setUTCMonth(next.getUTCMonth() + 1)
  else
    next.setTime(
      from + (time === undefined ? 86_400_000 : seconds === undefined ? 60_000 : fraction ? 1 : 1_000),
    )
  return { from, until: next.getTime() }
}
