import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { type Period, readPeriod } from '../../domain/reports/period.ts'
import type { ReportName } from '../../domain/reports/report.ts'

const REPORT_FORMATS = ['json', 'csv', 'html'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** What was asked of a report, read; the patient is still to be looked up. */
export type ReportQuery = {
  period: Period
  format: ReportFormat
  identifier?: Identifier
  /** Logical id of this hospital's own Patient. */
  patientId?: string
}

const PARAMETERS: readonly string[] = ['from', 'to', 'zone', 'format']
const NAMING: readonly string[] = ['patient', 'patient.identifier']

/** Years that an accounting of disclosures reaches back (45 CFR 164.528(a)(1)). */
const ACCOUNTED = 6

/**
 * @param mayName whether the caller says who it is about; a patient's session does by itself
 * @throws WayleaveError `unsupported-parameter`, or `request-invalid` that names the parameter
 */
export function readReportQuery(
  name: ReportName,
  parameters: unknown,
  now: number,
  mayName: boolean,
): ReportQuery {
  const given = textsIn(parameters)
  const known = mayName ? [...PARAMETERS, ...NAMING] : PARAMETERS
  if (Object.keys(given).some((parameter) => !known.includes(parameter)))
    throw wayleaveError('unsupported-parameter')
  const { from, to, zone, format = 'json', patient, 'patient.identifier': identifier } = given
  const found = REPORT_FORMATS.find((one) => one === format)
  if (!found) throw wayleaveError('request-invalid', 'format')
  const asked = { ...(from ? { from } : {}), ...(to ? { to } : {}), ...(zone ? { zone } : {}) }
  const isOfOne = name === 'subject-access' || name === 'disclosures'
  if (!isOfOne && (patient || identifier)) throw wayleaveError('request-invalid', 'patient')
  if (isOfOne && mayName && !patient && !identifier) throw wayleaveError('request-invalid', 'patient')
  return {
    period: readPeriod(asked, now, name === 'disclosures' ? ACCOUNTED : undefined),
    format: found,
    ...(patient ? { patientId: patient.replace(/^Patient\//, '') } : {}),
    ...(identifier ? { identifier: identifierIn(identifier) } : {}),
  }
}

/** A parameter given twice says two things: neither is taken. */
function textsIn(parameters: unknown): Record<string, string> {
  if (parameters === undefined || parameters === null) return {}
  if (typeof parameters !== 'object') throw wayleaveError('request-invalid', 'no form')
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (typeof value !== 'string' || value === '') throw wayleaveError('request-invalid', name)
      return [name, value]
    }),
  )
}

function identifierIn(text: string): Identifier {
  try {
    return parseIdentifierText(text)
  } catch (cause) {
    throw wayleaveError('request-invalid', 'patient.identifier', cause)
  }
}
