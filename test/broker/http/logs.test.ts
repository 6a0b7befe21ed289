import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createLog } from '../../../src/observe/log.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { ownSecrets } from '../../support/acts.ts'
import { createAsker } from '../../support/asker.ts'
import type { Front } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, observation, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
const lines: string[] = []

/** Everything that a broker logs, at the finest level. */
const captured = (key: string) =>
  createLog({ level: 'trace', hospital: key, out: { write: (line) => lines.push(line) } })

beforeAll(async () => {
  world = await createWorld({ log: captured, fronts: { fhir: ['a'], broker: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
}, 60_000)

afterAll(() => world?.close())

test('after a whole story with every kind of fault, no log names a patient, a record, a consent or a secret', async () => {
  const words = createWords()
  const secrets: string[] = [words, ANNA.value, BRAM.value, STRANGER.value]
  await a.put({ ...patient('anna-at-a', ANNA), name: [{ family: 'Zonnebloem', given: ['Wilhelmina'] }] })
  await a.put(condition('c1', 'anna-at-a', 'Hypertension'))
  await a.put(condition('c2', 'anna-at-a', 'HIV infection', '86406008'))
  await a.put(observation('o1', 'anna-at-a', 72))
  await a.settled()
  const anna = await world.enrol(a, ANNA, words)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  await b.his.open(record, 'HRESCH')
  await b.his.list(STRANGER, 'TREAT')

  // Identifiers in every place of a request where they can be put by mistake.
  const token = { authorization: `Bearer ${await b.his.token('TREAT')}` }
  secrets.push(token.authorization.slice(7))
  const get = (path: string) =>
    fetch(`${b.broker.base}${path}`, { headers: { ...token, 'x-patient': ANNA.value } })
  await get(`/fhir/DocumentReference?patient.identifier=${encodeURIComponent(identifierText(ANNA))}`)
  await get(`/fhir/DocumentReference?${ANNA.value}=1`)
  await get(`/fhir/DocumentReference?patient.identifier=${ANNA.value}`)
  await get(`/fhir/Binary/${ANNA.value}`)
  await get(`/nowhere/${ANNA.value}`)
  await get(`/%/${ANNA.value}`)
  for (const body of [
    `{"${ANNA.value}":`,
    JSON.stringify({ typedData: { [ANNA.value]: 'Zonnebloem' } }),
    '{"__proto__":"Zonnebloem"}',
  ]) {
    await fetch(`${b.broker.base}/relay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  }

  // Faults around the broker, at moments when it holds what must not be told.
  const front = a.fhirFront as Front
  for (const body of [
    '{"family":"Zonnebloem"',
    '<p>Zonnebloem 999939841</p>',
    '{"id":"c1","id":"Hypertension"}',
  ]) {
    front.behave = async ({ path }, forward) =>
      path.includes('/Condition/c1/_history') ? { status: 200, headers: {}, body } : forward()
    await b.his.open(record, 'TREAT')
  }
  front.behave = async () => ({
    status: 500,
    headers: {},
    body: `{"diagnostics":"Zonnebloem ${ANNA.value}"}`,
  })
  await b.his.open(record, 'TREAT')
  const [registrar] = a.files.registrars
  expect(registrar).toBeDefined()
  await world.enrol(a, BRAM).catch(() => undefined)
  front.behave = undefined
  await world.enrol(a, STRANGER).catch(() => undefined)
  const custodian = a.brokerFront as Front
  custodian.behave = async ({ path }, forward) => {
    const { status, headers, body } = await forward()
    const altered = { ...headers, 'content-length': '21' }
    return path.startsWith('/exchange/record')
      ? { status, headers: altered, body: 'Hypertension, altered' }
      : { status, headers, body }
  }
  expect((await b.his.open(record, 'TREAT')).status).toBe(502)
  custodian.behave = undefined
  await sql`alter table broker.audit_events add constraint full_disk check (kind <> 'query') not valid`.execute(
    b.database.db,
  )
  expect((await b.his.list(ANNA, 'TREAT')).status).toBe(503)
  await sql`alter table broker.audit_events drop constraint full_disk`.execute(b.database.db)
  const asker = await createAsker(b, a)
  await asker.token(await insideOf(a).tagOf('Condition', 'c1'), { assertion: 'x', dpop: 'y' })
  await a.put({ ...observation('o2', 'anna-at-a', 1), note: [{ text: 'Zonnebloem' }] })
  await anna.revoke({ to, purpose: 'TREAT' })
  await b.his.open(record, 'TREAT')
  await anna.history()
  await a.auditor.audit({ 'patient.identifier': identifierText(ANNA) })
  await a.auditor.audit({ patient: 'anna-at-a' })
  await a.settled()
  await a.restart()

  const { handle, scopeSecret } = await ownSecrets(anna)
  secrets.push(
    handle,
    handle.slice(2),
    Buffer.from(scopeSecret).toString('base64url'),
    Buffer.from(scopeSecret).toString('hex'),
  )
  for (const { keyring } of [a.files, b.files]) {
    secrets.push(keyring.operator.slice(2), keyring.kek, String(keyring.signing.d), String(keyring.sealing.d))
  }
  for (const line of readFileSync(a.files.contactFile, 'utf8').trim().split('\n')) {
    secrets.push((JSON.parse(line) as { code: string }).code)
  }
  const text = lines.join('')
  expect(lines.length).toBeGreaterThan(10)
  const forbidden = [
    ...secrets,
    'Zonnebloem',
    'Wilhelmina',
    '1980-05-17',
    '555-0100',
    'anna-at-a',
    'Hypertension',
    'HIV',
    '86406008',
    'Heart rate',
  ]
  for (const word of forbidden) {
    const found = lines.find((line) => line.includes(word))
    expect(found, `“${word.slice(0, 12)}…” in the log`).toBeUndefined()
  }
  // What it does say: codes and numbers to look a request up by.
  expect(text).toContain('"code":"not-available"')
  expect(text).toMatch(/"request":"[0-9a-f-]{36}"/)
}, 60_000)
