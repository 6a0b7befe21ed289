import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Reader, ReportWish } from '../../../src/broker/reports/reports.ts'
import { entriesOf, ownEntries } from '../../../src/broker/reports/whose-entries.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { readPeriod } from '../../../src/domain/reports/period.ts'
import type { Report, Row } from '../../../src/domain/reports/report.ts'
import type { StoredPatient } from '../../../src/store/patients.ts'
import { sealJson } from '../../../src/store/vault.ts'
import { openFreshDatabase } from '../../support/databases.ts'
import { ANNA, BRAM, somebody } from '../../support/samples.ts'
import { draws, openTrail, partiesOf, someEntries, type Trail } from '../../support/seeded-trail.ts'

const PARTIES = partiesOf(['Hospital A', 'Hospital B', 'Clinic C', 'Insurer D'])
const [self, b] = PARTIES as [AuditEntry['custodian'] & object, AuditEntry['custodian'] & object]
const READER: Reader = { user: { id: 'auditor-1', role: 'auditor' }, client: { id: 'audit' } }
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

let database: Awaited<ReturnType<typeof openFreshDatabase>>
let trail: Trail
let patients: StoredPatient[]
let planted: { entry: AuditEntry; patient?: StoredPatient }[]

beforeAll(async () => {
  console.info(`seed ${seed}`)
  database = await openFreshDatabase()
  trail = await openTrail(database, self)
  patients = []
  for (const [id, national] of [
    ['anna', ANNA],
    ['bram', BRAM],
    ['three', somebody(5)],
  ] as const)
    patients.push(await trail.addPatient(id, [national]))
  // Many more than a page of the reader, and many at one instant.
  planted = someEntries(draws(seed), {
    count: 2_400,
    parties: PARTIES,
    patients,
    from: '2024-01-01',
    days: 700,
  })
  for (const [i, line] of planted.entries())
    if (i % 4 === 0) line.entry = { ...line.entry, recorded: '2025-03-30T01:00:00.000Z' }
  await trail.writeMany(planted)
  trail.setClock('2026-06-01T00:00:00Z')
}, 60_000)

afterAll(() => database?.close())

/** Until now, a second after what was asked for before. */
function periodOf(asked: { from?: string; to?: string; zone?: string } = {}) {
  trail.setClock(trail.clock.now() + 1_000)
  return readPeriod(asked, trail.clock.now())
}

async function taken(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = []
  for await (const row of rows) all.push(row)
  return all
}

async function whole(wish: ReportWish): Promise<{ report: Report; rows: Row[] }> {
  const report = await trail.reports.make(wish, READER)
  return { report, rows: await taken(report.rows) }
}

const own = (patient = patients[0] as StoredPatient) => ownEntries(trail, patient)
const ofAnna = () => planted.filter(({ patient }) => patient === patients[0]).map(({ entry }) => entry)
const all = () => planted.map(({ entry }) => entry)
const within = (entries: AuditEntry[], from: string, to: string) =>
  entries.filter(({ recorded }) => recorded >= from && recorded < to)
const countOf = <T>(list: readonly T[], keyOf: (one: T) => string) =>
  Object.fromEntries([...Map.groupBy(list, keyOf)].map(([key, found]) => [key, found.length]))
const isOrdered = (rows: readonly Row[]) =>
  rows.every((row, i) => i === 0 || String(rows[i - 1]?.at) <= String(row.at))

