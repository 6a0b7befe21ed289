import { beforeAll, describe, expect, test } from 'vitest'
import {
  type RecordStatement,
  type ResponseStatement,
  signRecord,
  signResponse,
  verifyRecord,
  verifyResponse,
} from '../../src/exchange/record-signature.ts'
import { createSigner, jwksOf, refusal, type Signer, tampered } from './exchange-world.ts'

const bytes32 = (byte: string): `0x${string}` => `0x${byte.repeat(32)}`
const RECORD: RecordStatement = {
  chainId: 78_230,
  directory: `0x${'0d'.repeat(20)}`,
  custodian: bytes32('0a'),
  commitment: bytes32('01'),
}
const RESPONSE: ResponseStatement = {
  fetch: 'jti-1',
  tag: bytes32('02'),
  commitment: bytes32('01'),
  bytes: bytes32('03'),
  at: 1_781_524_800,
}

let signer: Signer
let stranger: Signer
beforeAll(async () => {
  signer = await createSigner('k1')
  stranger = await createSigner('k1')
})

describe('the signature that travels with a record', () => {
  test('is detached: it holds nothing of what it is over', async () => {
    const jws = await signRecord(signer.key, 'k1', RECORD)
    expect(jws).toMatch(/^[\w-]+\.\.[\w-]+$/)
    await verifyRecord(jwksOf(signer), jws, RECORD)
  })

  test('is over chain, directory, custodian and commitment', async () => {
    const jws = await signRecord(signer.key, 'k1', RECORD)
    const others: RecordStatement[] = [
      { ...RECORD, chainId: 1 },
      { ...RECORD, directory: `0x${'0e'.repeat(20)}` as const },
      { ...RECORD, custodian: bytes32('0b') },
      { ...RECORD, commitment: bytes32('04') },
    ]
    for (const other of others) {
      expect(await refusal(() => verifyRecord(jwksOf(signer), jws, other))).toBe('signature-invalid')
    }
  })
})

describe('the signature over an answer', () => {
  test('is that of the custodian over this answer', async () => {
    const jws = await signResponse(signer.key, 'k1', RESPONSE)
    expect(await refusal(() => verifyResponse(jwksOf(signer), jws, RESPONSE))).toBe('accepted')
  })

  test.each<[string, ResponseStatement]>([
    ['another fetch: an answer replayed', { ...RESPONSE, fetch: 'jti-2' }],
    ['another entry', { ...RESPONSE, tag: bytes32('05') }],
    ['another commitment', { ...RESPONSE, commitment: bytes32('05') }],
    ['other bytes', { ...RESPONSE, bytes: bytes32('05') }],
    ['another time', { ...RESPONSE, at: RESPONSE.at + 1 }],
    ['no time at all', { ...RESPONSE, at: Number.NaN }],
  ])('is none over %s', async (_what, other) => {
    const jws = await signResponse(signer.key, 'k1', RESPONSE)
    expect(await refusal(() => verifyResponse(jwksOf(signer), jws, other))).toBe('signature-invalid')
  })

  test('is none of a record, nor one of a record of an answer', async () => {
    const mixed = { ...RECORD, ...RESPONSE }
    const record = await signRecord(signer.key, 'k1', mixed)
    const response = await signResponse(signer.key, 'k1', mixed)
    expect(await refusal(() => verifyResponse(jwksOf(signer), record, mixed))).toBe('signature-invalid')
    expect(await refusal(() => verifyRecord(jwksOf(signer), response, mixed))).toBe('signature-invalid')
  })

  test('by another key, under an unknown key id, changed, or in another form is refused', async () => {
    const jws = await signResponse(signer.key, 'k1', RESPONSE)
    const code = (text: string, keys = jwksOf(signer)) => refusal(() => verifyResponse(keys, text, RESPONSE))
    expect(await code(jws, jwksOf(stranger))).toBe('signature-invalid')
    expect(await code(jws, { keys: [] })).toBe('signature-invalid')
    expect(await code(await signResponse(signer.key, 'k2', RESPONSE))).toBe('signature-invalid')
    expect(await code(tampered(jws, 0))).toBe('signature-invalid')
    expect(await code(tampered(jws, 2))).toBe('signature-invalid')
    const [header, , signature] = jws.split('.')
    const none = Buffer.from('{"alg":"none","typ":"wayleave-response+jws"}').toString('base64url')
    for (const text of [
      '',
      'x',
      '..',
      `${header}..`,
      `${none}..`,
      `${jws}.x`,
      `${header}.e30.${signature}`,
    ]) {
      expect(await code(text), text).toBe('signature-invalid')
    }
  })
})
