import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  createTokenVerifier,
  type Grant,
  issueToken,
  type TokenKeys,
  type TokenVerifier,
  verifyToken,
} from '../../src/exchange/access-token.ts'
import {
  ASKER,
  createSigner,
  NOW,
  refusal,
  SECONDS,
  type Signer,
  signJwt,
  tampered,
  unsigned,
} from './exchange-world.ts'

const tag: `0x${string}` = `0x${'01'.repeat(32)}`
const requester: `0x${string}` = `0x${'0b'.repeat(32)}`
const RECORD = { kind: 'record', requester, tag, asker: ASKER, thumbprint: 'jkt' } satisfies Grant
const HIS = {
  kind: 'his',
  clientId: 'his-1',
  scopes: ['system/DocumentReference.rs', 'x'],
  asker: ASKER,
} satisfies Grant

let signer: Signer
let keys: TokenKeys
let others: TokenKeys
let remembering: TokenVerifier
beforeAll(async () => {
  const of = ({ key, publicKey, kid }: Signer, issuer: string) => ({
    privateKey: key,
    publicKey,
    kid,
    issuer,
  })
  signer = await createSigner('k1')
  keys = of(signer, '0xcustodian')
  others = of(await createSigner('k1'), '0xcustodian')
  remembering = createTokenVerifier(keys)
})

const issue = async (grant: Grant, from = keys) => (await issueToken(from, grant, NOW)).token
/** What both ways of verifying answer: anew, and remembered, where a second look must say what the first one said. */
async function code(kind: Grant['kind'], token: string | undefined, nowMs = NOW) {
  const anew = await refusal(() => verifyToken(keys, [kind], token, nowMs))
  for (const kinds of [[kind], [kind], ['his', 'record', 'share'] as const])
    if (kinds.length === 1 || anew === 'accepted')
      expect(await refusal(() => remembering(kinds, token, nowMs))).toBe(anew)
  return anew
}

const claims = (changes: Record<string, unknown> = {}) => {
  const all = { ...decoded, ...changes }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
let decoded: Record<string, unknown>
beforeAll(async () => {
  decoded = decodeJwt(await issue(RECORD))
})
const custom = (changes: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  signJwt(signer, claims(changes), { typ: 'at+jwt', ...header })

describe('an access token', () => {
  test('says what it was issued for, and nothing more', async () => {
    expect(await verifyToken(keys, ['record'], await issue(RECORD), NOW)).toEqual(RECORD)
    expect(await verifyToken(keys, ['his'], await issue(HIS), NOW)).toEqual(HIS)
    const { asker: _none, ...bare } = HIS
    expect(await verifyToken(keys, ['his'], await issue(bare), NOW)).toEqual(bare)
    expect(await code('record', await custom({}))).toBe('accepted')
  })

  test('for a record or a share says who asks and under which consent in the words of IHE IUA and PCF as well', async () => {
    const share = 'ABEiM0RVZneImaq7zN3u_w'
    const of = async (grant: Grant) =>
      (decodeJwt(await issue(grant)).extensions ?? {}) as Record<string, Record<string, unknown>>
    const { ihe_iua, ihe_pcf } = await of({ ...RECORD, share })
    expect(ihe_iua).toMatchObject({
      subject_organization_id: ASKER.organization,
      purpose_of_use: [{ code: ASKER.purpose }],
    })
    expect(ihe_pcf).toMatchObject({ doc_id: ['urn:uuid:00112233-4455-6677-8899-aabbccddeeff'] })
    expect((await of(RECORD)).ihe_pcf).toBeUndefined()
    const { tag: _none, kind: _record, ...who } = RECORD
    const behind: Grant = { kind: 'share', reference: share, ...who }
    expect((await of(behind)).ihe_pcf).toEqual(ihe_pcf)
    expect(await verifyToken(keys, ['share'], await issue(behind), NOW)).toEqual(behind)
    expect(await code('record', await issue(behind))).toBe('token-invalid')
    expect(await code('share', await issue(RECORD))).toBe('token-invalid')
  })

  test('for a record lives at most sixty seconds, and then is expired', async () => {
    const { token, expiresIn } = await issueToken(keys, RECORD, NOW)
    expect(expiresIn).toBeLessThanOrEqual(60)
    expect(await code('record', token, NOW + 59_000)).toBe('accepted')
    expect(await code('record', token, NOW + 60_000)).toBe('token-expired')
    expect(await code('record', await custom({ exp: undefined }))).toBe('token-invalid')
  })

  test('is remembered as what it is, and as nothing else', async () => {
    const token = await issue(RECORD)
    expect(await code('record', token)).toBe('accepted')
    expect(await code('share', token)).toBe('token-invalid')
    expect(await code('his', token)).toBe('token-invalid')
    expect(await remembering(['share', 'record'], token, NOW)).toEqual(RECORD)
    expect(await code('record', tampered(token, 2))).toBe('token-invalid')
  })

  test('of a HIS opens no record at the exchange, nor one for a record the API of the HIS', async () => {
    expect(await code('record', await issue(HIS))).toBe('token-invalid')
    expect(await code('his', await issue(RECORD))).toBe('token-invalid')
  })

  test('of another broker, or by another key, is none here', async () => {
    expect(await code('record', await issue(RECORD, others))).toBe('token-invalid')
    const elsewhere = await issueToken({ ...keys, issuer: '0xelsewhere' }, RECORD, NOW)
    expect(await code('record', elsewhere.token)).toBe('token-invalid')
  })

  test('for a record is bound to a key and names who asks', async () => {
    for (const cnf of [undefined, {}, { jkt: '' }]) {
      expect(await code('record', await custom({ cnf })), JSON.stringify(cnf)).toBe('token-invalid')
    }
    expect(await code('record', await custom({ extensions: undefined }))).toBe('token-invalid')
  })

  test('is no other thing that this broker signed: an assertion, a receipt', async () => {
    for (const typ of ['JWT', 'wayleave-receipt+jws', undefined]) {
      expect(await code('record', await custom({}, { typ })), typ).toBe('token-invalid')
    }
  })

  test('has every claim', async () => {
    for (const name of ['iss', 'aud', 'client_id', 'scope']) {
      expect(await code('record', await custom({ [name]: undefined })), name).toBe('token-invalid')
    }
    expect(await code('record', await custom({ nbf: SECONDS + 10 }))).toBe('token-invalid')
  })

  test('is for one record: a scope of another kind is refused', async () => {
    for (const scope of [
      '',
      'record:',
      'record:0x01',
      'system/*.rs',
      `his:${tag}`,
      `record:${tag} record:${tag}`,
    ]) {
      expect(await code('record', await custom({ scope })), scope).toBe('token-invalid')
    }
  })

  test('is not taken unsigned, changed, or not at all', async () => {
    const token = await issue(RECORD)
    expect(await code('record', undefined)).toBe('token-missing')
    expect(await code('record', '')).toBe('token-missing')
    expect(await code('record', unsigned(claims()))).toBe('token-invalid')
    for (const part of [0, 1, 2]) expect(await code('record', tampered(token, part))).toBe('token-invalid')
    for (const text of ['x', 'a.b.c', `${token}.x`]) expect(await code('record', text)).toBe('token-invalid')
  })
})
