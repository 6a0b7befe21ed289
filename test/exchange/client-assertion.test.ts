import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAsker } from '../../src/exchange/b2b.ts'
import { makeClientAssertion, verifyClientAssertion } from '../../src/exchange/client-assertion.ts'
import {
  ASKER,
  createSigner,
  jwksOf,
  NOW,
  openReplay,
  refusal,
  SECONDS,
  type Signer,
  signJwt,
  tampered,
  unsigned,
} from './exchange-world.ts'

const AUDIENCE = 'http://127.0.0.1:1/exchange/token'
const CLIENT = '0xmember'

let replay: Awaited<ReturnType<typeof openReplay>>
let signer: Signer
let stranger: Signer
beforeAll(async () => {
  replay = await openReplay()
  signer = await createSigner('k1')
  stranger = await createSigner('k1')
})
afterAll(() => replay.close())

const make = (more: Partial<Parameters<typeof makeClientAssertion>[0]> = {}) =>
  makeClientAssertion({
    ...signer,
    alg: 'ES256',
    clientId: CLIENT,
    audience: AUDIENCE,
    asker: ASKER,
    nowMs: NOW,
    ...more,
  })

const verify = (assertion: string, nowMs = NOW, signers: Signer[] = [signer]) =>
  verifyClientAssertion({
    assertion,
    audience: AUDIENCE,
    keysOf: async (id) => (id === CLIENT ? jwksOf(...signers) : undefined),
    remember: replay.remember,
    nowMs,
  })
const code = (assertion: string, nowMs?: number) => refusal(() => verify(assertion, nowMs))

let ids = 0
const claims = (changes: Record<string, unknown> = {}) => {
  const all = {
    iss: CLIENT,
    sub: CLIENT,
    aud: AUDIENCE,
    iat: SECONDS,
    exp: SECONDS + 60,
    jti: `id ${++ids}`,
    ...changes,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

describe('a client assertion', () => {
  test('by a registered key for this endpoint is taken, with who asks in it', async () => {
    const { clientId, claims: read } = await verify(await make())
    expect(clientId).toBe(CLIENT)
    expect(readAsker(read)).toEqual(ASKER)
  })

  test('is taken once, ever: a replay is refused, at the same moment and to the end of its life', async () => {
    const assertion = await make()
    const answers = await Promise.all([1, 2, 3].map(() => code(assertion)))
    expect(answers.sort()).toEqual(['accepted', 'assertion-replayed', 'assertion-replayed'])
    expect(await code(assertion, NOW + 59_000)).toBe('assertion-replayed')
    expect(await code(assertion, NOW + 61_000)).toBe('assertion-invalid')
  })

  test('is remembered beyond the last moment at which it would be taken', async () => {
    await replay.forget()
    await verify(await signJwt(signer, claims({ exp: SECONDS + 300 })))
    const [kept] = await replay.kept()
    expect(Date.parse(kept?.expires_at ?? '')).toBeGreaterThan(NOW + 300_000)
  })

  test('may be made by one client with the id that another used', async () => {
    const other = { ...claims({ jti: 'same' }), iss: 'other', sub: 'other' }
    await verify(await signJwt(signer, claims({ jti: 'same' })))
    const args = {
      audience: AUDIENCE,
      keysOf: async () => jwksOf(signer),
      remember: replay.remember,
      nowMs: NOW,
    }
    const read = await verifyClientAssertion({ ...args, assertion: await signJwt(signer, other) })
    expect(read.clientId).toBe('other')
  })

  test('needs no iat, as SMART asks for none', async () => {
    expect(await code(await signJwt(signer, claims({ iat: undefined })))).toBe('accepted')
    expect(await code(await signJwt(signer, claims({ iat: undefined, exp: SECONDS + 301 })))).toBe(
      'assertion-invalid',
    )
  })

  test('names the endpoint that it is for', async () => {
    expect(await code(await make({ audience: 'http://127.0.0.1:2/exchange/token' }))).toBe(
      'assertion-invalid',
    )
    expect(await code(await signJwt(signer, claims({ aud: undefined })))).toBe('assertion-invalid')
    expect(await code(await signJwt(signer, claims({ aud: [] })))).toBe('assertion-invalid')
  })

  test('lives at most five minutes', async () => {
    expect(await code(await signJwt(signer, claims({ exp: SECONDS + 300 })))).toBe('accepted')
    expect(await code(await signJwt(signer, claims({ exp: SECONDS + 301 })))).toBe('assertion-invalid')
    // Not by being dated ahead, either.
    expect(await code(await signJwt(signer, claims({ iat: SECONDS + 900, exp: SECONDS + 1_000 })))).toBe(
      'assertion-invalid',
    )
    expect(await code(await signJwt(signer, claims({ exp: undefined })))).toBe('assertion-invalid')
    expect(await code(await signJwt(signer, claims({ exp: SECONDS })))).toBe('assertion-invalid')
    expect(await code(await signJwt(signer, claims({ nbf: SECONDS + 30 })))).toBe('assertion-invalid')
  })

  test('has an id of a bounded length', async () => {
    for (const jti of [undefined, '', 'x'.repeat(129)])
      expect(await code(await signJwt(signer, claims({ jti })))).toBe('assertion-invalid')
    for (const jti of [5, {}, ['a']])
      expect(await code(await signJwt(signer, claims({ jti })))).toBe('assertion-invalid')
  })

  test('is by and about the client: iss and sub are one', async () => {
    expect(await code(await signJwt(signer, claims({ sub: 'other' })))).toBe('assertion-invalid')
    expect(await code(await signJwt(signer, claims({ iss: 'other' })))).toBe('assertion-invalid')
    expect(await code(await signJwt(signer, claims({ iss: undefined, sub: undefined })))).toBe(
      'assertion-invalid',
    )
  })

  test('of an unknown client is refused like any other bad one', async () => {
    expect(await code(await signJwt(signer, claims({ iss: 'other', sub: 'other' })))).toBe(
      'assertion-invalid',
    )
  })

  test('is signed by one of the client’s keys', async () => {
    expect(await code(await make({ key: stranger.key }))).toBe('assertion-invalid')
    expect(await code(await make({ kid: 'k2' }))).toBe('assertion-invalid')
    const second = await createSigner('k2')
    await verify(await make({ ...second }), NOW, [signer, second])
  })

  test('is not taken without a signature, nor under a symmetric key', async () => {
    expect(await code(unsigned(claims()))).toBe('assertion-invalid')
    const secret = {
      ...signer,
      key: new TextEncoder().encode(JSON.stringify(signer.jwk)) as unknown as CryptoKey,
    }
    expect(await code(await signJwt(secret, claims(), { alg: 'HS256' }))).toBe('assertion-invalid')
  })

  test.each(['ES384', 'RS384'])('may be signed with %s, as SMART lists it', async (alg) => {
    const other = await createSigner('k3', alg)
    expect(await refusal(async () => verify(await make({ ...other, alg }), NOW, [other]))).toBe('accepted')
  })

  test('that was changed anywhere, or is none at all, is refused', async () => {
    const assertion = await make()
    for (const part of [0, 1, 2]) expect(await code(tampered(assertion, part))).toBe('assertion-invalid')
    for (const text of ['', 'x', 'a.b.c', 'a.b', `${assertion}.x`, '{}'])
      expect(await code(text)).toBe('assertion-invalid')
  })
})
