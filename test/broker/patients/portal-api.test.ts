import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATIONS } from '../../../src/broker/http/api/operations.ts'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { OwnCase } from '../../../src/domain/portal/cases.ts'
import { requestTask } from '../../../src/fhir/request-task.ts'
import { createPatientClient, type PatientClient } from '../../../src/patient/client.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { answerOf, createHisClient, type HisClient } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'
import { sessionOf } from '../http/access-callers.ts'

const PORTAL = 'https://portal.example'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let bram: PatientClient
let staff: HisClient
const words = { anna: createWords(), bram: createWords() }
/** What one device sent to each broker, and what came back. */
const heard = new Map<string, string[]>()

/** Of the hospital that Anna's records are of, to the other one. */
const toB = () => ({ granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) })

beforeAll(async () => {
  world = await createWorld({
    configure: (config) => ({ ...config, portalOrigins: [PORTAL] }),
  })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  for (const hospital of [a, b]) {
    await hospital.put(patient('anna', ANNA))
    await hospital.put(condition('of-anna', 'anna', 'Hypertension'))
  }
  await a.put(patient('bram', BRAM))
  await a.put(condition('of-bram', 'bram', 'Asthma', '195967001'))
  await Promise.all([a.settled(), b.settled()])
  staff = createHisClient({
    broker: a.broker.base,
    client: a.files.auditor,
    organization: a.config.identifier,
    user: { id: 'po-1', name: 'Pia Okafor', role: 'privacy officer' },
    now: () => a.clock.now(),
  })
  anna = device(a, words.anna)
  bram = device(a, words.bram)
  await bind(a, ANNA, anna)
  await bind(a, BRAM, bram)
  await anna.setPreferences({ channel: 'contact', language: 'nl' })
  // Refused first, then let in twice.
  const shown = await b.his.list(ANNA, 'TREAT')
  expect(shown.body.total).toBe(0)
  await anna.grant({
    to: toB(),
    purpose: 'TREAT',
    classes: ['problems'],
    until: dateOfDay(dayOf(a.clock.now()) + 5),
  })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  // Twice for a purpose that she allowed nothing for.
  for (let i = 0; i < 2; i++) expect((await b.his.open(record, 'HRESCH')).status).toBe(404)
  await b.his.ask(
    requestTask({
      ...{ patient: ANNA, custodian: a.config.identifier, dataClasses: ['problems'], sensitivities: [] },
      ...{ from: dateOfDay(dayOf(a.clock.now())), until: dateOfDay(dayOf(a.clock.now()) + 9), reason: '' },
      ...{ answerUntil: dateOfDay(dayOf(a.clock.now()) + 1), patientNamedCustodian: true },
    }),
    'HRESCH',
  )
  await eventually(async () => (await anna.requests()).length === 1)
}, 90_000)

afterAll(() => world?.close())

function device(hospital: TestHospital, of: string): PatientClient {
  const { chainId, contracts } = world.chain
  return createPatientClient({
    broker: hospital.broker.base,
    member: hospital.member,
    words: of,
    clock: hospital.clock,
    chain: {
      chainId,
      consentRegistry: contracts.consentRegistry as Hex,
      patientRegistry: contracts.patientRegistry as Hex,
    },
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      const said = heard.get(hospital.key) ?? []
      heard.set(hospital.key, said)
      said.push(
        typeof input === 'string' ? input : 'no address',
        JSON.stringify(init?.headers ?? {}),
        typeof init?.body === 'string' ? init.body : '',
        await response.clone().text(),
      )
      return response
    },
  })
}

async function bind(hospital: TestHospital, who: Identifier, client: PatientClient): Promise<void> {
  const [first, second] = hospital.files.registrars.map((program) =>
    createHisClient({
      broker: hospital.broker.base,
      client: program,
      organization: hospital.config.identifier,
      now: () => hospital.clock.now(),
    }),
  )
  const started = await first?.post('/registrar/enrolments', who)
  const { enrolment = '' } = (started?.body ?? {}) as { enrolment?: string }
  await second?.post(`/registrar/enrolments/${enrolment}/confirmation`, {})
  const lines = readFileSync(hospital.files.contactFile, 'utf8').split('\n')
  const { code } = JSON.parse(lines.findLast((line) => line.includes(enrolment)) ?? '') as { code: string }
  await client.enrol({ enrolment, code })
  await client.signIn(20_000)
}

