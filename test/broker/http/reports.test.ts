import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reportCommand } from '../../../src/cli/report.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { ReportJson } from '../../../src/domain/reports/format-json.ts'
import { OWN_REPORTS, REPORT_NAMES } from '../../../src/domain/reports/report.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { type Answer, answerOf, createHisClient } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'
import { sessionOf } from './access-callers.ts'

/** Somebody at hospital B whose name is a formula, a tag and a turn of direction. */
const HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>\u202egnp'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let session: string
let dir: string

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wayleave-reports-'))
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c2', 'bram', 'Asthma', '195967001'))
  await a.settled()
  const words = createWords()
  anna = await world.enrol(a, ANNA, words)
  await world.enrol(a, BRAM)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const id = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  const hostile = createHisClient({
    ...{ broker: b.broker.base, client: b.files.his, organization: b.config.identifier },
    user: { id: 'dr-2', name: HOSTILE, role: 'physician' },
    now: () => b.clock.now(),
  })
  expect((await b.his.open(id, 'TREAT')).status).toBe(200)
  expect((await hostile.open(id, 'TREAT')).status).toBe(200)
  expect((await b.his.open(id, 'HRESCH')).status).toBe(404)
  await anna.revoke({ to, purpose: 'TREAT' })
  expect((await b.his.open(id, 'TREAT')).status).toBe(404)
  await eventually(async () => (await insideOf(a).trail()).some(({ kind }) => kind === 'consent-revoked'))
  session = await sessionOf(world, a, words)
}, 60_000)

afterAll(async () => {
  await world?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function ask<T = ReportJson>(
  hospital: TestHospital,
  name: string,
  parameters: Record<string, string> = {},
): Promise<Answer<T> & { type: string | null; text: string }> {
  const response = await fetch(`${hospital.broker.base}/reports/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await hospital.auditor.token('HCOMPL')}` },
    body: new URLSearchParams(parameters),
  })
  const type = response.headers.get('content-type')
  const answer = await answerOf<T>(response)
  return { ...answer, type, text: new TextDecoder().decode(answer.bytes) }
}

async function askAsPatient(path: string): Promise<Answer<ReportJson>> {
  const headers = { authorization: `Bearer ${session}` }
  return answerOf(await fetch(`${a.broker.base}/patient/reports/${path}`, { headers }))
}

const ABOUT_ANNA = { 'patient.identifier': identifierText(ANNA) }
const parametersOf = (name: string): Record<string, string> =>
  OWN_REPORTS.some((own) => own === name) ? ABOUT_ANNA : {}

describe('an auditor', () => {
  test('reads each report in each form, and what it says is what the trail has', async () => {
    for (const name of REPORT_NAMES) {
      const { body, status } = await ask(a, name, parametersOf(name))
      expect([name, status, body.name, body.hospital.name]).toEqual([name, 200, name, 'Hospital A'])
      expect(body.complete.rows).toBe(body.rows.length)
      expect(body.omitted.length).toBeGreaterThan(2)
      const csv = await ask(a, name, { ...parametersOf(name), format: 'csv' })
      expect([csv.status, csv.type]).toEqual([200, 'text/csv; charset=utf-8; header=present'])
      expect(csv.text.trimEnd().split('\r\n').at(-1)).toContain('End of the report.')
      const html = await ask(a, name, { ...parametersOf(name), format: 'html' })
      expect([html.status, html.type]).toEqual([200, 'text/html; charset=utf-8'])
      expect(html.text).toContain('What is not in this report, and why')
    }
    const entries = await insideOf(a).trail()
    const of = (kind: string) => entries.filter((entry) => entry.kind === kind)
    const { body: given } = await ask(a, 'disclosures', ABOUT_ANNA)
    expect(given.rows.filter(({ record }) => record !== null).map(({ entry }) => entry)).toEqual(
      of('disclosure').map(({ id }) => id),
    )
    const { body: refused } = await ask(a, 'refusals')
    const reasons = of('refusal').map(({ reason }) => reason)
    expect(refused.rows.map(({ reason }) => reason).sort()).toEqual([...new Set(reasons)].sort())
    const { body: ended } = await ask(a, 'revocations')
    expect(ended.rows).toHaveLength(1)
    expect(ended.rows[0]).toMatchObject({ act: 'revocation', came: 'to this hospital', after: 0 })
    expect(ended.rows[0]?.toKnown).toBeGreaterThanOrEqual(0)
    expect(ended.rows[0]?.toBlock).toBeGreaterThanOrEqual(0)
    expect(ended.rows[0]?.toRefusal).toBeGreaterThanOrEqual(0)
  })

  test('sees between organisations what their own hospital was a side of, and nothing else', async () => {
    for (const hospital of [a, b]) {
      const { body } = await ask(hospital, 'organisations')
      expect(body.rows).toHaveLength(1)
      expect(body.rows[0]).toMatchObject({ custodian: 'Hospital A', requester: 'Hospital B' })
    }
    const [here, there] = [await ask(a, 'organisations'), await ask(b, 'organisations')]
    expect([here.body.rows[0]?.records, here.body.rows[0]?.received]).toEqual([2, 0])
    expect([there.body.rows[0]?.records, there.body.rows[0]?.received]).toEqual([0, 2])
    // Why the other refused stays with it.
    const { body } = await ask(b, 'refusals')
    expect(new Set(body.rows.map(({ reason }) => reason))).toEqual(new Set(['untold']))
  })

  test('is named in the log for each reading, with the report and whom it was about; the patient sees it', async () => {
    const before = (await insideOf(a).trail()).filter(({ kind }) => kind === 'log-read').length
    await ask(a, 'subject-access', { patient: 'Patient/anna' })
    const readings = (await insideOf(a).trail()).filter(({ kind }) => kind === 'log-read')
    expect(readings).toHaveLength(before + 1)
    expect(readings.at(-1)).toMatchObject({
      note: 'Report: Subject access report.',
      patient: { reference: 'Patient/anna' },
      client: { id: a.files.auditor.clientId },
    })
    const [newest] = await anna.history(1)
    expect(newest?.sentence).toContain('read the audit trail of Hospital A. Report: Subject access report.')
  })

  test('gets nothing where the reading cannot be written down', async () => {
    const table = sql`alter table broker.audit_events`
    await sql`${table} add constraint full_disk check (kind <> 'log-read') not valid`.execute(a.database.db)
    const { status, code } = await ask(a, 'organisations')
    await sql`${table} drop constraint full_disk`.execute(a.database.db)
    expect([status, code]).toEqual([503, 'audit-unavailable'])
  })

  test.each([
    ['weather', {}, 'report-unknown'],
    ['disclosures', {}, 'request-invalid'],
    ['disclosures', { patient: 'Patient/nobody' }, 'report-unknown'],
    [
      'disclosures',
      { patient: 'Patient/bram', 'patient.identifier': identifierText(ANNA) },
      'report-unknown',
    ],
    ['refusals', { patient: 'Patient/anna' }, 'request-invalid'],
    ['refusals', { format: 'xlsx' }, 'request-invalid'],
    ['refusals', { from: '2026-02-30' }, 'request-invalid'],
    ['refusals', { colour: 'red' }, 'unsupported-parameter'],
  ])('who asks for %s with %o is told %s', async (name, parameters, code) => {
    expect((await ask(a, name, parameters)).code).toBe(code)
  })
})

