import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { AuditQuery } from './search-audit.ts'

/** What was asked of `GET AuditEvent`, read; the patient is still to be looked up. */
export type AuditParameters = Pick<AuditQuery, 'count' | 'before' | 'from' | 'to'> & {
  identifier?: Identifier
  /** Logical id of this hospital's own Patient. */
  patientId?: string
}

const PARAMETERS = new Set(['date', 'patient', 'patient.identifier', '_count', '_before', '_format'])
const MOST = 500

/** @throws WayleaveError `unsupported-parameter`, or `request-invalid` that names the parameter. */
export function readAuditQuery(parameters: Readonly<Record<string, unknown>>): AuditParameters {
  if (Object.keys(parameters).some((name) => !PARAMETERS.has(name)))
    throw wayleaveError('unsupported-parameter')
  const count = one(parameters, '_count')
  const before = one(parameters, '_before')
  const patient = one(parameters, 'patient')
  const identifier = one(parameters, 'patient.identifier')
  return {
    count: count === undefined ? 50 : Math.min(Math.max(integer('_count', count), 1), MOST),
    ...(before === undefined ? {} : { before: integer('_before', before) }),
    ...(patient === undefined ? {} : { patientId: patient.replace(/^Patient\//, '') }),
    ...(identifier === undefined ? {} : { identifier: identifierIn(identifier) }),
    ...periodOf([parameters.date ?? []].flat()),
  }
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
