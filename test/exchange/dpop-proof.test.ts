import { exportJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createDpopProver,
  type DpopProver,
  sameText,
  verifyDpopProof,
} from '../../src/exchange/dpop-proof.ts'
import {
  createSigner,
  NOW,
  openReplay,
  refusal,
  SECONDS,
  type Signer,
  signJwt,
  tampered,
} from './exchange-world.ts'

const URL = 'http://127.0.0.1:1/exchange/record/0x01'
const TOKEN = 'an.access.token'

let replay: Awaited<ReturnType<typeof openReplay>>
let signer: Signer
let stranger: Signer
let ath: string
beforeAll(async () => {
  replay = await openReplay()
  signer = await createSigner('k1')
  stranger = await createSigner('k2')
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN))
  ath = Buffer.from(digest).toString('base64url')
})
afterAll(() => replay.close())

const keysOf = ({ key, publicKey }: Signer) => ({ privateKey: key, publicKey })
const make = async (more: Partial<Parameters<DpopProver>[0]> = {}, by = signer) =>
  (await createDpopProver(keysOf(by)))({
    ...{ method: 'GET', url: URL, accessToken: TOKEN, nowMs: NOW },
    ...more,
  })
const verify = (proof: string | undefined, more: Partial<Parameters<typeof verifyDpopProof>[0]> = {}) =>
  verifyDpopProof({
    proof,
    method: 'GET',
    url: URL,
    accessToken: TOKEN,
    remember: replay.remember,
    nowMs: NOW,
    ...more,
  })
const code = (proof: string | undefined, more?: Parameters<typeof verify>[1]) =>
  refusal(() => verify(proof, more))

let ids = 0
async function custom(
  changes: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const { kty, crv, x, y } = signer.jwk
  const all = { htm: 'GET', htu: URL, iat: SECONDS, jti: `id ${++ids}`, ath, ...changes }
  const claims = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const wanted = { typ: 'dpop+jwt', jwk: { kty, crv, x, y }, kid: undefined, ...header }
  const kept = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
  return signJwt({ ...signer, kid: undefined as unknown as string }, claims, kept)
}

describe('a DPoP proof', () => {
  test('for this request, token and moment is taken, and names its key and itself', async () => {
    const { proof, jti } = await make()
    const read = await verify(proof)
    expect(read.jti).toBe(jti)
    expect(read.thumbprint).toBe((await verify((await make()).proof)).thumbprint)
    const other = await verify((await make({}, stranger)).proof)
    expect(other.thumbprint).not.toBe(read.thumbprint)
  })

  test('made by hand, claim by claim, is taken', async () => {
    expect(await code(await custom({}))).toBe('accepted')
  })

  test('is taken once: a replay is refused for as long as it would be taken', async () => {
    const { proof } = await make()
    const answers = await Promise.all([1, 2, 3].map(() => code(proof)))
    expect(answers.sort()).toEqual(['accepted', 'dpop-replayed', 'dpop-replayed'])
    expect(await code(proof, { nowMs: NOW + 59_000 })).toBe('dpop-replayed')
    expect(await code(proof, { nowMs: NOW + 61_000 })).toBe('dpop-invalid')
  })

  test('is remembered beyond the last moment at which it would be taken', async () => {
    await replay.forget()
    await verify(await custom({ iat: SECONDS + 60 }))
    const [kept] = await replay.kept()
    expect(Date.parse(kept?.expires_at ?? '')).toBeGreaterThan(NOW + 120_000 - 1)
  })

  test('is for one method, one address and one token', async () => {
    expect(await code((await make({ method: 'POST' })).proof)).toBe('dpop-invalid')
    expect(await code((await make({ url: `${URL}0` })).proof)).toBe('dpop-invalid')
    expect(await code((await make({ url: URL.replace('http', 'https') })).proof)).toBe('dpop-invalid')
    expect(await code((await make({ accessToken: 'another.access.token' })).proof)).toBe('dpop-invalid')
    expect(await code(await custom({ ath: undefined }))).toBe('dpop-invalid')
    expect(await code(await custom({ ath: 5 }))).toBe('dpop-invalid')
  })

  test('is dated now, give or take a minute', async () => {
    const dated = async (iat: unknown) => code(await custom({ iat }))
    expect(await dated(SECONDS - 60)).toBe('accepted')
    expect(await dated(SECONDS + 60)).toBe('accepted')
    expect(await dated(SECONDS - 61)).toBe('dpop-invalid')
    expect(await dated(SECONDS + 61)).toBe('dpop-invalid')
    expect(await dated(undefined)).toBe('dpop-invalid')
    expect(await dated(String(SECONDS))).toBe('dpop-invalid')
  })

  test('has every claim, of its type', async () => {
    for (const name of ['jti', 'htm', 'htu']) {
      expect(await code(await custom({ [name]: undefined })), name).toBe('dpop-invalid')
      expect(await code(await custom({ [name]: 5 })), name).toBe('dpop-invalid')
    }
    expect(await code(await custom({ jti: 'x'.repeat(129) }))).toBe('dpop-invalid')
  })

  test('says that it is one, carries its public key, and no private one', async () => {
    expect(await code(await custom({}, { typ: 'JWT' }))).toBe('dpop-invalid')
    expect(await code(await custom({}, { typ: undefined }))).toBe('dpop-invalid')
    expect(await code(await custom({}, { jwk: undefined }))).toBe('dpop-invalid')
    expect(await code(await custom({}, { jwk: await exportJWK(signer.key) }))).toBe('dpop-invalid')
    expect(await code(await custom({}, { jwk: { kty: 'oct', k: 'AAAA' } }))).toBe('dpop-invalid')
  })

  test('is signed by the key that it carries', async () => {
    const { kty, crv, x, y } = stranger.jwk
    expect(await code(await custom({}, { jwk: { kty, crv, x, y } }))).toBe('dpop-invalid')
  })

  test('that was changed anywhere, or is none at all, is refused', async () => {
    const { proof } = await make()
    for (const part of [0, 1, 2]) expect(await code(tampered(proof, part))).toBe('dpop-invalid')
    for (const text of [undefined, '', 'x', 'a.b.c', `${proof}.x`, `${proof}, ${proof}`, 'x'.repeat(5_000)]) {
      expect(await code(text)).toBe('dpop-invalid')
    }
  })
})

test('texts are compared whole', () => {
  expect(sameText('abc', 'abc')).toBe(true)
  for (const other of ['abd', 'ab', 'abcd', '']) expect(sameText('abc', other)).toBe(false)
})
