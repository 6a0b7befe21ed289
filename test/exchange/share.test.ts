import { randomBytes } from 'node:crypto'
import { CompactEncrypt, CompactSign, compactDecrypt, importJWK, type JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Hex } from '../../src/domain/hex.ts'
import { openShare, type Share, sealShare } from '../../src/exchange/share.ts'
import { createKeyring, type Keyring, publicJwks } from '../../src/store/keyring.ts'
import { refusal } from './exchange-world.ts'

const member = (byte: string): `0x${string}` => `0x${byte.repeat(32)}`
const [A, B, C] = [member('0a'), member('0b'), member('0c')]

const SHARE: Share = {
  reference: 'r1',
  sequence: 3,
  custodian: A,
  grantee: B,
  ended: false,
  identifiers: [{ system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: '999900018' }],
  scope: { granteeType: 'Organization', grantee: 'urn:o|b', purpose: 'TREAT' },
  terms: { dataClasses: ['problems'], sensitivities: [] },
  fromDay: 20_000,
  untilDay: 20_100,
  listing: 'chain' as const,
  compartments: [{ name: 'problems', keyNumber: 1, key: randomBytes(32).toString('base64url') }],
}

const keyrings = new Map<Hex, Keyring>()
beforeAll(async () => {
  for (const id of [A, B, C]) keyrings.set(id, await createKeyring())
})
const ring = (id: Hex): Keyring => {
  const keyring = keyrings.get(id)
  if (!keyring) throw new Error('no such member')
  return keyring
}
const signingOf = async (id: Hex) => ({
  key: (await importJWK(ring(id).signing, 'ES256')) as CryptoKey,
  kid: ring(id).signing.kid ?? '',
})
const sealingOf = (id: Hex): JWK => {
  const found = publicJwks(ring(id)).keys.find((key) => key.use === 'enc')
  if (!found) throw new Error('no sealing key')
  return found
}
const keysOf = async (id: Hex) => (keyrings.has(id) ? publicJwks(ring(id)) : undefined)

const seal = async (share: unknown, by = A, to = B) =>
  sealShare(share as Share, await signingOf(by), sealingOf(to))
const open = async (jwe: string, as = B) => {
  const key = (await importJWK(ring(as).sealing, 'ECDH-ES+A256KW')) as CryptoKey
  return openShare(jwe, { member: as, key }, keysOf)
}
const code = (jwe: string, as?: Hex) => refusal(() => open(jwe, as))
const encrypt = async (text: string) =>
  new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' })
    .encrypt(await importJWK(sealingOf(B), 'ECDH-ES+A256KW'))

describe('a share', () => {
  test('is opened by whom it is for, as its custodian sealed it', async () => {
    expect(await open(await seal(SHARE))).toEqual(SHARE)
  })

  test('is read by nobody else: neither another member nor who passes it on', async () => {
    const jwe = await seal(SHARE)
    expect(await code(jwe, C)).toBe('share-invalid')
    for (const secret of [SHARE.compartments[0]?.key ?? '', '999900018']) {
      expect(jwe).not.toContain(secret)
      expect(Buffer.from(jwe, 'base64url').toString('latin1')).not.toContain(secret)
    }
  })

  test('for another member is refused, though it was sealed to us', async () => {
    expect(await code(await seal({ ...SHARE, grantee: C }))).toBe('share-invalid')
  })

  test('in the name of a custodian that did not sign it is refused', async () => {
    const { kid } = await signingOf(A)
    const forged = await sealShare(SHARE, { ...(await signingOf(C)), kid }, sealingOf(B))
    expect(await code(forged)).toBe('share-invalid')
  })

  test('under a key that its custodian does not publish, or not yet, is not taken, and may come again', async () => {
    expect(await code(await seal(SHARE, C))).toBe('not-ready')
  })

  test('of a custodian of which nothing is known yet is to be sent again', async () => {
    expect(await code(await seal({ ...SHARE, custodian: member('0d') }))).toBe('not-ready')
  })

  test('cut short or changed anywhere is refused', async () => {
    const jwe = await seal(SHARE)
    for (const length of [0, 10, jwe.length / 2, jwe.length - 1]) {
      expect(await code(jwe.slice(0, length)), `${length}`).toBe('share-invalid')
    }
    const parts = jwe.split('.')
    for (const i of parts.keys()) {
      const changed = parts.map((p, at) =>
        at === i ? `${p.slice(0, 3)}${p[3] === 'A' ? 'B' : 'A'}${p.slice(4)}` : p,
      )
      expect(await code(changed.join('.')), `part ${i}`).toBe('share-invalid')
    }
  })

  test('that is not signed, or is another thing that the custodian signed, is refused', async () => {
    const { key, kid } = await signingOf(A)
    const sign = (typ: string) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(SHARE)))
        .setProtectedHeader({ alg: 'ES256', kid, typ })
        .sign(key)
    expect(await code(await encrypt(await sign('wayleave-share+jws')))).toBe('accepted')
    expect(await code(await encrypt(await sign('wayleave-record+jws')))).toBe('share-invalid')
    expect(await code(await encrypt(JSON.stringify(SHARE)))).toBe('share-invalid')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(SHARE)).toString('base64url')}.`
    expect(await code(await encrypt(none))).toBe('share-invalid')
  })

  test.each<[string, unknown]>([
    ['no object', 7],
    ['null', null],
    ['a negative sequence', { ...SHARE, sequence: -1 }],
    ['a sequence that is no number', { ...SHARE, sequence: '4' }],
    ['no period', { ...SHARE, untilDay: undefined }],
    ['no way to find what there is', { ...SHARE, listing: 'elsewhere' }],
    ['identifiers without a value', { ...SHARE, identifiers: [{ system: 'x' }] }],
    ['identifiers that are no list', { ...SHARE, identifiers: null }],
    [
      'a key of another length',
      { ...SHARE, compartments: [{ name: 'problems', keyNumber: 1, key: 'AAAA' }] },
    ],
    ['no scope', { ...SHARE, scope: undefined }],
    ['terms that are no lists', { ...SHARE, terms: { dataClasses: 'problems', sensitivities: [] } }],
  ])('with %s is refused, although it is signed', async (_what, share) => {
    expect(await code(await seal(share))).toBe('share-invalid')
  })

  test('carries neither handle, nor salt, nor hash: only what is listed here', async () => {
    const { plaintext } = await compactDecrypt(
      await seal(SHARE),
      await importJWK(ring(B).sealing, 'ECDH-ES+A256KW'),
    )
    const payload = Buffer.from(
      new TextDecoder().decode(plaintext).split('.')[1] ?? '',
      'base64url',
    ).toString()
    const names: string[] = []
    JSON.parse(payload, (name, value: unknown) => {
      names.push(name)
      return value
    })
    expect(new Set(names.filter((name) => !/^\d*$/.test(name)))).toEqual(
      new Set([
        ...Object.keys(SHARE),
        ...[
          'system',
          'value',
          'granteeType',
          'purpose',
          'dataClasses',
          'sensitivities',
          'name',
          'keyNumber',
          'key',
        ],
      ]),
    )
    expect(payload).not.toMatch(/handle|salt|secret/i)
  })
})