describe('the accounting of disclosures', () => {
  test('has each record and each list that was given of this person, and nothing else', async () => {
    const { rows } = await whole({ name: 'disclosures', period: periodOf(), subject: own() })
    const expected = ofAnna().filter(({ kind }) => kind === 'disclosure' || kind === 'list')
    expect(rows.map(({ entry }) => entry).sort()).toEqual(expected.map(({ id }) => id).sort())
    expect(isOrdered(rows)).toBe(true)
    for (const row of rows) {
      const entry = expected.find(({ id }) => id === row.entry)
      expect(row).toMatchObject({
        at: entry?.recorded,
        recipient: entry?.requester?.name,
        person: entry?.user?.name,
        recipientIdentifier: `${entry?.requester?.identifier?.system}|${entry?.requester?.identifier?.value}`,
      })
      expect(String(row.purpose)).toContain(`(${entry?.purpose})`)
      expect(row.what).toBeTruthy()
    }
  })

  test('marks what the law need not have listed, and nothing that it must', async () => {
    const { rows } = await whole({ name: 'disclosures', period: periodOf(), subject: own() })
    const exempt = new Set(['TREAT', 'ETREAT', 'HPAYMT'])
    for (const row of rows) {
      const purpose = /\((\w+)\)$/.exec(String(row.purpose))?.[1] ?? ''
      expect([purpose, String(row.duty).startsWith('Not required')]).toEqual([purpose, exempt.has(purpose)])
    }
  })

  test('sums up each recipient and purpose as (b)(3) allows: how many, the first, the last', async () => {
    const { report } = await whole({ name: 'disclosures', period: periodOf(), subject: own() })
    const given = ofAnna().filter(({ kind }) => kind === 'disclosure' || kind === 'list')
    const groups = Map.groupBy(given, ({ requester, purpose }) => `${requester?.name}/${purpose}`)
    const rows = report.summary[0]?.rows ?? []
    expect(rows).toHaveLength(groups.size)
    for (const row of rows) {
      const purpose = /\((\w+)\)$/.exec(String(row.purpose))?.[1]
      const group = groups.get(`${row.recipient}/${purpose}`) ?? []
      const times = group.map(({ recorded }) => recorded).sort()
      expect([row.records, row.lists, row.first, row.last]).toEqual([
        group.filter(({ kind }) => kind === 'disclosure').length,
        group.filter(({ kind }) => kind === 'list').length,
        ...[times[0], times.at(-1)],
      ])
    }
  })

  test('a day belongs to the zone that it was asked in', async () => {
    const day = { from: '2025-03-30', to: '2025-03-30', zone: 'Europe/Amsterdam' }
    const { rows } = await whole({ name: 'disclosures', period: periodOf(day), subject: own() })
    const expected = within(ofAnna(), '2025-03-29T23:00:00.000Z', '2025-03-30T22:00:00.000Z')
    expect(rows).toHaveLength(expected.filter(({ kind }) => kind === 'disclosure' || kind === 'list').length)
    expect(rows.length).toBeGreaterThan(20)
  })
})

describe('the subject access report', () => {
  test('has every entry about this person, and none about another', async () => {
    const { rows, report } = await whole({ name: 'subject-access', period: periodOf(), subject: own() })
    const expected = ofAnna()
    const isPlanted = ({ entry }: Row) => String(entry).startsWith('entry-')
    expect(
      rows
        .filter(isPlanted)
        .map(({ entry }) => entry)
        .sort(),
    ).toEqual(expected.map(({ id }) => id).sort())
    // What is left is who read reports about this person.
    expect(new Set(rows.filter((row) => !isPlanted(row)).map(({ kind }) => kind))).toEqual(
      new Set(['log-read']),
    )
    expect(isOrdered(rows)).toBe(true)
    const kinds = Object.fromEntries((report.summary[2]?.rows ?? []).map(({ kind, count }) => [kind, count]))
    expect(kinds).toMatchObject(countOf(expected, ({ kind }) => kind))
  })

  test('says what it leaves out: the data itself, what others hold, what it cannot open, and how much that is', async () => {
    await trail.onChain({
      ...{ recorded: '2025-01-01T00:00:00.000Z', kind: 'anchor', note: 'ConsentGranted' },
      chain: { block: 5, transaction: `0x${'5'.repeat(64)}`, logIndex: 0 },
    })
    const { report } = await whole({ name: 'subject-access', period: periodOf(), subject: own() })
    const said = report.omitted.map(({ what }) => what).join('\n')
    for (const word of [
      'other hospitals',
      'data itself',
      'chain',
      'named no patient',
      'did not go through',
      'older than',
    ])
      expect(said).toContain(word)
    expect(report.omitted.find(({ what }) => what.includes('cannot open'))?.count).toBe(1)
  })

  test('an auditor finds a person of whom the hospital knows a number alone', async () => {
    const stranger = somebody(9)
    const at = '2026-01-05T00:00:00.000Z'
    await trail.write(
      at,
      { kind: 'query', outcome: '0', requester: self, patient: { identifier: stranger } },
      stranger,
    )
    trail.setClock('2026-06-01T00:00:00Z')
    const subject = await entriesOf(trail, { identifier: stranger })
    if (!subject) expect.unreachable()
    const { rows } = await whole({ name: 'subject-access', period: periodOf(), subject })
    expect(rows.filter(({ kind }) => kind === 'query').map((row) => row.at)).toEqual([at])
    expect(await entriesOf(trail, { patientId: 'nobody' })).toBeUndefined()
  })
})

