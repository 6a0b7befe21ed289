import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { createPatientClient } from '../../../src/patient/client.ts'
import { createFindMe } from '../../../src/patient/find-me.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { answerOf, createHisClient } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { patient, STRANGER, somebody } from '../../support/samples.ts'
import { BSN, createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital

const PHONES: Record<string, string> = {
  anna: '06 1234 5678',
  bram: '+31 (0)20 123 4567',
  cees: '555-0100',
  dirk: '06-87654321',
  emma: '06-11112222',
}
const number = (name: string): Identifier => somebody(Object.keys(PHONES).indexOf(name))

beforeAll(async () => {
  world = await createWorld({
    hospitals: 1,
    fronts: { fhir: ['a'] },
    configure: (config) => ({ ...config, messages: { country: 'NL' }, identifierSystems: [BSN] }),
  })
  ;[a] = world.hospitals as [TestHospital]
  for (const [name, phone] of Object.entries(PHONES)) {
    const email = { system: 'email', value: `${name}@Example.org` }
    const language = { language: { coding: [{ code: name === 'bram' ? 'nl-NL' : 'es' }] } }
    await a.put({
      ...patient(name, number(name)),
      telecom: [{ system: 'phone', value: phone }, email],
      communication: [language],
    })
  }
}, 60_000)

afterAll(() => world?.close())

const findMe = () => createFindMe({ broker: a.broker.base, clock: a.clock })

async function ask(identifier: unknown, contact: unknown) {
  const response = await fetch(`${a.broker.base}/patient/enrolment/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, contact }),
  })
  const headers = [...response.headers].map(([name]) => name).sort()
  return { ...(await answerOf<{ enrolment?: string }>(response)), headers }
}

/** The enrolment desk: the hospital's program, used by a person. */
function desk(person: string) {
  const client = a.files.registrars[0]
  if (!client) throw new Error('a registrar')
  const his = createHisClient({
    broker: a.broker.base,
    client,
    organization: a.config.identifier,
    user: { id: person, name: person, role: 'registrar' },
    now: () => a.clock.now(),
  })
  type Open = {
    id: string
    startedBy: string
    patient: { reference: string }
    contact: string
    needs: number
  }
  return {
    start: (identifier: Identifier) => his.post('/registrar/enrolments', identifier),
    confirm: (enrolment: string) => his.post(`/registrar/enrolments/${enrolment}/confirmation`, {}),
    reject: (enrolment: string) => his.post(`/registrar/enrolments/${enrolment}/rejection`, {}),
    waiting: async () =>
      (await his.manage<{ enrolments: Open[] }>('GET', '/registrar/enrolments')).body.enrolments,
  }
}

type Line = { to: string; language: string; text: string; enrolment?: string; code?: string }
const sent = (): Line[] =>
  existsSync(a.files.contactFile)
    ? readFileSync(a.files.contactFile, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    : []

/** Until everything that was asked so far has been looked up. */
const lookedUp = () =>
  eventually(async () => {
    const left = await insideOf(a)
      .db()
      .selectFrom('enrolment_requests')
      .select('id')
      .where('sealed', 'is not', null)
      .execute()
    return left.length === 0
  })

async function queued(identifier: Identifier, contact: string): Promise<string> {
  const { enrolment } = await findMe().ask({ identifier, contact })
  await eventually(async () => (await desk('jan').waiting()).some(({ id }) => id === enrolment))
  return enrolment
}

async function invited(identifier: Identifier, contact: string) {
  const enrolment = await queued(identifier, contact)
  for (const person of ['jan', 'piet']) expect((await desk(person).confirm(enrolment)).status).toBe(204)
  const { code = '' } = sent().findLast((line) => line.enrolment === enrolment) ?? {}
  return { enrolment, code }
}

async function offer(body: { enrolment: string; code: string }) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return answerOf(await fetch(`${a.broker.base}/patient/enrolment/offer`, init))
}

function device() {
  const { chainId, contracts } = world.chain
  return createPatientClient({
    broker: a.broker.base,
    member: a.member,
    words: createWords(),
    clock: a.clock,
    chain: {
      chainId,
      consentRegistry: contracts.consentRegistry as `0x${string}`,
      patientRegistry: contracts.patientRegistry as `0x${string}`,
    },
  })
}

test('A hospital says by which numbers it finds people, and takes no others', async () => {
  expect(await findMe().identifierSystems()).toEqual([{ system: BSN, name: 'BSN', country: 'NL' }])
  const ssn = { system: 'http://hl7.org/fhir/sid/us-ssn', value: '536-90-4399' }
  expect((await ask(ssn, '06 1234 5678')).code).toBe('identifier-system-unknown')
})

test('What nobody could be found by is refused: a number that cannot be, and a contact that is none', async () => {
  expect((await ask({ system: BSN, value: '123' }, '06 1234 5678')).code).toBe('identifier-invalid')
  expect((await ask(undefined, '06 1234 5678')).code).toBe('identifier-invalid')
  for (const contact of [undefined, '', '12', 'a@b@c.nl', 'x@y.nl, z@y.nl', '<a@b.nl>', '0'.repeat(300)])
    expect([contact, (await ask(number('anna'), contact)).code]).toEqual([contact, 'contact-invalid'])
})

test('A stranger, a patient with another contact, and a patient with the right one are answered alike, from as many statements', async () => {
  const db = insideOf(a).db()
  const rows = () => db.selectFrom('enrolment_requests').select('id').execute()
  const cases: [Identifier, string][] = [
    [STRANGER, PHONES.anna ?? ''],
    [number('anna'), '06 9999 9999'],
    [number('anna'), '0612345678'],
  ]
  const answers = []
  for (const [identifier, contact] of cases) {
    const before = (await rows()).length
    const reads = a.fhirAccess.length
    const { status, body, bytes, headers } = await ask(identifier, contact)
    answers.push([status, Object.keys(body), bytes.length, headers])
    // Whoever it is, one row was written before the answer; the record system is asked only afterwards, and once for each.
    expect((await rows()).length).toBe(before + 1)
    await lookedUp()
    expect(a.fhirAccess.slice(reads).filter(({ resourceType }) => resourceType === 'Patient').length).toBe(1)
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(answers[0]?.[0]).toBe(202)
  const open = await desk('jan').waiting()
  expect(
    open.map(({ patient: { reference }, contact, startedBy, needs }) => ({
      reference,
      contact,
      startedBy,
      needs,
    })),
  ).toEqual([{ reference: 'Patient/anna', contact: '…78', startedBy: 'patient', needs: 2 }])
  expect(sent()).toEqual([])
})

test('Two different persons confirm what a patient asked for; then the code goes to the contact on file, in the patient’s language, and binds', async () => {
  const enrolment = await queued(number('bram'), '0201234567')
  expect((await offer({ enrolment, code: '00000000' })).code).toBe('enrolment-code-wrong')
  expect((await desk('jan').confirm(enrolment)).status).toBe(204)
  expect((await desk('jan').confirm(enrolment)).code).toBe('enrolment-needs-second-registrar')
  expect(sent().filter((line) => line.enrolment === enrolment)).toEqual([])
  const confirmations = await Promise.all([desk('piet').confirm(enrolment), desk('klaas').confirm(enrolment)])
  expect(confirmations.map(({ status }) => status)).toContain(204)
  const lines = sent().filter((line) => line.enrolment === enrolment)
  expect(lines).toMatchObject([{ to: PHONES.bram, language: 'nl' }])
  const { text, code = '' } = lines[0] as Line
  expect(code).toMatch(/^\d{8}$/)
  expect(text).toContain(code)
  expect(text).toContain('Hospital A')
  expect(text).not.toContain(number('bram').value)
  const bram = device()
  await bram.enrol({ enrolment, code })
  await bram.signIn(20_000)
  expect((await desk('jan').waiting()).map(({ id }) => id)).not.toContain(enrolment)
})

test('Whoever is enrolled already hears of it at the contact on file, and whoever asks does not', async () => {
  const stranger = await ask(STRANGER, '0201234567')
  const bound = await ask(number('bram'), 'BRAM@example.org')
  expect([bound.status, bound.bytes.length, bound.headers]).toEqual([
    stranger.status,
    stranger.bytes.length,
    stranger.headers,
  ])
  await eventually(async () => sent().some(({ to }) => to === 'bram@Example.org'))
  expect(sent().findLast(({ to }) => to === 'bram@Example.org')?.text).toContain('al aangemeld')
  expect((await desk('jan').waiting()).map(({ patient: { reference } }) => reference)).not.toContain(
    'Patient/bram',
  )
})

test('Five wrong codes end what a patient asked for, and so does a day', async () => {
  const { enrolment, code } = await invited(number('cees'), '555-0100')
  const wrong = code === '00000000' ? '00000001' : '00000000'
  for (let i = 0; i < 5; i++)
    expect((await offer({ enrolment, code: wrong })).code).toBe('enrolment-code-wrong')
  expect((await offer({ enrolment, code })).code).toBe('enrolment-code-wrong')
  const again = await invited(number('cees'), 'cees@example.org')
  expect((await offer(again)).status).toBe(200)
  a.clock.advance(24 * 3_600_000 + 1_000)
  expect((await offer(again)).code).toBe('enrolment-code-wrong')
})

test('A code of what one patient asked for serves nobody else’s enrolment', async () => {
  const [dirk, emma] = [
    await invited(number('dirk'), '+31687654321'),
    await invited(number('emma'), '+31611112222'),
  ]
  expect((await offer({ enrolment: emma.enrolment, code: dirk.code })).code).toBe('enrolment-code-wrong')
  expect((await offer(emma)).status).toBe(200)
})

test('Sent twice, the same wish makes one entry in the queue; what a registrar rejects is over', async () => {
  a.clock.advance(25 * 3_600_000)
  await Promise.all([ask(number('anna'), '0612345678'), ask(number('anna'), '0612345678')])
  await lookedUp()
  const open = (await desk('jan').waiting()).filter(
    ({ patient: { reference } }) => reference === 'Patient/anna',
  )
  expect(open.length).toBe(1)
  const id = open[0]?.id ?? ''
  expect((await desk('jan').reject(id)).status).toBe(204)
  expect((await desk('piet').confirm(id)).code).toBe('not-available')
  expect((await desk('jan').reject(id)).code).toBe('not-available')
  expect((await desk('jan').waiting()).map((one) => one.id)).not.toContain(id)
})

test('Of more than five requests a day for one person nothing comes, and they are answered as before', async () => {
  a.clock.advance(25 * 3_600_000)
  const told = () => sent().filter(({ to }) => to === PHONES.bram || to === 'bram@Example.org').length
  const before = told()
  for (let i = 0; i < 7; i++) {
    expect((await ask(number('bram'), 'bram@example.org')).status).toBe(202)
    await lookedUp()
  }
  await eventually(async () => told() === before + 5)
  expect(told()).toBe(before + 5)
})

test('While the record system is down the wish is kept, sealed; once it was looked up, nothing of it is', async () => {
  a.clock.advance(25 * 3_600_000)
  const rows = () => insideOf(a).db().selectFrom('enrolment_requests').selectAll().execute()
  const front = a.fhirFront
  if (!front) throw new Error('a front')
  front.behave = async () => ({ status: 503, headers: {}, body: '' })
  const { enrolment } = await findMe().ask({ identifier: number('anna'), contact: 'anna@example.org' })
  await eventually(async () => (await rows()).some(({ id, attempts }) => id === enrolment && attempts > 0))
  const text = JSON.stringify(await rows())
  expect(text).not.toContain(number('anna').value)
  front.behave = undefined
  a.clock.advance(60_000)
  await eventually(async () => (await desk('jan').waiting()).some(({ id }) => id === enrolment))
  await lookedUp()
  expect((await rows()).map(({ sealed }) => sealed)).toEqual([null])
})
