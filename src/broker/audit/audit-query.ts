import { isTermParameter, type TERM_PARAMETERS, termOf } from '../../domain/audit/search-terms.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { TrailQuery } from './search-trail.ts'

/** What was asked of `GET AuditEvent`, read; the patient is still to be looked up. */
export type AuditParameters = Omit<TrailQuery, 'patients' | 'page'> & {
  identifier?: Identifier
  /** Logical id of this hospital's own Patient. */
  patientId?: string
  /** Names of what was searched by, without any value. */
  searchedBy: string[]
}

const RESULT = ['_count', '_sort', '_format']
const MOST = 500
const MOST_VALUES = 20
const LONGEST = 256

/**
 * The parameters of ITI-81 that can be told apart here, those of FHIR R4 for AuditEvent, and `purpose` and `policy`.
 * @throws WayleaveError `unsupported-parameter`, or `request-invalid` that names the parameter.
 */
export function readAuditQuery(parameters: Readonly<Record<string, unknown>>): AuditParameters {
  const names = Object.keys(parameters)
  const isKnown = (name: string) =>
    ['date', 'patient', 'patient.identifier', ...RESULT].includes(name) || termParameter(name) !== undefined
  if (!names.every(isKnown)) throw wayleaveError('unsupported-parameter')
  const count = one(parameters, '_count')
  const patient = one(parameters, 'patient')
  const identifier = one(parameters, 'patient.identifier')
  const terms = names.flatMap((name) => termsIn(name, parameters[name]))
  return {
    count: count === undefined ? 50 : Math.min(Math.max(integer('_count', count), 1), MOST),
    sort: sortIn(one(parameters, '_sort')),
    searchedBy: names.filter((name) => !RESULT.includes(name)).sort(),
    ...(terms.length > 0 ? { terms } : {}),
    ...(patient === undefined ? {} : { patientId: patient.replace(/^Patient\//, '') }),
    ...(identifier === undefined ? {} : { identifier: identifierIn(identifier) }),
    ...periodOf([parameters.date ?? []].flat()),
  }
}

/** FHIR R4 §3.1.1.4.12: `:identifier` asks for a reference by its identifier. */
function termParameter(name: string): (typeof TERM_PARAMETERS)[number] | undefined {
  const chained = name.replace(/^(agent|entity|source):identifier$/, '$1.identifier')
  return isTermParameter(chained) ? chained : undefined
}

/** Given twice means both; values with a comma between them mean either (FHIR R4 §3.1.1.3). */
function termsIn(name: string, given: unknown): string[][] {
  const parameter = termParameter(name)
  if (!parameter) return []
  return [given].flat().map((text) => {
    if (typeof text !== 'string' || text === '') throw wayleaveError('request-invalid', name)
    const values = text.split(/(?<!\\),/).map((value) => value.replace(/\\([,|$\\])/g, '$1'))
    const isSound = (value: string) => value !== '' && value.length <= LONGEST && !value.endsWith('|')
    if (values.length > MOST_VALUES || !values.every(isSound)) throw wayleaveError('request-invalid', name)
    return values.map((value) => termOf(parameter, value))
  })
}

function sortIn(text = '-date'): 'date' | '-date' {
  if (text !== 'date' && text !== '-date') throw wayleaveError('request-invalid', '_sort')
  return text
}

/** A parameter given twice means "both" in FHIR: one patient who is two. Never silently "either", or "all". */
function one(parameters: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = parameters[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw wayleaveError('request-invalid', name)
}

function integer(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw wayleaveError('request-invalid', name)
  return Number(text)
}

function identifierIn(text: string): Identifier {
  try {
    return parseIdentifierText(text)
  } catch (cause) {
    throw wayleaveError('request-invalid', 'patient.identifier', cause)
  }
}

/** FHIR R4 §3.1.1.4.7: a date is the whole period that its precision names; several dates must all hold. */
function periodOf(dates: readonly unknown[]): { from?: string; to?: string } {
  const period: { from?: string; to?: string } = {}
  const from = (at: Date) => {
    if (!period.from || at.toISOString() > period.from) period.from = at.toISOString()
  }
  const to = (at: Date) => {
    if (!period.to || at.toISOString() < period.to) period.to = at.toISOString()
  }
  for (const text of dates) {
    const [, prefix = 'eq', date = ''] = /^(eq|ge|gt|le|lt)?(\d.*)$/.exec(String(text)) ?? []
    const { start, end } = boundsOf(date)
    if (prefix === 'eq' || prefix === 'ge') from(start)
    if (prefix === 'gt') from(end)
    if (prefix === 'eq' || prefix === 'le') to(end)
    if (prefix === 'lt') to(start)
  }
  return period
}

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** Days are days in UTC, since the trail's instants are. */
function boundsOf(text: string): { start: Date; end: Date } {
  const [, year, month, day] = DATE.exec(text) ?? []
  if (year) {
    const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)]
    const start = new Date(Date.UTC(y, m, d))
    const end = new Date(day ? Date.UTC(y, m, d + 1) : month ? Date.UTC(y, m + 1) : Date.UTC(y + 1, 0))
    // 31 February would otherwise be some day in March.
    if (start.getUTCMonth() === m && start.getUTCDate() === d) return { start, end }
  } else if (INSTANT.test(text) && !Number.isNaN(Date.parse(text))) {
    const start = new Date(text)
    const [, seconds, fraction] = INSTANT.exec(text) ?? []
    const length = fraction ? 1 : seconds ? 1_000 : 60_000
    return { start, end: new Date(start.getTime() + length) }
  }
  throw wayleaveError('request-invalid', 'date')
}