test('what went between organisations is counted pair by pair, and this hospital is in each', async () => {
  const { rows } = await whole({ name: 'organisations', period: periodOf() })
  const counted = ['disclosure', 'list', 'receipt', 'refusal', 'alarm']
  const pairs = Map.groupBy(
    all().filter(({ kind }) => counted.includes(kind)),
    ({ custodian, requester }) => `${custodian?.name}/${requester?.name}`,
  )
  expect(rows).toHaveLength(pairs.size)
  for (const row of rows) {
    const pair = pairs.get(`${row.custodian}/${row.requester}`) ?? []
    const of = (kind: string) => pair.filter((entry) => entry.kind === kind).length
    const refusals = of('refusal')
    expect(row).toMatchObject({ records: of('disclosure'), lists: of('list'), received: of('receipt') })
    expect(row).toMatchObject({ alarms: of('alarm'), requests: 0 })
    const here = row.custodian === self.name
    expect([row.refused, row.refusedThere]).toEqual(here ? [refusals, 0] : [0, refusals])
    expect([row.custodian, row.requester]).toContain(self.name)
  }
})

test('refusals are counted by reason, organisation and purpose, with those that no reason was told for', async () => {
  const from = '2024-06-01'
  const { rows, report } = await whole({ name: 'refusals', period: periodOf({ from }) })
  const expected = all().filter(
    ({ kind, recorded }) => (kind === 'refusal' || kind === 'alarm') && recorded >= from,
  )
  const isHere = ({ custodian }: AuditEntry) => custodian?.id === self.id
  const keyOf = (entry: AuditEntry) =>
    [
      entry.reason ?? 'untold',
      isHere(entry) ? 'here' : 'elsewhere',
      (isHere(entry) ? entry.requester : entry.custodian)?.name,
      entry.purpose,
    ].join('/')
  const told = rows.map((row) => [
    [row.reason, row.where, row.organisation, /\((\w+)\)$/.exec(String(row.purpose))?.[1]].join('/'),
    row.count,
  ])
  expect(Object.fromEntries(told)).toEqual(countOf(expected, keyOf))
  const reasons = (report.summary[0]?.rows ?? []).map(({ reason, total }) => [reason, total])
  expect(Object.fromEntries(reasons)).toEqual(countOf(expected, ({ reason }) => reason ?? 'untold'))
  expect(Object.fromEntries(reasons).untold).toBeGreaterThan(10)
})

