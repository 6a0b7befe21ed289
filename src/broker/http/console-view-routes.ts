import { stringify } from 'csv-stringify/sync'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { harmless, harmlessJson } from '../../domain/reports/harmless.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { ConsoleSide } from '../console/console-side.ts'
import { readFilter } from '../console/filter.ts'
import type { Line } from '../console/lines.ts'
import type { Staff } from '../console/sessions.ts'
import { readReportQuery } from '../reports/report-query.ts'
import type { Found } from '../reports/whose-entries.ts'
import { entriesOf } from '../reports/whose-entries.ts'
import { byStaff, type NoteView } from './console-calls.ts'
import type { ConsoleGuard } from './console-guard.ts'
import { nameIn, pieces, sendReport, wishOf } from './report-routes.ts'
import { sendPieces } from './send-pieces.ts'

/** More than a browser shows at once: whoever wants more asks for less of the trail. */
const LONGEST_PAGE_TOKEN = 16_384
const MOST_DAYS = 90

/** What the console shows, to either role. Each view is in the log before it is answered, and so in the trail that it shows. */
export function consoleViewRoutes(
  app: FastifyInstance,
  deps: {
    console: ConsoleSide
    guard: ConsoleGuard
    note: NoteView
    db: Kysely<BrokerTables>
    vault: Vault
    patients: PatientStore
    clock: Clock
    member: Hex
  },
): void {
  const { guard, note } = deps
  const { overview, events, members, references, reports } = deps.console

  app.get<{ Querystring: { days?: unknown } }>('/console/api/overview', async (request) => {
    const staff = await guard.staff(request)
    const { days = '14' } = request.query
    if (typeof days !== 'string' || !/^[1-9]\d?$/.test(days) || Number(days) > MOST_DAYS)
      throw wayleaveError('request-invalid', 'days')
    await note(staff, `the overview of ${days} days`)
    return overview(Number(days))
  })

  app.get('/console/api/events', async (request) => {
    const staff = await guard.staff(request)
    const { page, ...given } = request.query as Record<string, unknown>
    if (page !== undefined && (typeof page !== 'string' || page.length > LONGEST_PAGE_TOKEN))
      throw wayleaveError('request-invalid', 'page')
    const found = await events.page(staff.session, readFilter(given), page)
    await note(staff, searched(found.asked.searchedBy), found.asked.about)
    return found.page
  })

  app.get('/console/api/events/export', async (request, reply) => {
    const staff = await guard.staff(request)
    const { format, ...given } = request.query as Record<string, unknown>
    if (format !== 'csv' && format !== 'json') throw wayleaveError('request-invalid', 'format')
    const { asked, lines } = await events.all(staff.session, readFilter(given))
    await note(staff, `an export as ${format}; ${searched(asked.searchedBy)}`, asked.about)
    const bytes = pieces(format === 'csv' ? csv(lines) : json(lines))
    reply
      .type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8')
      .header('content-disposition', `attachment; filename="events.${format}"`)
      .header('x-content-type-options', 'nosniff')
    return sendPieces(reply, { bytes, end: () => void bytes.return(undefined) })
  })

  app.get('/console/api/members', async (request) => {
    const staff = await guard.staff(request)
    await note(staff, 'the members and their state')
    return { members: await members(staff.session) }
  })

  app.get('/console/api/reports/:name', async (request, reply) => {
    const staff = await guard.staff(request)
    const name = nameIn(request)
    const { of, ...given } = request.query as Record<string, unknown>
    const subject = await subjectOf(request, staff, name, of)
    // The library of queries wants a person named; who it is has been looked up above.
    const query = readReportQuery(
      name,
      { ...given, ...(subject ? { patient: 'x' } : {}) },
      deps.clock.now(),
      true,
    )
    const report = await reports.make(wishOf(name, query.period, subject), byStaff(staff))
    return sendReport(reply, report, query.format)
  })

  /** Reports about one person are for whoever may look a person up. */
  async function subjectOf(
    request: FastifyRequest,
    staff: Staff,
    name: string,
    of: unknown,
  ): Promise<Found | undefined> {
    if (name !== 'subject-access' && name !== 'disclosures') {
      if (of !== undefined) throw wayleaveError('request-invalid', 'of')
      return undefined
    }
    await guard.staff(request, 'compliance')
    const named = await references.find(staff.session, of)
    if (named.kind !== 'patient' && named.kind !== 'person') throw wayleaveError('request-invalid', 'of')
    const { kind: _kind, ...who } = named
    const found = await entriesOf(deps, who)
    if (!found) throw wayleaveError('reference-unknown')
    return found
  }
}

const searched = (by: readonly string[]) =>
  by.length === 0 ? 'all lines' : `lines searched by ${by.join(', ')}`

const COLUMNS = [
  ...(['at', 'kind', 'outcome', 'reason', 'custodian', 'requester', 'user', 'role', 'purpose'] as const),
  ...(['resourceType', 'dataClass', 'note', 'sentence', 'id'] as const),
]

async function* csv(lines: AsyncGenerator<Line>): AsyncGenerator<string> {
  yield row([...COLUMNS])
  for await (const { user, record, ...line } of lines) {
    const cells: Partial<Record<(typeof COLUMNS)[number], string | undefined>> = {
      ...line,
      ...{ user: user?.name ?? user?.id, role: user?.role },
      ...{ resourceType: record?.resourceType, dataClass: record?.dataClass },
    }
    yield row(COLUMNS.map((column) => cells[column] ?? ''))
  }
}

/** As the reports do it: what a spreadsheet would take for a formula has an apostrophe before it (OWASP, CSV injection). */
const row = (cells: readonly string[]): string =>
  stringify([cells.map((cell) => harmless(cell).replace(/^\s+(?=[=+\-@])/, "'"))], {
    escape_formulas: true,
    record_delimiter: 'windows',
  })

async function* json(lines: AsyncGenerator<Line>): AsyncGenerator<string> {
  let count = 0
  yield '{ "lines": ['
  for await (const line of lines) yield `${count++ === 0 ? '' : ','}\n${harmlessJson(JSON.stringify(line))}`
  // Comes last: where it is missing, so is a part.
  yield `\n], "complete": ${count} }\n`
}