async function call(
  method: string,
  path: string,
  {
    session,
    body,
    headers = {},
  }: { session?: string; body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await fetch(`${a.broker.base}${path}`, {
    method,
    headers: {
      ...(session ? { authorization: `Bearer ${session}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const shared = [...response.headers].filter(([name]) => name.startsWith('access-control-'))
  return { ...(await answerOf<Record<string, unknown>>(response)), shared: Object.fromEntries(shared) }
}

const noticesOf = async (client: PatientClient) => (await client.notices({ count: 200 })).notices
const kindsOf = async (client: PatientClient) => (await noticesOf(client)).map(({ kind }) => kind).sort()

test('A patient is told what matters once: first access, refusals by the day, a request, an end that is near, their own key', async () => {
  await eventually(async () => (await kindsOf(anna)).length >= 5)
  expect(await kindsOf(anna)).toEqual([
    ...['access-refused', 'consent-ending', 'first-access', 'key-bound', 'request-waiting'],
  ])
  const found = await noticesOf(anna)
  const of = (kind: string) => found.find((one) => one.kind === kind)
  const party = { name: 'Hospital B', identifier: b.config.identifier }
  expect(of('first-access')).toMatchObject({ party, purpose: 'TREAT', read: false })
  expect(of('access-refused')).toMatchObject({ party, purpose: 'HRESCH', reason: 'wrong-purpose' })
  expect(of('consent-ending')).toMatchObject({
    until: dateOfDay(dayOf(a.clock.now()) + 5),
    grantee: toB(),
    purpose: 'TREAT',
  })
  // What it is about is a line of the own history.
  const line = (await anna.history(500)).find(({ id }) => id === of('first-access')?.about)
  expect(line).toMatchObject({ kind: 'disclosure' })
  expect(await kindsOf(bram)).toEqual(['key-bound'])
})

test('Notices are paged, newest first, and read up to one', async () => {
  const all = await noticesOf(anna)
  const paged: string[] = []
  for (let next: string | undefined; ; ) {
    const page = await anna.notices({ count: 2, ...(next ? { before: next } : {}) })
    paged.push(...page.notices.map(({ id }) => id))
    next = page.next
    if (!next) break
  }
  expect(paged).toEqual(all.map(({ id }) => id))
  const [, second] = all
  await anna.markNoticesRead({ id: second?.id ?? '' })
  const { notices, unread } = await anna.notices()
  expect(unread).toBe(1)
  expect(notices.map(({ read }) => read)).toEqual([false, ...all.slice(1).map(() => true)])
})

test('Whoever wants it is told by the contact on file that something changed, and no more than that, once an hour', async () => {
  const told = () =>
    readFileSync(a.files.contactFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.includes('"enrolment"'))
      .map((line) => JSON.parse(line) as { to: string; language: string; text: string })
  await eventually(async () => told().length > 0)
  expect(told()).toMatchObject([{ to: '555-0100', language: 'nl' }])
  const [{ text } = { text: '' }] = told()
  for (const word of ['Hospital B', 'TREAT', 'Hypertension', ANNA.value]) expect(text).not.toContain(word)
  const filed = await staff.manage('GET', '/cases')
  expect(filed.status).toBe(200)
  await expect(bram.setPreferences({ channel: 'fax' as never })).rejects.toMatchObject({
    code: 'request-invalid',
  })
  expect(await anna.preferences()).toEqual({ channel: 'contact', language: 'nl' })
  expect(await bram.preferences()).toEqual({ channel: 'none' })
})

test('What looks wrong is a case: pressed twice it is one, it is answered by a named person, and both stand in the trail', async () => {
  const [line] = await anna.history(1)
  const wish = { text: 'I never was at Hospital B.', about: line?.id ?? '' }
  const [one, same] = await Promise.allSettled([anna.openCase(wish, 'key-1'), anna.openCase(wish, 'key-1')])
  const opened = [one, same].find(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<OwnCase>
  expect(await anna.openCase(wish, 'key-1')).toEqual(opened.value)
  expect(await anna.cases()).toEqual([opened.value])
  await expect(anna.openCase({ text: 'another' }, 'key-1')).rejects.toMatchObject({
    code: 'idempotency-key-reused',
  })
  const { id } = opened.value
  const list = await staff.manage<{ cases: OwnCase[] }>('GET', '/cases?state=open')
  expect(list.body.cases).toMatchObject([
    { id, text: wish.text, about: wish.about, patient: { reference: 'Patient/anna' } },
  ])
  const answered = await staff.post(`/cases/${id}/answer`, {
    text: 'A colleague was. We are looking into it.',
  })
  expect(answered.status).toBe(200)
  const [seen] = await anna.cases()
  expect(seen).toMatchObject({
    state: 'answered',
    answers: [
      {
        text: 'A colleague was. We are looking into it.',
        by: { name: 'Pia Okafor', role: 'privacy officer' },
      },
    ],
  })
  expect((await noticesOf(anna))[0]).toMatchObject({ kind: 'case-answered', about: id })
  expect((await staff.post(`/cases/${id}/answer`, { text: 'Done.', close: true })).status).toBe(200)
  expect((await staff.post(`/cases/${id}/answer`, { text: 'More.' })).code).toBe('case-closed')
  await expect(anna.withdrawCase({ id })).rejects.toMatchObject({ code: 'case-closed' })
  const kinds = (await insideOf(a).trail()).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind.startsWith('case-'))).toEqual([
    'case-opened',
    'case-answered',
    'case-answered',
  ])
  expect(kinds).toContain('cases-read')
  expect((await anna.history(20)).map(({ kind }) => kind)).toContain('case-answered')
})

test('A case is taken back once and for all, holds 2,000 characters, lies sealed, and there are at most twenty', async () => {
  const { id } = await bram.openCase({ text: 'x'.repeat(2_000) })
  await bram.withdrawCase({ id })
  await bram.withdrawCase({ id })
  expect((await bram.cases())[0]).toMatchObject({ id, state: 'closed', withdrawn: true })
  for (const text of ['', '   ', 'x'.repeat(2_001), 'a\0b'])
    await expect(bram.openCase({ text })).rejects.toMatchObject({ code: 'request-invalid' })
  const rows = await insideOf(a).db().selectFrom('cases').selectAll().execute()
  expect(Buffer.from(JSON.stringify(rows)).includes('xxxx')).toBe(false)
  for (let i = 0; i < 20; i++) await bram.openCase({ text: `${i}` })
  await expect(bram.openCase({ text: 'one more' })).rejects.toMatchObject({ code: 'case-limit' })
})

test('The history is paged without a line twice or missing while new lines come, and filtered by day, organisation, outcome and kind', async () => {
  const first = await anna.historyPage({ count: 3 })
  const ids = first.history.map(({ id }) => id)
  let page = first
  while (page.next) {
    // Each reading is a line of its own, which belongs to no page that was begun before.
    page = await anna.historyPage({ next: page.next })
    ids.push(...page.history.map(({ id }) => id))
  }
  expect(new Set(ids).size).toBe(ids.length)
  const all = (await anna.history(500)).map(({ id }) => id)
  expect(all.slice(all.indexOf(ids[0] ?? ''))).toEqual(ids)

  const search = async (wish: Parameters<PatientClient['historyPage']>[0]) =>
    (await anna.historyPage(wish)).history
  const refused = await search({ outcome: 'refused' })
  expect(new Set(refused.map(({ kind, requester }) => `${kind} ${requester?.name}`))).toEqual(
    new Set(['refusal Hospital B']),
  )
  const ofB = await search({ organisation: b.config.identifier, kinds: ['disclosure'], outcome: 'allowed' })
  expect(ofB.map(({ kind }) => kind)).toEqual(['disclosure', 'disclosure'])
  expect(await search({ organisation: { system: 'urn:x', value: 'nobody' } })).toEqual([])
  const today = dateOfDay(dayOf(a.clock.now()))
  expect((await search({ from: today, to: today, kinds: ['bound', 'disclosure'] })).length).toBe(3)
  expect(await search({ to: dateOfDay(dayOf(a.clock.now()) - 1) })).toEqual([])
  const session = await sessionOf(world, a, words.anna)
  for (const [query, code] of [
    ['outcome=maybe', 'request-invalid'],
    ['from=yesterday', 'request-invalid'],
    ['before=x', 'request-invalid'],
    ['patient=anna', 'unsupported-parameter'],
  ])
    expect([query, (await call('GET', `/patient/history?${query}`, { session })).code]).toEqual([query, code])
  expect(await anna.report('disclosures', { format: 'csv' })).toContain('Hospital B')
})

test('No session reads another handle: not by any endpoint, and not by the id of anything that is another patient’s', async () => {
  const filed = await a.his.fhir<{ id: string }>('POST', 'Consent', {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: 'Patient/anna' },
    provision: {
      type: 'permit',
      actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: { identifier: b.config.identifier } }],
      purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }],
      class: [{ system: 'https://wayleave.example/fhir/CodeSystem/data-class', code: 'problems' }],
      securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
    },
  })
  expect(filed.status).toBe(201)
  await eventually(async () => (await kindsOf(anna)).includes('proposal-waiting'))
  const mine = await anna.openCase({ text: 'Anna’s own matter.' })
  const [request] = await anna.requests()
  const [notice] = await noticesOf(anna)
  const { history, next = '' } = await anna.historyPage({ count: 1 })
  const { handle } = await anna.signIn()
  const session = await sessionOf(world, a, words.bram)

  // Every endpoint that reads: nothing of Anna's in what Bram sees, and something in what she sees herself.
  const reads = Object.entries(OPERATIONS)
    .filter(([name, { needs }]) => name.startsWith('GET /patient/') && needs === 'session')
    .map(([name]) => name.slice('GET '.length))
  expect(reads.length).toBeGreaterThan(9)
  const hers = [
    handle,
    mine.id,
    request?.id ?? '?',
    filed.body.id,
    notice?.id ?? '?',
    'Patient/anna',
    'of-anna',
    'Anna’s',
  ]
  const annas = await sessionOf(world, a, words.anna)
  const seenByHer = new Set<string>()
  for (const path of reads) {
    const url = path.replace(':name', 'subject-access')
    const [his, own] = [await call('GET', url, { session }), await call('GET', url, { session: annas })]
    // Whom a helper helps is told to helpers alone.
    const status = url === '/patient/helping' ? 403 : 200
    expect([url, his.status, own.status]).toEqual([url, status, status])
    for (const word of hers) {
      expect(Buffer.from(his.bytes).toString(), `${word} in ${url}`).not.toContain(word)
      if (Buffer.from(own.bytes).toString().includes(word)) seenByHer.add(word)
    }
  }
  expect([...seenByHer].sort()).toEqual([...hers].sort())

  // Every endpoint that takes the id of something.
  const tries: Record<string, [string, unknown, string]> = {
    'POST /patient/cases/:id/withdrawal': [`/patient/cases/${mine.id}/withdrawal`, undefined, 'case-unknown'],
    'POST /patient/proposals/:id/refusal': [
      `/patient/proposals/${filed.body.id}/refusal`,
      undefined,
      'consent-unknown',
    ],
    'POST /patient/requests/:id/refusal': [
      `/patient/requests/${request?.id}/refusal`,
      undefined,
      'task-unknown',
    ],
  }
  const byId = Object.keys(OPERATIONS).filter(
    (name) => name.startsWith('POST /patient/') && name.includes('/:'),
  )
  expect(byId.sort()).toEqual(Object.keys(tries).sort())
  for (const [path, body, code] of [
    ...Object.values(tries),
    ['/patient/notices/read', { upTo: notice?.id }, 'request-invalid'],
    ['/patient/cases', { text: 'mine?', about: history[0]?.id }, 'audit-event-unknown'],
  ] as const)
    expect([path, (await call('POST', path, { session, body })).code]).toEqual([path, code])
  expect((await call('GET', `/patient/notices?before=${notice?.id}`, { session })).code).toBe(
    'request-invalid',
  )
  expect((await call('GET', `/patient/history?before=${next}`, { session })).code).toBe('request-invalid')
  expect((await anna.cases()).find(({ id }) => id === mine.id)?.state).toBe('open')
  expect((await noticesOf(anna)).find(({ id }) => id === notice?.id)?.read).toBe(false)
  expect((await anna.requests()).length).toBe(1)
})

test('No two hospitals hear the same key, session or handle of one patient', async () => {
  const there = device(b, words.anna)
  await bind(b, ANNA, there)
  const to = { granteeType: 'Group' as const, grantee: 'GP practices' }
  for (const client of [anna, there]) {
    await client.grant({ to, purpose: 'TREAT', classes: ['problems'] })
    await client.record()
    await client.history(500)
    await client.openCase({ text: 'The same words at both.' })
    await client.notices()
    await client.explain({ requester: b.member, purpose: 'TREAT', dataClass: 'problems' })
    await client.endSession()
    await client.consents()
  }
  const secretsAt = (key: string) =>
    new Set(
      (heard.get(key) ?? []).flatMap((text) =>
        [...text.matchAll(/0x[0-9a-fA-F]{40,}|[A-Za-z0-9_-]{22,}/g)].map(([word]) => word.toLowerCase()),
      ),
    )
  const [atA, atB] = [secretsAt('a'), secretsAt('b')]
  // What everybody knows: who is a member, where the contracts are, and words of FHIR and of our own.
  const known = JSON.stringify([
    ...[world.chain, a.member, b.member],
    // And what the two have named between themselves when one gave the other a record.
    (await there.history(500)).map((line) => [
      line.exchange,
      line.record?.id,
      line.record?.hash,
      line.request,
    ]),
  ]).toLowerCase()
  const isWord = (word: string) => /^[a-z-]+$/.test(word) || /^0x0+$/.test(word)
  const both = [...atA].filter((word) => atB.has(word) && !known.includes(word) && !isWord(word))
  expect(both).toEqual([])
  // And something was looked at: keys, handles, sessions and signatures of each.
  for (const [client, at] of [
    [anna, atA],
    [there, atB],
  ] as const) {
    expect(at.has(client.signer.toLowerCase())).toBe(true)
    expect(at.has((await client.signIn()).handle)).toBe(true)
    expect([...at].filter((word) => /^0x[0-9a-f]{130}$/.test(word)).length).toBeGreaterThan(2)
  }
})

test('Pages of a listed portal may call the patients’ side, those of this broker too, and no others; nothing else is shared', async () => {
  const session = await sessionOf(world, a, words.bram)
  const own = new URL(a.broker.base).origin
  const from = (origin: string, path = '/patient/cases', more: Record<string, string> = {}) =>
    call('GET', path, { session, headers: { origin, ...more } })
  const listed = await from(PORTAL)
  expect([listed.status, listed.shared['access-control-allow-origin']]).toEqual([200, PORTAL])
  expect(listed.shared['access-control-allow-credentials']).toBeUndefined()
  expect((await from(own)).status).toBe(200)
  for (const origin of ['https://evil.example', `${PORTAL}.evil.example`, 'null', 'http://portal.example']) {
    const answer = await from(origin)
    expect([origin, answer.status, answer.code]).toEqual([origin, 403, 'origin-refused'])
    expect(answer.shared['access-control-allow-origin']).toBeUndefined()
    const sent = await call('POST', '/patient/challenge', { body: {}, headers: { origin } })
    expect(sent.code).toBe('origin-refused')
  }
  // Without an Origin it is no page.
  expect((await call('GET', '/patient/cases', { session })).status).toBe(200)
  const preflight = (path: string, origin: string) =>
    call('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    })
  const asked = await preflight('/patient/cases', PORTAL)
  expect([asked.status, asked.shared['access-control-allow-origin']]).toEqual([204, PORTAL])
  expect(asked.shared['access-control-allow-methods']).toContain('POST')
  for (const name of ['authorization', 'content-type', 'idempotency-key'])
    expect(asked.shared['access-control-allow-headers']).toContain(name)
  for (const [path, origin] of [
    ['/patient/cases', 'https://evil.example'],
    ['/cases', PORTAL],
    ['/registrar/enrolments', PORTAL],
    ['/fhir/AuditEvent', PORTAL],
  ] as const)
    expect((await preflight(path, origin)).shared['access-control-allow-origin']).toBeUndefined()
  expect((await call('GET', '/fhir/metadata', { headers: { origin: PORTAL } })).shared).toEqual({})
})

test('A session ends when the patient says so, and after fifteen minutes in any case', async () => {
  const [one, other] = [await sessionOf(world, a, words.bram), await sessionOf(world, a, words.bram)]
  expect((await call('POST', '/patient/session/end', { session: one })).status).toBe(204)
  expect((await call('GET', '/patient/cases', { session: one })).code).toBe('session-expired')
  expect((await call('POST', '/patient/session/end', { session: one })).code).toBe('session-expired')
  expect((await call('GET', '/patient/cases', { session: other })).status).toBe(200)
  a.clock.advance(15 * 60_000 + 1_000)
  expect((await call('GET', '/patient/cases', { session: other })).code).toBe('session-expired')
})

test('What comes within the hour after a message waits for the next one', async () => {
  const told = () => readFileSync(a.files.contactFile, 'utf8').split('Kijk in uw portaal').length - 1
  const before = told()
  expect((await noticesOf(anna)).length).toBeGreaterThan(5)
  expect(before).toBe(1)
  a.clock.advance(3_600_000)
  await eventually(async () => told() === before + 1)
  a.clock.advance(3_600_000)
  await insideOf(a).db().updateTable('notices').set({ read: true }).execute()
  expect(told()).toBe(before + 1)
})