describe('how soon revocations counted', () => {
  const hex = (n: number) => n.toString(16).padStart(64, '0')
  const SCOPE = (n: number) => `0x${hex(n)}`
  const POLICY = (n: number) => `Consent/${SCOPE(n).slice(2, 34)}`
  const plus = (ms: number) => new Date(Date.parse('2026-02-01T00:00:00.250Z') + ms).toISOString()

  /** @param sent the transaction by which this hospital sent it on; none where somebody else did */
  async function took(
    n: number,
    act: string,
    at: string,
    patient: StoredPatient,
    { sent, signedAt }: { sent?: string; signedAt?: string } = {},
  ) {
    const scope_hash = act === 'Lock' ? null : SCOPE(n)
    const digest = `0x${hex(1_000 + n)}`
    await trail.db
      .insertInto('acts')
      .values({
        ...{ digest, patient_id: patient.id, act, scope_hash, up_to: 1, terms_key: null },
        ...{ sealed: sealJson(patient.key, { signedAt }), received_at: at },
      })
      .execute()
    if (sent)
      await trail.db
        .insertInto('chain_outbox')
        .values({
          ...{ dedupe_key: `act/${digest}`, contract: '0x', data: '0x', status: 'mined', tx_hash: sent },
          ...{ block: n, attempts: 1, error: null, created_at: at },
        })
        .execute()
    return digest
  }
  const mined = (
    n: number,
    kind: 'consent-revoked' | 'locked' | 'consent-granted',
    at: string,
    patient: StoredPatient,
  ) =>
    trail.onChain(
      {
        ...{ recorded: at, kind, custodian: self, requester: b },
        ...(kind === 'locked' ? {} : { policy: POLICY(n) }),
        chain: { block: n, transaction: SCOPE(n + 500), logIndex: 0 },
      },
      patient,
    )
  const entry = (patient: StoredPatient) => ({
    ...{ custodian: self, requester: b, patient: { reference: `Patient/${patient.secrets.fhirId}` } },
    record: { id: 'r' },
  })

  test('from known to mined, from known to the first refusal, and what went out meanwhile', async () => {
    const anna = patients[0] as StoredPatient
    const bram = patients[1] as StoredPatient
    // 1: sent on by this hospital; refused after 400 ms, mined after 2 s; a disclosure before it does not count.
    await trail.write(plus(-5), { kind: 'disclosure', outcome: '0', policy: POLICY(1), ...entry(anna) }, anna)
    const device = { signedAt: plus(-350) }
    const first = await took(1, 'Revocation', plus(0), anna, { sent: SCOPE(501), ...device })
    await trail.write(plus(100), { kind: 'refusal', outcome: '8', reason: 'expired', ...entry(anna) }, anna)
    await trail.write(
      plus(400),
      { kind: 'refusal', outcome: '8', reason: 'revocation-pending', ...entry(anna) },
      anna,
    )
    await mined(1, 'consent-revoked', '2026-02-01T00:00:02.000Z', anna)
    await mined(1, 'consent-granted', '2026-02-02T00:00:00.000Z', anna)
    await trail.write(
      '2026-02-03T00:00:00.000Z',
      { kind: 'disclosure', outcome: '0', policy: POLICY(1), ...entry(anna) },
      anna,
    )
    // 2: signed by a clock that is ahead; brought to the chain by a relayer within the second in which it came; one record went out after it.
    await took(2, 'Revocation', plus(10_000), bram, { signedAt: plus(70_000) })
    await mined(2, 'consent-revoked', '2026-02-01T00:00:10.000Z', bram)
    await trail.write(
      plus(11_000),
      { kind: 'disclosure', outcome: '0', policy: POLICY(2), ...entry(bram) },
      bram,
    )
    // 3: a lock, neither mined nor tried. 4: found on the chain alone.
    await took(3, 'Lock', plus(20_000), patients[2] as StoredPatient)
    await mined(4, 'consent-revoked', '2026-02-01T00:01:00.000Z', anna)
    trail.setClock('2026-06-01T00:00:00Z')

    const { rows, report } = await whole({ name: 'revocations', period: periodOf({ from: '2026-02-01' }) })
    expect(
      rows.map(({ act, came, toBlock, toRefusal, after: gone }) => [act, came, toBlock, toRefusal, gone]),
    ).toEqual([
      ['revocation', 'to this hospital', 1_750, 400, 0],
      ['revocation', 'to this hospital', 0, null, 1],
      ['lock', 'to this hospital', null, null, 0],
      ['revocation', 'by the chain alone', null, null, 0],
    ])
    expect(rows[0]?.digest).toBe(first)
    expect(rows.map(({ toKnown }) => toKnown)).toEqual([350, null, null, null])
    expect(report.summary[0]?.rows[0]).toMatchObject({
      measure: 'from signed to known',
      acts: 1,
      median: 350,
    })
    expect(report.summary[0]?.rows[1]).toMatchObject({
      act: 'all',
      acts: 2,
      median: 0,
      p99: 1_750,
      most: 1_750,
    })
    expect(report.summary[1]?.rows).toEqual([
      { act: 'revocation', acts: 3, after: 1 },
      { act: 'objection', acts: 0, after: 0 },
      { act: 'lock', acts: 1, after: 0 },
    ])
    expect(
      report.omitted.find(({ what }) => what.startsWith('Proof of when each act was signed')),
    ).toBeTruthy()
  })
})

describe('reading a report', () => {
  const readings = async () => {
    const period = periodOf({ to: '2027-01-01' })
    const { rows } = await whole({ name: 'subject-access', period, subject: own() })
    return rows.filter(({ kind }) => kind === 'log-read').length
  }

  test('is in the log before anything is read, with who, which, and about whom', async () => {
    const before = await readings()
    // Asked for, and not a row of it taken.
    await trail.reports.make({ name: 'disclosures', period: periodOf(), subject: own() }, READER)
    expect(await readings()).toBe(before + 2)
    const { rows } = await whole({ name: 'subject-access', period: periodOf(), subject: own() })
    const last = rows.filter(({ kind }) => kind === 'log-read').map(({ what }) => what)
    expect(last).toContain(
      'User auditor-1 (auditor) read the audit trail of Hospital A. Report: Accounting of disclosures.',
    )
  })

  test('goes through the log as it was then: what is written meanwhile is in the next one', async () => {
    const period = periodOf()
    const report = await trail.reports.make({ name: 'disclosures', period, subject: own() }, READER)
    const late = await trail.write(
      '2025-12-31T00:00:00.000Z',
      { kind: 'disclosure', outcome: '0', custodian: self, requester: b, record: { id: 'late' } },
      patients[0],
    )
    trail.setClock('2026-06-01T00:00:00Z')
    const rows = await taken(report.rows)
    expect(rows.map(({ entry }) => entry)).not.toContain(late.id)
    const again = await whole({ name: 'disclosures', period, subject: own() })
    expect(again.rows.map(({ entry }) => entry)).toContain(late.id)
    // And in the same order each time.
    expect(again.rows.filter(({ entry }) => entry !== late.id)).toEqual(rows)
  })
})
