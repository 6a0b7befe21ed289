import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../../../src/domain/hex.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { childKey, createWords } from '../../../src/patient/seed.ts'
import { signSignIn } from '../../../src/patient/sign.ts'
import { type Answer, answerOf } from '../../../src/sandbox/his-client.ts'
import { admit, partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let bram: PatientClient
const words = createWords()
const brams = createWords()

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  const [ANNA, BRAM] = [await admit(a, 'anna', 0), await admit(a, 'bram', 1)]
  await a.settled()
  anna = await world.enrol(a, ANNA, words)
  bram = await world.enrol(a, BRAM, brams)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await anna.history()).some(({ kind }) => kind === 'consent-granted'))
}, 60_000)

afterAll(() => world?.close())

type Session = { session?: string; handle?: Hex; scopeSecret?: string }

const keyOf = (of: string) => childKey(of, a.member)

async function post<T>(at: TestHospital, path: string, body: unknown): Promise<Answer<T>> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return answerOf<T>(await fetch(`${at.broker.base}${path}`, init))
}

async function get<T>(at: TestHospital, path: string, token?: string): Promise<Answer<T>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return answerOf<T>(await fetch(`${at.broker.base}${path}`, { headers }))
}

async function challenge(signer: Hex, at = a): Promise<{ origin: string; nonce: string }> {
  const { body } = await post<{ nonce: string; origin: string }>(at, '/patient/challenge', { signer })
  return { origin: body.origin, nonce: body.nonce }
}

/** Answers a challenge with a key, or with another one in its name. */
async function answer(signer: Hex, privateKey: Hex, asked: { origin: string; nonce: string }, at = a) {
  const signature = await signSignIn(privateKey, world.chain.chainId, asked)
  return post<Session>(at, '/patient/session', { signer, nonce: asked.nonce, signature })
}

async function signIn(of: string): Promise<string> {
  const { signer, privateKey } = keyOf(of)
  return (await answer(signer, privateKey, await challenge(signer))).body.session ?? ''
}

test('A challenge serves once, also when it was answered wrongly', async () => {
  const { signer, privateKey } = keyOf(words)
  const asked = await challenge(signer)
  expect((await answer(signer, privateKey, asked)).status).toBe(200)
  expect((await answer(signer, privateKey, asked)).code).toBe('signer-unknown')
  const spoiled = await challenge(signer)
  expect((await answer(signer, keyOf(brams).privateKey, spoiled)).code).toBe('signer-unknown')
  expect((await answer(signer, privateKey, spoiled)).code).toBe('signer-unknown')
})

test('A challenge is for one key, one hospital, and one minute', async () => {
  const { signer, privateKey } = keyOf(words)
  const forBram = await challenge(keyOf(brams).signer)
  expect((await answer(signer, privateKey, forBram)).code).toBe('signer-unknown')

  // B hands on A's challenge as its own, and what was signed for B serves nowhere else.
  const asked = await challenge(signer)
  expect((await answer(signer, privateKey, { ...asked, origin: b.broker.base })).code).toBe('signer-unknown')
  const atB = await challenge(signer, b)
  expect((await answer(signer, privateKey, atB, b)).code).toBe('signer-unknown')
  expect((await answer(signer, privateKey, { ...atB, origin: a.broker.base })).code).toBe('signer-unknown')

  const late = await challenge(signer)
  a.clock.advance(61_000)
  expect((await answer(signer, privateKey, late)).code).toBe('signer-unknown')
})

test('A key that is bound to nobody, a wrong signature and an unknown challenge are refused alike', async () => {
  const stranger = Wallet.createRandom()
  const strange = stranger.address.toLowerCase() as Hex
  const { signer } = keyOf(words)
  const [toStranger, toAnna] = [
    await post<{ nonce: string }>(a, '/patient/challenge', { signer: strange }),
    await post<{ nonce: string }>(a, '/patient/challenge', { signer }),
  ]
  expect([toStranger.status, Object.keys(toStranger.body), toStranger.body.nonce.length]).toEqual([
    toAnna.status,
    Object.keys(toAnna.body),
    toAnna.body.nonce.length,
  ])
  const refusals = [
    await answer(strange, stranger.privateKey as Hex, await challenge(strange)),
    await answer(signer, stranger.privateKey as Hex, await challenge(signer)),
    await answer(signer, keyOf(words).privateKey, { origin: a.broker.base, nonce: 'never-issued' }),
    await post(a, '/patient/session', { signer, nonce: 1, signature: null }),
  ]
  const told = refusals.map(({ status, code, body }) => {
    const [issue] = (body as { issue?: { diagnostics?: string }[] }).issue ?? []
    return JSON.stringify([status, code, { ...issue, diagnostics: '' }])
  })
  expect(new Set(told).size).toBe(1)
  expect(refusals[0]?.code).toBe('signer-unknown')
})

test('A session reads its own handle and nothing of another’s, whatever it asks for', async () => {
  const { handle } = await anna.signIn()
  const session = await signIn(brams)
  for (const query of ['', `?handle=${handle}`, '?patient=anna', '?_count=500&patient=Patient/anna']) {
    const consents = await get<{ handle: Hex; consents: unknown[] }>(a, `/patient/consents${query}`, session)
    expect([consents.body.handle, consents.body.consents]).toEqual([(await bram.signIn()).handle, []])
    const history = await get<{ history: { patient?: { reference?: string } }[] }>(
      a,
      `/patient/history${query}`,
      session,
    )
    // It is asked for by nobody's handle or number: the session says whose it is.
    if (query !== '') {
      expect([query, history.status, history.code]).toEqual([query, 400, 'unsupported-parameter'])
      continue
    }
    expect(new Set(history.body.history.map(({ patient }) => patient?.reference))).toEqual(
      new Set(['Patient/bram']),
    )
  }
  const text = JSON.stringify(await get(a, '/patient/history', session))
  expect(text).not.toContain('anna')
})

test('Nobody reads without a session, with another hospital’s, or with a token that is for something else', async () => {
  const session = await signIn(words)
  const tokens = [undefined, 'made-up', await a.his.token('TREAT'), session.slice(0, -1)]
  for (const path of ['/patient/consents', '/patient/history']) {
    for (const token of tokens) {
      const { status, code } = await get(a, path, token)
      expect([status, code]).toEqual([401, token === undefined ? 'token-missing' : 'session-expired'])
    }
    expect((await get(b, path, session)).code).toBe('session-expired')
    expect((await get(a, path, session)).status).toBe(200)
  }
  // Nor is a session a program's token.
  for (const path of ['/fhir/AuditEvent', '/fhir/DocumentReference?patient.identifier=x%7Cy']) {
    expect((await get(a, path, session)).code).toBe('token-invalid')
  }
})

test('A session ends after fifteen minutes, and a restart of the broker ends none', async () => {
  const session = await signIn(words)
  a.clock.advance(14 * 60_000)
  await a.restart()
  expect((await get(a, '/patient/consents', session)).status).toBe(200)
  a.clock.advance(61_000)
  const { status, code } = await get(a, '/patient/consents', session)
  expect([status, code]).toEqual([401, 'session-expired'])
})

test('Sessions and challenges lie in the database under hashes only', async () => {
  const session = await signIn(words)
  const { nonce } = await challenge(keyOf(words).signer)
  const db = insideOf(a).db()
  const rows = [
    ...(await db.selectFrom('sessions').selectAll().execute()),
    ...(await db.selectFrom('challenges').selectAll().execute()),
  ]
  expect(rows.length).toBeGreaterThan(1)
  for (const secret of [session, nonce]) expect(JSON.stringify(rows)).not.toContain(secret)
})