describe('a patient', () => {
  test('reads what the hospital has logged about them, and about nobody else', async () => {
    const { status, body } = await askAsPatient('subject-access?zone=Europe/Amsterdam')
    expect([status, body.patient, body.period.zone]).toEqual([200, 'Patient/anna', 'Europe/Amsterdam'])
    expect(body.rows.length).toBeGreaterThan(6)
    expect(JSON.stringify(body)).not.toMatch(/bram|Asthma/)
    expect(body.rows.filter(({ kind }) => kind === 'refusal').map(({ reason }) => reason)).toContain(
      'The consent was given for another purpose.',
    )
    const { body: given } = await askAsPatient('disclosures')
    expect(given.rows.filter(({ record }) => record !== null)).toHaveLength(2)
    const last = (await insideOf(a).trail()).findLast(({ kind }) => kind === 'own-trail-read')
    expect(last).toMatchObject({
      note: 'Report: Accounting of disclosures.',
      patient: { reference: 'Patient/anna' },
    })
  })

  test('is told of no report about others, and names nobody', async () => {
    for (const name of REPORT_NAMES.filter((one) => !OWN_REPORTS.some((own) => own === one)))
      expect([name, (await askAsPatient(name)).code]).toEqual([name, 'report-unknown'])
    expect((await askAsPatient('disclosures?patient=Patient/bram')).code).toBe('unsupported-parameter')
  })
})

test('a name from another hospital is no formula in CSV, no element on the page, and turns nothing round', async () => {
  const csv = await ask(a, 'disclosures', { ...ABOUT_ANNA, format: 'csv' })
  expect(csv.text).toContain(`,"'=HYPERLINK(""x"")<script>alert(1)</script>[U+202E]gnp",`)
  const html = await ask(a, 'disclosures', { ...ABOUT_ANNA, format: 'html' })
  expect(html.text).toContain('=HYPERLINK(&quot;x&quot;)&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]gnp')
  expect(html.text).not.toContain('<script')
  expect(csv.text + html.text).not.toContain('\u202e')
})

describe('wayleave report', () => {
  let out = ''
  let err = ''

  async function run(width: number, ...args: string[]): Promise<void> {
    out = ''
    err = ''
    const output = {
      width,
      out: (text: string) => {
        out += text
      },
      err: (text: string) => {
        err += text
      },
    }
    const credentials = join(dir, 'auditor.json')
    writeFileSync(credentials, JSON.stringify(a.files.auditor), { mode: 0o600 })
    await reportCommand(output).parseAsync(
      [
        ...args,
        ...['--broker', a.broker.base, '--organization', identifierText(a.config.identifier)],
        ...['--credentials', credentials, '--user', 'officer-1'],
      ],
      { from: 'user' },
    )
  }

  test('shows a report in a table that fits the terminal, however narrow', async () => {
    for (const width of [160, 100, 60, 30]) {
      await run(width, 'disclosures', '--patient', identifierText(ANNA))
      expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width)
      expect(out.replaceAll(/\s+/g, ' ')).toContain('Hospital B')
      expect(out).not.toContain('\u202e')
      expect(out.replaceAll(/\s+/g, ' ')).toContain('What is not in this report, and why')
    }
    const named = (await insideOf(a).trail()).filter(({ user }) => user?.id === 'officer-1')
    expect(named).toHaveLength(4)
  })

  test('writes a file that only its owner reads, and that is there only once it is whole', async () => {
    const file = join(dir, 'refusals.csv')
    await run(80, 'refusals', '--format', 'csv', '--out', file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain('End of the report.')
    expect(err).toContain('refusals.csv is written.')
    await expect(run(80, 'refusals', '--to', 'someday', '--out', join(dir, 'no.csv'))).rejects.toThrow('400')
    expect(readdirSync(dir).sort()).toEqual(['auditor.json', 'refusals.csv'])
    await run(80, 'organisations', '--format', 'json')
    expect(JSON.parse(out)).toMatchObject({ name: 'organisations', complete: { rows: 1 } })
  })
})
