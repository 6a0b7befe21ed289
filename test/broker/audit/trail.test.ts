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
    const foreign = third.filter(
      ({ kind }) => !['window', 'member-changed', 'governance', 'log-read'].includes(kind),
    )
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
    // Each search is itself about her, and found by the next.
    const ids = (all: AuditEvent[]) => all.filter((event) => codeOf(event) !== 'log-read').map(({ id }) => id)
    expect(byReference.length).toBeGreaterThan(4)
    expect(ids(byId)).toEqual(ids(byReference))
    expect(ids(byIdentifier)).toEqual(ids(byReference))
    for (const event of byReference) expect(JSON.stringify(event)).not.toContain('Patient/bram')
    expect((await kindsOf(a, { patient: 'bram' })).sort()).toEqual(['bound', 'record-registered'])
    // B's own id of her finds what B did about her elsewhere.
    const atB = await kindsOf(b, { patient: 'p-77' })
    for (const kind of ['query', 'receipt', 'refusal']) expect(atB).toContain(kind)
  })

  test('for somebody unknown finds nothing, and says no more', async () => {
    expect(await events(a, { patient: 'nobody' })).toEqual([])
    expect(await events(a, { patient: 'anna', 'patient.identifier': identifierText(BRAM) })).toEqual([])
  })

  test('by date takes instants and days as FHIR means them', async () => {
    const { recorded: until = '' } = (await events(a, { patient: 'anna' }))[0] ?? {}
    const all = await events(a, { patient: 'anna', date: `le${until}` })
    const instant = all[2]?.recorded ?? ''
    const during = async (...dates: string[]) => {
      const query = new URLSearchParams([
        ['patient', 'anna'],
        ['_count', '500'],
        ...[...dates, `le${until}`].map((date) => ['date', date] as [string, string]),
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

  /** All pages of a search, with `between` done after each. */
  async function pagesOf(hospital: TestHospital, query: string, between = async () => {}) {
    const seen: AuditEvent[] = []
    let url: string | undefined = `${hospital.broker.base}/fhir/AuditEvent?${query}`
    const token = await hospital.auditor.token('HCOMPL')
    while (url) {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(200)
      const page = (await answer.json()) as Bundle<AuditEvent>
      seen.push(...(page.entry ?? []).flatMap(({ resource }) => resource ?? []))
      url = page.link?.find(({ relation }) => relation === 'next')?.url
      expect(url ?? '').not.toContain(ANNA.value)
      await between()
    }
    return seen
  }

  test.each(['-date', 'date'])('pages by %s without loss or double while new events arrive', async (sort) => {
    const whole = (await events(a, { _sort: sort })).map(({ id }) => id)
    const seen = await pagesOf(a, `_count=7&_sort=${sort}`, async () => {
      await b.his.list(STRANGER, 'TREAT')
      await b.his.open(record, 'HRESCH')
    })
    const ids = seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    // Just what there was when it began: all of that, and the line of the first search alone; windows are anchored all the time.
    const added = seen.filter(({ id }) => !whole.includes(id)).map(codeOf)
    expect(added.filter((code) => code !== 'anchor' && code !== 'window')).toEqual(['log-read'])
    const recorded = seen.map((event) => event.recorded)
    expect(recorded).toEqual(sort === 'date' ? [...recorded].sort() : [...recorded].sort().reverse())
  })

  test('goes on from a page with the query of the first, and from no altered or borrowed page', async () => {
    const about = { 'patient.identifier': identifierText(ANNA) }
    const all = await pagesOf(a, new URLSearchParams({ ...about, _count: '3' }).toString())
    expect(all.length).toBeGreaterThan(6)
    for (const event of all) expect(JSON.stringify(event)).not.toContain('Patient/bram')
    const first = (await raw(a, new URLSearchParams({ ...about, _count: '3' }).toString())).body
    const token = new URL(first.link?.[0]?.url ?? '').searchParams.get('_page') ?? ''
    const bent = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`
    expect(await raw(a, `_page=${bent}`)).toMatchObject({ status: 400, code: 'request-invalid' })
    await expect(anna.auditEvents({ _page: token })).rejects.toMatchObject({ code: 'request-invalid' })
  })

  test.each<[string, (event: AuditEvent) => boolean]>([
    ['agent=dr-1', (e) => e.agent.some(({ who }) => who?.identifier?.value === 'dr-1')],
    ['agent.identifier=http://fhir.nl/fhir/NamingSystem/ura|00000002', (e) => names(e, '00000002')],
    ['agent:identifier=00000002', (e) => names(e, '00000002')],
    ['purpose=HRESCH', (e) => e.purposeOfEvent?.[0]?.coding?.[0]?.code === 'HRESCH'],
    ['purpose=HRESCH,TREAT', (e) => e.purposeOfEvent !== undefined && purposeIn(e, ['HRESCH', 'TREAT'])],
    ['outcome=8', (e) => e.outcome === '8'],
    ['outcome=0&purpose=TREAT', (e) => e.outcome === '0' && purposeIn(e, ['TREAT'])],
    ['subtype=disclose', (e) => e.subtype?.some(({ code }) => code === 'disclose') ?? false],
    ['type=http://dicom.nema.org/resources/ontology/DCM|110106', (e) => e.type.code === '110106'],
    ['entity=Patient/anna', (e) => e.entity?.some(({ what }) => what?.reference === 'Patient/anna') ?? false],
    ['entity-type=Consent', (e) => e.entity?.some(({ type }) => type?.code === 'Consent') ?? false],
    ['_tag=refusal', (e) => codeOf(e) === 'refusal'],
    ['action=C', (e) => e.action === 'C'],
  ])('by %s finds just those lines', async (query, holds) => {
    const all = await events(a, {})
    const { body, status } = await raw(a, `${query}&_count=500`)
    expect(status).toBe(200)
    const found = (body.entry ?? []).map(({ resource }) => resource?.id)
    const wanted = all.filter(holds).map(({ id }) => id)
    expect(wanted.length).toBeGreaterThan(0)
    expect(found.filter((id) => all.some((event) => event.id === id))).toEqual(wanted)
  })

  test('by the Consent that decided tells what it let out and what it changed', async () => {
    const [granted] = await events(a, { _tag: 'consent-granted' })
    const policy = granted?.entity?.find(({ type }) => type?.code === 'Consent')?.what?.reference ?? ''
    const kinds = new Set(await kindsOf(a, { policy }))
    for (const kind of ['consent-granted', 'consent-revoked', 'disclosure', 'share-sent'])
      expect([...kinds]).toContain(kind)
  })

  test('takes a national number in a form, so that it stands in no address', async () => {
    const token = await a.auditor.token('HCOMPL')
    const answer = await fetch(`${a.broker.base}/fhir/AuditEvent/_search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams({ 'patient.identifier': identifierText(ANNA), _tag: 'disclosure' }),
    })
    const { entry = [] } = (await answer.json()) as Bundle<AuditEvent>
    expect(entry.map(({ resource }) => codeOf(resource))).toEqual(['disclosure'])
  })

  test('gives each line an address of its own, and none to a line that is not there', async () => {
    const [disclosure] = await events(a, { _tag: 'disclosure' })
    const read = async (id: string) => {
      const headers = { authorization: `Bearer ${await a.auditor.token('HCOMPL')}` }
      return answerOf(await fetch(`${a.broker.base}/fhir/AuditEvent/${id}`, { headers }))
    }
    expect((await read(disclosure?.id ?? '')).body).toEqual(disclosure)
    expect(await read('nothing')).toMatchObject({ status: 404, code: 'audit-event-unknown' })
  })

  test('is itself an event, with who searched', async () => {
    const before = (await insideOf(a).trail()).length
    await a.auditor.audit({ 'patient.identifier': identifierText(ANNA), date: 'ge2020' })
    const gained = (await insideOf(a).trail()).slice(before).filter(({ kind }) => kind === 'log-read')
    expect(gained).toMatchObject([
      {
        user: { id: a.files.auditor.clientId },
        client: { id: a.files.auditor.clientId },
        patient: { reference: 'Patient/anna' },
        note: 'It was searched by date, patient.identifier.',
      },
    ])
    expect(JSON.stringify(gained)).not.toContain(ANNA.value)
  })

  test('that finds nothing but searches adds one line like any other, and no end of them', async () => {
    const readings = async () => (await insideOf(a).trail()).filter(({ kind }) => kind === 'log-read').length
    const before = await readings()
    await a.auditor.audit({ _tag: 'log-read' })
    await a.auditor.audit({ _tag: 'log-read' })
    await new Promise((done) => setTimeout(done, 1_500))
    expect(await readings()).toBe(before + 2)
  })

  test.each([
    ['agent-name=Dr', 'unsupported-parameter'],
    ['_sort=recorded', 'request-invalid'],
    ['outcome=', 'request-invalid'],
    ['purpose=http://terminology.hl7.org/CodeSystem/v3-ActReason|', 'request-invalid'],
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
    ['_page=1;drop', 'request-invalid'],
    ['_page=x&patient=bram', 'unsupported-parameter'],
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

const names = (event: AuditEvent, value: string) =>
  event.agent.some(({ who }) => who?.identifier?.value === value)
const purposeIn = (event: AuditEvent, codes: string[]) =>
  codes.includes(event.purposeOfEvent?.[0]?.coding?.[0]?.code ?? '')

const eventsOf = (bundle: Bundle<AuditEvent>) =>
  (bundle.entry ?? []).flatMap(({ resource }) => resource ?? [])

describe('a patient’s own view', () => {
  test('holds who saw what, who was refused, and who read of it; in FHIR, and of nobody else', async () => {
    const own = eventsOf(await anna.auditEvents({ _count: '500' }))
    const kinds = own.map(codeOf)
    for (const kind of ['disclosure', 'refusal', 'consent-granted', 'record-registered', 'log-read'])
      expect(kinds).toContain(kind)
    for (const event of own) expect(JSON.stringify(event)).not.toContain('Patient/bram')
    const disclosure = own.find((event) => codeOf(event) === 'disclosure')
    expect(disclosure?.agent.some(({ name, role }) => name === 'Dr One' && role)).toBe(true)
  })

  test('is narrowed by date and kind, and shows the next time that it was looked at', async () => {
    const refused = eventsOf(await anna.auditEvents({ outcome: '8' })).map(codeOf)
    expect(refused).toContain('refusal')
    expect(refused).not.toContain('disclosure')
    expect(eventsOf(await anna.auditEvents({ date: 'lt2020' }))).toEqual([])
    expect(eventsOf(await anna.auditEvents({ _tag: 'own-trail-read' })).length).toBeGreaterThan(1)
  })

  test('goes on page by page, by itself alone', async () => {
    const first = await anna.auditEvents({ _count: '2' })
    const _page = new URL(first.link?.[0]?.url ?? '').searchParams.get('_page') ?? ''
    const ids = [first, await anna.auditEvents({ _page })].flatMap(eventsOf).map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
    expect(await raw(a, `_page=${_page}`)).toMatchObject({ status: 400, code: 'request-invalid' })
  })

  test('can be made of no other patient', async () => {
    for (const query of [
      { patient: 'bram' },
      { patient: 'anna' },
      { 'patient.identifier': identifierText(BRAM) },
    ])
      await expect(anna.auditEvents(query)).rejects.toMatchObject({ code: 'unsupported-parameter' })
    expect(eventsOf(await anna.auditEvents({ entity: 'Patient/bram' }))).toEqual([])
  })
})

describe('the trail of a hospital', () => {
  test('holds what it registered, what it shared and what its programs asked of consents', async () => {
    const to = { system: b.config.identifier.system, value: b.config.identifier.value }
    await a.his.consult({
      hook: 'patient-consent-consult',
      context: { patientId: [ANNA], actor: [to], purposeOfUse: [{ code: 'TREAT' }] },
    })
    const trail = await insideOf(a).trail()
    const of = (kind: string) => trail.find((entry) => entry.kind === kind)
    expect(of('consents-consulted')).toMatchObject({
      user: { id: 'dr-1' },
      requester: { name: 'Hospital B' },
      patient: { reference: 'Patient/anna' },
      purpose: 'TREAT',
    })
    expect(of('share-sent')).toMatchObject({
      custodian: { name: 'Hospital A' },
      requester: { name: 'Hospital B' },
      patient: { reference: 'Patient/anna' },
    })
    const registered = trail.filter(({ kind, patient }) => kind === 'record-registered' && patient)
    const disclosed = of('disclosure')?.record?.id
    expect(registered.map((entry) => entry.record?.id)).toContain(disclosed)
  })

  test('has a line for every event of the chain, but one for those that a batch holds together', async () => {
    const rows = await insideOf(c).index().selectFrom('events').selectAll().execute()
    const trail = await insideOf(c).trail()
    const lines = new Set(trail.map(({ chain }) => chain && `${chain.transaction}/${chain.logIndex}`))
    const batches = new Set(
      trail.filter(({ note }) => note === 'RecordRegistered').map((e) => e.chain?.transaction),
    )
    const without = rows.filter(
      ({ transaction, log_index, name }) =>
        !lines.has(`${transaction}/${log_index}`) &&
        !(name === 'RecordRegistered' && batches.has(transaction)),
    )
    expect(without.map(({ name }) => name)).toEqual([])
  })

  test('never names a broker as the one who acted', async () => {
    for (const event of await events(a, {})) {
      expect(event.agent.length).toBeGreaterThan(0)
      expect(JSON.stringify([event.agent, event.source]).toLowerCase()).not.toContain('broker')
    }
  })
})
