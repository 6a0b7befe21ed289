import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ReportWish } from '../../src/broker/reports/reports.ts'
import { entriesOf } from '../../src/broker/reports/whose-entries.ts'
import { inWords } from '../../src/cli/report/in-words.ts'
import { AUDIT_KINDS, type AuditEntry } from '../../src/domain/audit/audit-entry.ts'
import { type ReportJson, reportJson } from '../../src/domain/reports/format-json.ts'
import { readPeriod } from '../../src/domain/reports/period.ts'
import { REPORT_NAMES, REPORT_TITLES, type ReportName } from '../../src/domain/reports/report.ts'
import { sealJson } from '../../src/store/vault.ts'
import { openFreshDatabase } from '../support/databases.ts'
import { somebody } from '../support/samples.ts'
import { openTrail, partiesOf, type Trail } from '../support/seeded-trail.ts'
import { codedRows, read, section } from './documents.ts'

const page = read('docs/audit.md')
const [own, clinic, institute] = partiesOf(['Hospital North', 'Clinic South', 'Research Institute']) as [
  AuditEntry['custodian'] & object,
  AuditEntry['custodian'] & object,
  AuditEntry['custodian'] & object,
]
const ID = (n: number) => n.toString(16).padStart(64, '0')
const SCOPE = `0x${ID(7)}`
const CONSENT = `Consent/${SCOPE.slice(2, 34)}`

let database: Awaited<ReturnType<typeof openFreshDatabase>>
let trail: Trail

beforeAll(async () => {
  database = await openFreshDatabase()
  trail = await openTrail(database, own)
  await plant()
}, 60_000)

afterAll(() => database?.close())

/** One week of one patient: a consent, two records, a refusal, the end of the consent, and a try after it. */
async function plant(): Promise<void> {
  const patient = await trail.addPatient('p-1', [somebody(1)])
  const about = { patient: { reference: 'Patient/p-1' } }
  const doctor = { user: { id: 'u-17', name: 'Dr A', role: 'physician' }, purpose: 'TREAT' }
  const asked = { custodian: own, requester: clinic, ...about, ...doctor }
  const condition = { id: 'r-1', resourceType: 'Condition', dataClass: 'problems' }
  const medicine = { id: 'r-2', resourceType: 'MedicationRequest', dataClass: 'medications' }
  const onChain = (at: string, kind: 'consent-granted' | 'consent-revoked', n: number) =>
    trail.onChain(
      {
        ...{
          recorded: at,
          kind,
          custodian: own,
          requester: clinic,
          purpose: 'TREAT',
          policy: CONSENT,
          ...about,
        },
        chain: { block: n, transaction: `0x${ID(n)}`, logIndex: 0 },
      },
      patient,
    )
  await onChain('2026-03-02T08:00:00.000Z', 'consent-granted', 1)
  for (const [at, record] of [
    ['2026-03-02T09:30:00.000Z', condition],
    ['2026-03-03T14:05:00.000Z', medicine],
  ] as const) {
    await trail.write(at, { kind: 'intent', outcome: '0', policy: CONSENT, record, ...asked }, patient)
    await trail.write(at, { kind: 'disclosure', outcome: '0', policy: CONSENT, record, ...asked }, patient)
  }
  await trail.write(
    '2026-03-04T10:00:00.000Z',
    {
      ...{ kind: 'refusal', outcome: '8', reason: 'no-consent', record: condition, ...asked },
      ...{ requester: institute, user: { id: 'u-3', name: 'B', role: 'researcher' }, purpose: 'HRESCH' },
    },
    patient,
  )
  await trail.db
    .insertInto('acts')
    .values({
      ...{ digest: `0x${ID(9)}`, patient_id: patient.id, act: 'Revocation', scope_hash: SCOPE, up_to: 2 },
      ...{ terms_key: null, sealed: sealJson(patient.key, { signedAt: '2026-03-05T15:59:59.900Z' }) },
      received_at: '2026-03-05T16:00:00.400Z',
    })
    .execute()
  await onChain('2026-03-05T16:00:02.000Z', 'consent-revoked', 2)
  await trail.write(
    '2026-03-05T16:20:00.000Z',
    { kind: 'refusal', outcome: '8', reason: 'revoked', record: medicine, ...asked },
    patient,
  )
}

/** As the terminal shows it, down to where it says what it leaves out. */
async function shown(name: ReportName): Promise<string> {
  trail.setClock('2026-03-09T09:00:00Z')
  const period = readPeriod(
    { from: '2026-03-02', to: '2026-03-08', zone: 'Europe/Amsterdam' },
    trail.clock.now(),
  )
  const subject = await entriesOf(trail, { patientId: 'p-1' })
  if (!subject) throw new Error('no patient')
  const isOfOne = name === 'subject-access' || name === 'disclosures'
  const wish: ReportWish = isOfOne ? { name, period, subject } : { name, period }
  const report = await trail.reports.make(wish, { user: { id: 'officer-1' } })
  let text = ''
  for await (const piece of reportJson(report)) text += piece
  const told = inWords(JSON.parse(text) as ReportJson, 110)
  return (told.split('\nWhat is not in this report')[0] ?? '').trimEnd()
}

test.each(REPORT_NAMES)('the example of the report %s is what the terminal shows', async (name) => {
  const [, example] =
    new RegExp(`^### ${REPORT_TITLES[name]}\\n[\\s\\S]*?\`\`\`txt\\n([\\s\\S]*?)\`\`\``, 'm').exec(page) ?? []
  expect(example?.trimEnd()).toBe(await shown(name))
})

test('every kind of entry is explained, and no other', () => {
  const told = codedRows(section(page, 'What is recorded'))
  expect(told.sort()).toEqual([...AUDIT_KINDS].sort())
})
