import type { AuditEvent, Bundle } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { type Answer, answerOf } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let anna: PatientClient
let record: string
let begun: string

beforeAll(async () => {
  world = await createWorld({ hospitals: 3 })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  begun = new Date(a.clock.now()).toISOString()
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c2', 'bram', 'Hypertension'))
  // The same person is B's patient, too, and has another id there.
  await b.put(patient('p-77', ANNA))
  await b.put(condition('x', 'p-77', 'Asthma', '195967001'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await world.enrol(a, BRAM)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '')
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  expect((await b.his.open(record, 'HRESCH')).status).toBe(404)
  await b.his.list(STRANGER, 'TREAT')
  await anna.revoke({ to, purpose: 'TREAT' })
  expect((await b.his.open(record, 'TREAT')).status).toBe(404)
  await eventually(async () => (await kindsOf(a, {})).includes('consent-revoked'))
}, 60_000)

afterAll(() => world?.close())

const codeOf = (event: AuditEvent | undefined) => event?.meta?.tag?.[0]?.code ?? ''

async function events(hospital: TestHospital, query: Record<string, string>): Promise<AuditEvent[]> {
  const { body, status } = await hospital.auditor.audit({ _count: '500', ...query })
  expect(status).toBe(200)
  return (body.entry ?? []).flatMap(({ resource }) => resource ?? [])
}

const kindsOf = async (hospital: TestHospital, query: Record<string, string>) =>
  (await events(hospital, query)).map(codeOf)

/** A request as it stands in the address, so that parameters can come twice. */
async function raw(hospital: TestHospital, query: string): Promise<Answer<Bundle<AuditEvent>>> {
  const token = await hospital.auditor.token('HCOMPL')
  return answerOf(
    await fetch(`${hospital.broker.base}/fhir/AuditEvent?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  )
}

describe('one disclosure', () => {
  test('is told alike by both hospitals: which record, whose bytes, to whom, why', async () => {
    const [given, taken] = [await insideOf(a).trail(), await insideOf(b).trail()]
    const disclosure = given.find(({ kind }) => kind === 'disclosure')
    const receipt = taken.find(({ kind }) => kind === 'receipt')
    expect(disclosure?.record?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(receipt?.record).toEqual(disclosure?.record)
    expect(receipt?.custodian).toEqual(disclosure?.custodian)
    expect(receipt?.requester).toEqual(disclosure?.requester)
    expect(receipt?.user).toEqual(disclosure?.user)
    expect(receipt?.purpose).toBe('TREAT')
    expect(disclosure?.purpose).toBe('TREAT')
    expect(given.findIndex(({ kind }) => kind === 'intent')).toBeLessThan(
      given.findIndex(({ kind }) => kind === 'disclosure'),
    )
  })

  test('is a FHIR AuditEvent of the patient at each: exported here, imported there', async () => {
    const [here] = (await events(a, { patient: 'Patient/anna' })).filter(
      (event) => codeOf(event) === 'disclosure',
    )
    const [there] = (await events(b, { 'patient.identifier': identifierText(ANNA) })).filter(
      (event) => codeOf(event) === 'receipt',
    )
    expect(here?.type.code).toBe('110106')
    expect(there?.type.code).toBe('110107')
    expect(here?.entity?.[0]?.what?.reference).toBe('Patient/anna')
    expect(there?.entity?.[0]?.what?.identifier).toEqual(ANNA)
  })

  test('leaves a third hospital with anchors only: nothing of the patient, the record, the parties or the purpose', async () => {
    const third = await insideOf(c).trail()
    const foreign = third.filter(({ kind }) => !['window', 'member-changed', 'log-read'].includes(kind))
    expect(foreign.length).toBeGreaterThan(2)
    for (const entry of foreign) {
      expect(Object.keys(entry).sort()).toEqual(['chain', 'id', 'kind', 'note', 'outcome', 'recorded'])
      expect(entry.kind).toBe('anchor')
    }
    const text = JSON.stringify(await events(c, {}))
    for (const word of [ANNA.value, 'anna', record, 'Condition', 'TREAT', 'problems', 'dr-1'])
      expect(text).not.toContain(word)
    expect(await events(c, { 'patient.identifier': identifierText(ANNA) })).toEqual([])
  })
})

describe('refusals', () => {
  test('stand at the custodian with their true reason, and at the asker without one', async () => {
    const at = async (hospital: TestHospital) =>
      (await insideOf(hospital).trail()).filter(({ kind }) => kind === 'refusal')
    const reasons = (await at(a)).map(({ reason }) => reason)
    expect(reasons).toHaveLength(2)
    expect(reasons[0]).toBe('wrong-purpose')
    expect(['revoked', 'revocation-pending']).toContain(reasons[1])
    const asked = await at(b)
    expect(asked).toHaveLength(2)
    for (const entry of asked) expect(entry.reason).toBeUndefined()
    for (const entry of asked) expect(entry.note).toBe('The custodian alone knows why.')
  })

  test('are told to the patient, with disclosures and consents, in plain sentences', async () => {
    const lines = (await anna.history()).map(({ sentence }) => sentence)
    const told = [
      'The patient allowed Hospital B to see records of Hospital A for Treatment.',
      'Hospital A gave a record (problems and diagnoses) to Dr One (physician) at Hospital B for Treatment.',
      'Hospital A refused a record (problems and diagnoses) to Dr One (physician) at Hospital B for Healthcare Research. The consent was given for another purpose.',
      'The patient stopped Hospital B from seeing records of Hospital A for Treatment.',
    ]
    const normal = (line: string) => line.toLowerCase()
    for (const line of told) expect(lines.map(normal)).toContain(normal(line))
  })

  test('and what her other hospital asked about her is told to her there', async () => {
    const there = await world.enrol(b, ANNA)
    const lines = (await there.history()).map(({ kind }) => kind)
    expect(lines).toContain('query')
    expect(lines).toContain('receipt')
    expect(lines).toContain('refusal')
  })
})

describe('a search of the trail', () => {
  test('by patient finds this patient’s events and no other’s, by reference or by identifier', async () => {
    const byReference = await events(a, { patient: 'Patient/anna' })
    const byId = await events(a, { patient: 'anna' })
    const byIdentifier = await events(a, { 'patient.identifier': identifierText(ANNA) })
    const ids = (all: AuditEvent[]) => all.map(({ id }) => id)
    expect(byReference.length).toBeGreaterThan(4)
    expect(ids(byId)).toEqual(ids(byReference))
    expect(ids(byIdentifier)).toEqual(ids(byReference))
    for (const event of byReference) expect(JSON.stringify(event)).not.toContain('Patient/bram')
    expect((await kindsOf(a, { patient: 'bram' })).sort()).toEqual(['bound'])
    // B's own id of her finds what B did about her elsewhere.
    const atB = await kindsOf(b, { patient: 'p-77' })
    for (const kind of ['query', 'receipt', 'refusal']) expect(atB).toContain(kind)
  })

  test('for somebody unknown finds nothing, and says no more', async () => {
    expect(await events(a, { patient: 'nobody' })).toEqual([])
    expect(await events(a, { patient: 'anna', 'patient.identifier': identifierText(BRAM) })).toEqual([])
  })

  test('by date takes instants and days as FHIR means them', async () => {
    const all = await events(a, { patient: 'anna' })
    const instant = all[2]?.recorded ?? ''
    const during = async (...dates: string[]) => {
      const query = new URLSearchParams([
        ['patient', 'anna'],
        ['_count', '500'],
        ...dates.map((date) => ['date', date] as [string, string]),
      ])
      const { body, status } = await raw(a, query.toString())
      expect(status).toBe(200)
      return (body.entry ?? []).map(({ resource }) => resource?.recorded ?? '')
    }
    const recorded = all.map((event) => event.recorded)
    expect(await during(`ge${instant}`)).toEqual(recorded.filter((at) => at >= instant))
    expect(await during(`gt${instant}`)).toEqual(recorded.filter((at) => at > instant))
    expect(await during(`lt${instant}`)).toEqual(recorded.filter((at) => at < instant))
    expect(await during(`le${instant}`)).toEqual(recorded.filter((at) => at <= instant))
    expect(await during(instant)).toEqual(recorded.filter((at) => at === instant))
    const today = begun.slice(0, 10)
    const year = begun.slice(0, 4)
    const ofToday = recorded.filter((at) => at.startsWith(today))
    expect(await during(today)).toEqual(ofToday)
    expect(await during(`ge${today}`)).toEqual(recorded)
    expect(await during(`le${today}`)).toEqual(ofToday)
    expect(await during(`lt${today}`)).toEqual([])
    expect(await during(year)).toEqual(recorded.filter((at) => at.startsWith(year)))
    expect(await during(`ge${instant}`, `le${instant}`)).toEqual(recorded.filter((at) => at === instant))
  })

  test('pages without loss or double while new events arrive', async () => {
    const whole = (await events(a, {})).map(({ id }) => id)
    const seen: (string | undefined)[] = []
    let url: string | undefined = `${a.broker.base}/fhir/AuditEvent?_count=5`
    const token = await a.auditor.token('HCOMPL')
    while (url) {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      const page = (await answer.json()) as Bundle<AuditEvent>
      expect(page.entry?.length ?? 0).toBeLessThanOrEqual(5)
      seen.push(...(page.entry ?? []).map(({ resource }) => resource?.id))
      url = page.link?.find(({ relation }) => relation === 'next')?.url
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.slice(-whole.length)).toEqual(whole)
  })

  test('is itself an event, with who searched', async () => {
    const before = (await insideOf(a).trail()).length
    await a.auditor.audit({ patient: 'anna' })
    const gained = (await insideOf(a).trail()).slice(before).filter(({ kind }) => kind === 'log-read')
    expect(gained).toMatchObject([
      { user: { id: a.files.auditor.clientId }, client: { id: a.files.auditor.clientId } },
    ])
  })

  test.each([
    ['agent=dr-1', 'unsupported-parameter'],
    ['patient:exact=anna', 'unsupported-parameter'],
    ['patient=anna&patient=bram', 'request-invalid'],
    ['patient=', 'request-invalid'],
    ['patient.identifier=999939841', 'request-invalid'],
    ['date=yesterday', 'request-invalid'],
    ['date=2024-02-31', 'request-invalid'],
    ['date=2024-13', 'request-invalid'],
    ['date=sa2024-01-01', 'request-invalid'],
    ['date=2024-01-01T10:00', 'request-invalid'],
    ['_count=many', 'request-invalid'],
    ['_count=-1', 'request-invalid'],
    ['_before=1;drop', 'request-invalid'],
    ['_before=99999999999999999999', 'request-invalid'],
  ])('refuses %s rather than answer something else', async (query, code) => {
    expect(await raw(a, query)).toMatchObject({ status: 400, code })
  })

  test('is for those who may read the trail: a HIS, a registrar and a stranger may not', async () => {
    const ask = (token: string) =>
      fetch(`${a.broker.base}/fhir/AuditEvent`, { headers: { authorization: `Bearer ${token}` } })
    expect((await ask(await a.his.token('TREAT'))).status).toBe(403)
    expect((await ask(await b.auditor.token('HCOMPL'))).status).toBe(401)
    expect((await fetch(`${a.broker.base}/fhir/AuditEvent`)).status).toBe(401)
  })
})
