import { readFileSync } from 'node:fs'
import { importJWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../../../src/domain/hex.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../../../src/exchange/client-assertion.ts'
import { createPatientClient } from '../../../src/patient/client.ts'
import { childKey, createWords } from '../../../src/patient/seed.ts'
import { signAct } from '../../../src/patient/sign.ts'
import { type Answer, answerOf, createHisClient } from '../../../src/sandbox/his-client.ts'
import { admit } from '../../support/acts.ts'
import { clinicalReads } from '../../support/inside.ts'
import { STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let ids: Identifier[]

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  ids = []
  for (const [i, name] of ['anna', 'bram', 'cees', 'dirk', 'emma', 'fien'].entries())
    ids.push(await admit(a, name, i))
  await a.settled()
}, 60_000)

afterAll(() => world?.close())

type Started = Answer<{ enrolment?: string }>
const id = (n: number) => ids[n] as Identifier

/** The enrolment desk: the hospital's `program`, used by a person. */
function desk(program: 0 | 1, person: string) {
  const client = a.files.registrars[program]
  if (!client) throw new Error('a registrar')
  const his = createHisClient({
    broker: a.broker.base,
    client,
    organization: a.config.identifier,
    user: { id: person, name: person, role: 'registrar' },
    now: () => a.clock.now(),
  })
  return {
    start: (nationalId: Identifier) => his.post('/registrar/enrolments', nationalId) as Promise<Started>,
    confirm: (enrolment: string) => his.post(`/registrar/enrolments/${enrolment}/confirmation`, {}),
  }
}

/** What the patient reads on the phone. */
function codeFor(enrolment: string): string {
  const lines = readFileSync(a.files.contactFile, 'utf8').trim().split('\n')
  return (JSON.parse(lines.findLast((line) => line.includes(enrolment)) ?? '{}') as { code: string }).code
}

async function started(
  nationalId: Identifier,
  confirmed = true,
): Promise<{ enrolment: string; code: string }> {
  const enrolment = (await desk(0, 'jan').start(nationalId)).body.enrolment ?? ''
  if (confirmed) expect((await desk(1, 'piet').confirm(enrolment)).status).toBe(204)
  return { enrolment, code: codeFor(enrolment) }
}

async function post(path: string, body: unknown): Promise<Answer<{ typedData?: never }>> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return answerOf(await fetch(`${a.broker.base}${path}`, init))
}
const offer = (invitation: { enrolment: string; code: string }) =>
  post('/patient/enrolment/offer', invitation)

function device(words = createWords()) {
  const { chain } = world
  return createPatientClient({
    broker: a.broker.base,
    member: a.member,
    words,
    clock: a.clock,
    chain: {
      chainId: chain.chainId,
      consentRegistry: chain.contracts.consentRegistry as Hex,
      patientRegistry: chain.contracts.patientRegistry as Hex,
    },
  })
}

test('A national ID that cannot be, of an unknown system, or of nobody here starts no enrolment, each with its own answer', async () => {
  const cases: [Identifier, number, string][] = [
    [{ ...id(0), value: '999960001' }, 400, 'identifier-invalid'],
    [{ ...id(0), value: '12' }, 400, 'identifier-invalid'],
    [{ system: 'urn:nowhere', value: id(0).value }, 400, 'identifier-system-unknown'],
    [STRANGER, 404, 'not-available'],
  ]
  const reads = a.fhirAccess.length
  for (const [nationalId, status, code] of cases) {
    const answer = await desk(0, 'jan').start(nationalId)
    expect([answer.status, answer.code]).toEqual([status, code])
  }
  expect(clinicalReads(a, reads)).toEqual([])
})

test('Two persons are needed: neither the same registrar twice, nor one person with two programs, nor somebody unnamed', async () => {
  const { enrolment, code } = await started(id(0), false)
  expect((await offer({ enrolment, code })).code).toBe('enrolment-needs-second-registrar')
  for (const again of [desk(0, 'jan'), desk(1, 'jan')]) {
    const answer = await again.confirm(enrolment)
    expect([answer.status, answer.code]).toEqual([409, 'enrolment-needs-second-registrar'])
  }
  expect((await confirmUnnamed(enrolment)).code).toBe('user-missing')
  expect((await offer({ enrolment, code })).code).toBe('enrolment-needs-second-registrar')
  expect((await desk(1, 'piet').confirm(enrolment)).status).toBe(204)
  expect((await offer({ enrolment, code })).status).toBe(200)
})

