/**
 * `npm run bench:reports`: how long each report takes, of one patient with 10,000 events in the log of a hospital with 200,000. From
 * asking to the last byte, in each form, on PGlite on disk, or on PostgreSQL where `DATABASE_URL` names a server. Prints the table,
 * and writes it into docs/performance.md; ends with 1 where the subject access report takes longer than 60 s.
 *
 *   npm run bench:reports -- [--events 10000] [--all 200000]
 *
 * With any of these the page is left as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ReportWish } from '../src/broker/reports/reports.ts'
import { ownEntries } from '../src/broker/reports/whose-entries.ts'
import { reportCsv } from '../src/domain/reports/format-csv.ts'
import { reportHtml } from '../src/domain/reports/format-html.ts'
import { reportJson } from '../src/domain/reports/format-json.ts'
import { readPeriod } from '../src/domain/reports/period.ts'
import { REPORT_NAMES, REPORT_TITLES, type ReportName } from '../src/domain/reports/report.ts'
import { openDatabase } from '../src/store/database.ts'
import type { StoredPatient } from '../src/store/patients.ts'
import { sealJson } from '../src/store/vault.ts'
import { freshDatabase } from '../test/support/databases.ts'
import { somebody } from '../test/support/samples.ts'
import { draws, openTrail, partiesOf, someEntries, type Trail } from '../test/support/seeded-trail.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'performance.md')
const [BEGIN, END] = ['<!-- reports -->\n', '<!-- end of reports -->']
/** Seconds that the subject access report may take. */
const AIM = 60
const PATIENTS = 20
const REVOCATIONS = 1_000
const FORMS = { json: reportJson, csv: reportCsv, html: reportHtml } as const
type Form = keyof typeof FORMS

const { values } = parseArgs({
  options: { events: { type: 'string', default: '10000' }, all: { type: 'string', default: '200000' } },
})
const [events, all] = [Number(values.events), Number(values.all)]
const tell = (line: string) => process.stdout.write(`${line}\n`)

/** The same log in each run: one patient with so many events, and others with the rest. */
async function plant(trail: Trail, parties: ReturnType<typeof partiesOf>): Promise<StoredPatient> {
  const patients: StoredPatient[] = []
  for (let i = 0; i < PATIENTS; i++) patients.push(await trail.addPatient(`patient-${i}`, [somebody(i)]))
  const [one, ...others] = patients as [StoredPatient, ...StoredPatient[]]
  const years = { parties, from: '2021-01-01', days: 1_900 }
  const draw = draws(20_260_101)
  const own = someEntries(draw, { ...years, count: events * 2, patients: [one] })
    .filter(({ patient }) => patient)
    .slice(0, events)
  const rest = someEntries(draw, { ...years, count: all - events, patients: others })
  const lines = [...own, ...rest].map(({ entry, ...line }, i) => ({
    ...line,
    entry: { ...entry, id: `e-${i}` },
  }))
  // As they came: by time, whoever they are about.
  lines.sort((a, b) => (a.entry.recorded < b.entry.recorded ? -1 : 1))
  await trail.writeMany(lines)
  await revoke(trail, patients)
  trail.setClock('2026-06-01T00:00:00Z')
  return one
}

/** A thousand revocations, as many of each patient. */
async function revoke({ db }: Trail, patients: readonly StoredPatient[]): Promise<void> {
  const acts = Array.from({ length: REVOCATIONS }, (_, i) => ({
    digest: `0x${i.toString(16).padStart(64, '0')}`,
    patient_id: patients[i % patients.length]?.id ?? '',
    ...{ act: 'Revocation', scope_hash: `0x${'ab'.repeat(32)}`, up_to: 1, terms_key: null },
    sealed: sealJson((patients[i % patients.length] as StoredPatient).key, {}),
    received_at: new Date(Date.parse('2021-06-01') + i * 86_400_000).toISOString(),
  }))
  await db.insertInto('acts').values(acts).execute()
}

type Figure = {
  name: ReportName
  form: Form
  seconds: number
  cpu: number
  bytes: number
  rows: number
  memory: number
}

async function measure(trail: Trail, wish: ReportWish, form: Form): Promise<Figure> {
  global.gc?.()
  const [began, cpu, rss] = [performance.now(), process.cpuUsage(), process.memoryUsage().rss]
  const report = await trail.reports.make(wish, { user: { id: 'bench' } })
  let [bytes, rows, most] = [0, 0, rss]
  const counted = (async function* () {
    for await (const row of report.rows) {
      rows++
      yield row
    }
  })()
  for await (const piece of FORMS[form]({ ...report, rows: counted })) {
    bytes += Buffer.byteLength(piece)
    if (rows % 500 === 0) most = Math.max(most, process.memoryUsage().rss)
  }
  const used = process.cpuUsage(cpu)
  return {
    ...{ name: wish.name, form, bytes, rows },
    seconds: (performance.now() - began) / 1_000,
    cpu: (used.user + used.system) / 1_000_000,
    memory: (most - rss) / 1_048_576,
  }
}

const figure = (n: number) => n.toLocaleString('en-GB')

function table(figures: readonly Figure[], kind: string): string {
  const lines = figures.map(({ name, form, seconds, cpu, rows, bytes, memory }) => {
    const cells = [
      ...[REPORT_TITLES[name], form.toUpperCase(), figure(rows), figure(Math.round(bytes / 1_024))],
      ...[seconds.toFixed(2), cpu.toFixed(2), figure(Math.max(0, Math.round(memory)))],
    ]
    return `| ${cells.join(' | ')} |`
  })
  const of = kind === 'postgres' ? 'PostgreSQL' : 'PGlite on disk'
  return `${figure(all)} events in the log, ${figure(events)} of them about the one patient; ${of}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}.

| Report | Form | Rows | kB | Seconds | of CPU | MB above start |
| --- | --- | --: | --: | --: | --: | --: |
${lines.join('\n')}
`
}

const fresh = await freshDatabase('on disk')
const database = await openDatabase(fresh.config)
try {
  const parties = partiesOf(Array.from({ length: 40 }, (_, i) => `Hospital ${i + 1}`))
  const [self] = parties
  if (!self) throw new Error('no hospital')
  const trail = await openTrail(database, self)
  tell(`writing ${figure(all)} events …`)
  const patient = await plant(trail, parties)
  const period = readPeriod({}, trail.clock.now())
  const wishOf = (name: ReportName): ReportWish =>
    name === 'subject-access' || name === 'disclosures'
      ? { name, period, subject: ownEntries(trail, patient) }
      : { name, period }
  const figures: Figure[] = []
  for (const name of REPORT_NAMES)
    for (const form of name === 'subject-access' ? (['json', 'csv', 'html'] as const) : (['html'] as const))
      figures.push(await measure(trail, wishOf(name), form))
  const told = table(figures, database.kind)
  tell(told)
  const missed = figures.filter(({ name, seconds }) => name === 'subject-access' && seconds > AIM)
  if (process.argv.length === 2) {
    const page = readFileSync(PAGE, 'utf8')
    const [before, rest] = page.split(BEGIN)
    const after = rest?.split(END)[1]
    if (before === undefined || after === undefined) throw new Error('the page has no marks')
    writeFileSync(PAGE, `${before}${BEGIN}${told}${END}${after}`)
  }
  process.exitCode = missed.length > 0 ? 1 : 0
} finally {
  await database.close()
  await fresh.remove()
}
