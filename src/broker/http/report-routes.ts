import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { reportCsv } from '../../domain/reports/format-csv.ts'
import { reportHtml } from '../../domain/reports/format-html.ts'
import { reportJson } from '../../domain/reports/format-json.ts'
import { isReportName, OWN_REPORTS, type Report, type ReportName } from '../../domain/reports/report.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { Sessions } from '../patients/sessions.ts'
import { type ReportFormat, readReportQuery } from '../reports/report-query.ts'
import type { Reports, ReportWish } from '../reports/reports.ts'
import { entriesOf, type Found, ownEntries } from '../reports/whose-entries.ts'
import type { HisGrant } from './his-routes.ts'
import { sendPieces } from './send-pieces.ts'
import { credential } from './server.ts'

const FORMS: Readonly<
  Record<ReportFormat, { type: string; write: (report: Report) => AsyncGenerator<string> }>
> = {
  json: { type: 'application/json; charset=utf-8', write: reportJson },
  csv: { type: 'text/csv; charset=utf-8; header=present', write: reportCsv },
  html: { type: 'text/html; charset=utf-8', write: reportHtml },
}

/** Reports made of the trail: for auditors all of them, for a patient their own. Reading one is itself logged. */
export function reportRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    vault: Vault
    patients: PatientStore
    clock: Clock
    reports: Reports
    sessions: Sessions
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  async function forAuditor(request: FastifyRequest, reply: FastifyReply, asked: () => unknown) {
    const { clientId, asker } = await deps.authorise(request, 'system/AuditEvent.rs')
    const name = nameIn(request)
    const { identifier, patientId, ...query } = readReportQuery(name, asked(), deps.clock.now(), true)
    const isOfOne = identifier !== undefined || patientId !== undefined
    const who = { ...(identifier ? { identifier } : {}), ...(patientId ? { patientId } : {}) }
    const subject = isOfOne ? await entriesOf(deps, who) : undefined
    if (isOfOne && !subject) throw wayleaveError('report-unknown', 'no such Patient')
    const user = asker
      ? { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
      : { id: clientId }
    const report = await deps.reports.make(wishOf(name, query.period, subject), {
      user,
      client: { id: clientId },
    })
    return sendReport(reply, report, query.format)
  }

  app.get('/reports/:name', (request, reply) => forAuditor(request, reply, () => request.query))
  // A national identifier belongs in no address, and nothing belongs beside the body.
  app.post('/reports/:name', (request, reply) =>
    forAuditor(request, reply, () => {
      if (Object.keys(request.query as object).length > 0)
        throw wayleaveError('request-invalid', 'parameters in the address')
      return request.body
    }),
  )

  app.get('/patient/reports/:name', async (request, reply) => {
    const patient = await deps.sessions.patientOf(credential(request, 'Bearer'))
    const name = nameIn(request, OWN_REPORTS)
    const query = readReportQuery(name, request.query, deps.clock.now(), false)
    const subject = ownEntries(deps, patient)
    const report = await deps.reports.make(wishOf(name, query.period, subject), 'patient')
    return sendReport(reply, report, query.format)
  })
}

export function nameIn(request: FastifyRequest, among?: readonly ReportName[]): ReportName {
  const { name } = request.params as { name?: string }
  if (!isReportName(name) || (among && !among.includes(name))) throw wayleaveError('report-unknown')
  return name
}

export function wishOf(
  name: ReportName,
  period: ReportWish['period'],
  subject: Found | undefined,
): ReportWish {
  if (name !== 'subject-access' && name !== 'disclosures') return { name, period }
  if (!subject) throw wayleaveError('request-invalid', 'patient')
  return { name, period, subject }
}

/** Characters that are gathered before they are sent. */
const PIECE = 16_384

export function sendReport(reply: FastifyReply, report: Report, format: ReportFormat): FastifyReply {
  const { type, write } = FORMS[format]
  const bytes = pieces(write(report))
  reply
    .type(type)
    .header('content-disposition', `attachment; filename="${report.name}.${format}"`)
    .header('x-content-type-options', 'nosniff')
  return sendPieces(reply, { bytes, end: () => void bytes.return(undefined) })
}

export async function* pieces(texts: AsyncGenerator<string>): AsyncGenerator<Uint8Array, void> {
  let gathered = ''
  for await (const text of texts) {
    gathered += text
    if (gathered.length < PIECE) continue
    yield Buffer.from(gathered)
    gathered = ''
  }
  if (gathered !== '') yield Buffer.from(gathered)
}