async function confirmUnnamed(enrolment: string) {
  const [, client] = a.files.registrars
  if (!client) throw new Error('a registrar')
  const url = `${a.broker.base}/auth/token`
  const key = (await importJWK(client.jwk, 'ES384')) as CryptoKey
  const common = { kid: client.jwk.kid ?? '', alg: 'ES384', clientId: client.clientId, audience: url }
  const assertion = await makeClientAssertion({ key, ...common, nowMs: a.clock.now() })
  const form = {
    grant_type: 'client_credentials',
    scope: 'system/registrar',
    client_assertion_type: ASSERTION_TYPE,
  }
  const body = new URLSearchParams({ ...form, client_assertion: assertion })
  const { access_token } = (await (await fetch(url, { method: 'POST', body })).json()) as {
    access_token: string
  }
  const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
  return answerOf(
    await fetch(`${a.broker.base}/registrar/enrolments/${enrolment}/confirmation`, {
      method: 'POST',
      headers,
      body: '{}',
    }),
  )
}

test('A program of the hospital that is no enrolment desk enrols nobody', async () => {
  const answer = await a.his.post('/registrar/enrolments', id(0))
  expect([answer.status, answer.code]).toEqual([403, 'scope-insufficient'])
})

test('A wrong code is refused, and after five of them the right one is, too', async () => {
  const { enrolment, code } = await started(id(1))
  const wrong = code === '00000000' ? '00000001' : '00000000'
  for (let i = 0; i < 4; i++)
    expect((await offer({ enrolment, code: wrong })).code).toBe('enrolment-code-wrong')
  expect((await offer({ enrolment, code })).status).toBe(200)
  expect((await offer({ enrolment, code: wrong })).code).toBe('enrolment-code-wrong')
  const late = await offer({ enrolment, code })
  expect([late.status, late.code]).toEqual([403, 'enrolment-code-wrong'])
})

test('Guesses made at the same time are counted each', async () => {
  const { enrolment, code } = await started(id(1))
  const guesses = Array.from({ length: 40 }, (_, i) => ({ enrolment, code: String(i).padStart(8, '0') }))
  const answers = await Promise.all(guesses.filter((guess) => guess.code !== code).map(offer))
  expect(new Set(answers.map((answer) => answer.code))).toEqual(new Set(['enrolment-code-wrong']))
  expect((await offer({ enrolment, code })).code).toBe('enrolment-code-wrong')
})

test('A code of one enrolment serves no other, and an enrolment that never was is refused alike', async () => {
  const [one, other] = [await started(id(1)), await started(id(2))]
  const refused = [await offer({ ...one, code: other.code }), await offer({ ...one, enrolment: 'none' })]
  const alike = refused.map(({ status, code, bytes }) => [status, code, bytes.length])
  expect(alike[0]).toEqual(alike[1])
})

test('Without a proof of the device’s key nothing is bound; a code binds once', async () => {
  const invitation = await started(id(3))
  const { typedData } = (await offer(invitation)).body as { typedData?: never }
  const [own, foreign] = [createWords(), createWords()].map((words) => childKey(words, a.member))
  if (!typedData || !own || !foreign) throw new Error('an offer')
  const { message } = typedData as { message: { deadline: number } }
  const signed = await signAct(foreign.privateKey, typedData)
  const bind = (signer: Hex, signature: Hex) =>
    post('/patient/enrolment', { ...invitation, signer, signature, deadline: message.deadline })
  expect((await bind(own.signer, signed.signature)).code).toBe('signature-invalid')
  expect((await bind(foreign.signer, signed.signature)).status).toBe(202)
  const { signature } = await signAct(own.privateKey, typedData)
  expect((await bind(own.signer, signature)).code).toBe('enrolment-code-wrong')
})

test('A bound key is not replaced by enrolling again: the old one stays, the new one gets in nowhere', async () => {
  const [first, second] = [device(), device()]
  const [early, late] = [await started(id(4)), await started(id(4))]
  await first.enrol(early)
  // Also before the chain shows the first one.
  await expect(second.enrol(late)).rejects.toMatchObject({ code: 'patient-bound' })
  const { handle } = await first.signIn(20_000)
  const again = await desk(0, 'jan').start(id(4))
  expect([again.status, again.code]).toEqual([409, 'patient-bound'])
  await expect(second.enrol(late)).rejects.toMatchObject({ code: 'patient-bound' })
  await a.settled()
  await expect(second.signIn()).rejects.toMatchObject({ code: 'signer-unknown' })
  await eventually(async () => (await first.signIn()).handle === handle)
  expect((await first.lock()).receipt?.counts).toBe('now')
})

test('A key signs for one patient of a hospital: it is bound for no other', async () => {
  const words = createWords()
  await device(words).enrol(await started(id(1)))
  await expect(device(words).enrol(await started(id(2)))).rejects.toMatchObject({ code: 'key-taken' })
  await device(words).signIn(20_000)
  await expect(device(words).enrol(await started(id(2)))).rejects.toMatchObject({ code: 'key-taken' })
  await device().enrol(await started(id(2)))
})

test('A code ends after thirty minutes', async () => {
  const [early, late] = [await started(id(5)), await started(id(5))]
  a.clock.advance(29 * 60_000)
  expect((await offer(early)).status).toBe(200)
  a.clock.advance(61_000)
  const answer = await offer(late)
  expect([answer.status, answer.code]).toEqual([403, 'enrolment-code-wrong'])
})
