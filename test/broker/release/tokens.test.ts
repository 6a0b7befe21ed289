import { generateProof, type KeyPair } from 'dpop'
import { decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { b2bExtension } from '../../../src/exchange/b2b.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let asker: Awaited<ReturnType<typeof createAsker>>
let tag: Hex
let other: Hex
let bram: PatientClient

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c3', 'bram', 'Asthma', '195967001'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  bram = await world.enrol(a, BRAM)
  await bram.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 2)
  await eventually(async () => (await b.his.list(BRAM, 'TREAT')).body.total === 1)
  asker = await createAsker(b, a)
  tag = await insideOf(a).tagOf('Condition', 'c1')
  other = await insideOf(a).tagOf('Condition', 'c2')
}, 60_000)

afterAll(() => world?.close())

async function token(): Promise<string> {
  const { body, status } = await asker.token(tag)
  expect(status).toBe(200)
  return body.access_token ?? ''
}

test('asked by hand with all its keys in order, the exchange hands the record out', async () => {
  const answer = await asker.fetch(tag)
  expect(answer.status).toBe(200)
  expect((answer.body as { id: string }).id).toBe('c1')
})

describe('a token', () => {
  test('is of no use to another key than the one it was issued to', async () => {
    const stolen = await token()
    const thief = (await generateKeyPair('ES256', { extractable: true })) as KeyPair
    const { answer } = await refusedAt(a, 'token-mismatch', async () =>
      asker.record(tag, stolen, { dpop: await asker.proof('GET', asker.recordUrl(tag), stolen, thief) }),
    )
    expect(answer).toMatchObject({ status: 401, code: 'token-wrong-key' })
  })

  test('for one record opens no other', async () => {
    const one = await token()
    const { answer } = await refusedAt(a, 'token-mismatch', () => asker.record(other, one))
    expect(answer).toMatchObject({ status: 403, code: 'scope-insufficient' })
  })

  test('for a share opens each record behind it, and none of another patient’s, who looks like nobody', async () => {
    const share = await insideOf(a).referenceFor(b.member, 'anna')
    const ours = await asker.token(tag, { body: { scope: `share:${share}` } })
    const token = ours.body.access_token ?? ''
    for (const [of, id] of [
      [tag, 'c1'],
      [other, 'c2'],
    ] as const)
      expect((await asker.record(of, token)).body).toMatchObject({ resourceType: 'Condition', id })
    const brams = await insideOf(a).tagOf('Condition', 'c3')
    const { answer: known } = await refusedAt(a, 'token-mismatch', () => asker.record(brams, token))
    const { answer: unknown } = await refusedAt(a, 'record-unknown', () =>
      asker.record(`0x${'12'.repeat(32)}`, token),
    )
    expect(known.status).toBe(404)
    const without = ({ status, code, body }: typeof known) => [
      status,
      code,
      JSON.stringify(body).replace(/"diagnostics":"[^"]*"/, ''),
    ]
    expect(without(known)).toEqual(without(unknown))
  })

  test('for a share ends with the consent: it is asked about at each record', async () => {
    const share = await insideOf(a).referenceFor(b.member, 'bram')
    const { body } = await asker.token(tag, { body: { scope: `share:${share}` } })
    const brams = await insideOf(a).tagOf('Condition', 'c3')
    expect((await asker.record(brams, body.access_token ?? '')).status).toBe(200)
    await bram.revoke({
      to: { granteeType: 'Organization', grantee: identifierText(b.config.identifier) },
      purpose: 'TREAT',
    })
    const { answer } = await refusedAt(a, ['revoked', 'revocation-pending'], () =>
      asker.record(brams, body.access_token ?? ''),
    )
    expect(answer.status).toBe(404)
  })

  test('for a share that was sent to another member is not given', async () => {
    const scope = 'share:AAAAAAAAAAAAAAAAAAAAAA'
    const { answer } = await refusedAt(a, 'no-consent', () => asker.token(tag, { body: { scope } }))
    expect(answer.status).toBe(404)
  })

  test('lives a minute and no longer', async () => {
    const { body } = await asker.token(tag)
    expect(body.expires_in).toBeLessThanOrEqual(60)
    const { exp = 0, iat = 0 } = decodeJwt(body.access_token ?? '')
    expect(exp - iat).toBeLessThanOrEqual(60)
    a.clock.advance(61_000)
    try {
      const { answer } = await refusedAt(a, undefined, () => asker.record(tag, body.access_token ?? ''))
      expect(answer).toMatchObject({ status: 401, code: 'token-expired' })
    } finally {
      a.clock.advance(-61_000)
    }
  })

  test('is not taken without its proof, nor as a bearer token', async () => {
    const one = await token()
    const { answer } = await refusedAt(a, undefined, async () => [
      await asker.record(tag, one, { dpop: '' }),
      await asker.record(tag, one, { scheme: 'Bearer' }),
      await asker.record(tag, ''),
    ])
    expect(answer.map(({ code }) => code)).toEqual(['dpop-invalid', 'token-missing', 'token-missing'])
  })

  test('of a HIS is worth nothing at the exchange, and one of the exchange nothing at the HIS interface', async () => {
    const his = await a.his.token('TREAT')
    const { answer } = await refusedAt(a, undefined, () => asker.record(tag, his))
    expect(answer).toMatchObject({ status: 401, code: 'token-invalid' })
    const asHis = await fetch(`${a.broker.base}/fhir/Binary/x`, {
      headers: { authorization: `Bearer ${await token()}` },
    })
    expect(asHis.status).toBe(401)
  })

  test('with its signature left out, or signed by another, is none', async () => {
    const claims = decodeJwt(await token())
    const unsigned = new UnsecuredJWT(claims).encode()
    const forger = await generateKeyPair('ES256')
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .sign(forger.privateKey)
    const { answer } = await refusedAt(a, undefined, async () => [
      await asker.record(tag, unsigned),
      await asker.record(tag, forged),
    ])
    expect(answer.map(({ code }) => code)).toEqual(['token-invalid', 'token-invalid'])
  })
})

describe('a client assertion', () => {
  test('serves once', async () => {
    const assertion = await asker.assertion()
    expect((await asker.token(tag, { assertion })).status).toBe(200)
    const { answer, gained } = await refusedAt(a, 'replayed', () => asker.token(tag, { assertion }))
    expect(answer).toMatchObject({ status: 401, code: 'assertion-replayed' })
    expect(gained.find(({ reason }) => reason === 'replayed')?.requester?.id).toBe(b.member)
  })

  test('is refused unsigned, for another audience, by another key, in another name, expired, or too long-lived', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const claims = {
      iss: b.member,
      sub: b.member,
      aud: asker.tokenUrl,
      jti: 'x',
      exp: Math.floor(b.clock.now() / 1000) + 60,
    }
    const signing = (await importJWK(b.files.keyring.signing, 'ES256')) as CryptoKey
    const long = await new SignJWT({
      ...claims,
      exp: claims.exp + 3_600,
      extensions: b2bExtension(asker.who),
    })
      .setProtectedHeader({ alg: 'ES256', kid: b.files.keyring.signing.kid ?? '' })
      .setIssuedAt()
      .sign(signing)
    const wrong = [
      new UnsecuredJWT({ ...claims, extensions: b2bExtension(asker.who) }).encode(),
      await asker.assertion({ audience: `${a.broker.base}/auth/token` }),
      await asker.assertion({ audience: `${b.broker.base}/exchange/token` }),
      await asker.assertion({ key: privateKey }),
      await asker.assertion({ clientId: a.member }),
      await asker.assertion({ clientId: '0x00' }),
      await asker.assertion({ nowMs: b.clock.now() - 120_000 }),
      long,
      'no.jwt.at-all',
      '',
    ]
    const { answer } = await refusedAt(a, undefined, () =>
      Promise.all(wrong.map((assertion) => asker.token(tag, { assertion }))),
    )
    expect(answer.map(({ status, code }) => ({ status, code }))).toEqual(
      wrong.map(() => ({ status: 401, code: 'assertion-invalid' })),
    )
  })

  test('signed with the public key as a shared secret is refused', async () => {
    const { d: _private, ...published } = b.files.keyring.signing
    const hs = await new SignJWT({ extensions: b2bExtension(asker.who) })
      .setProtectedHeader({ alg: 'HS256', kid: b.files.keyring.signing.kid ?? '' })
      .setIssuer(b.member)
      .setSubject(b.member)
      .setAudience(asker.tokenUrl)
      .setJti('hs')
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(JSON.stringify(published)))
    const { answer } = await refusedAt(a, undefined, () => asker.token(tag, { assertion: hs }))
    expect(answer).toMatchObject({ status: 401, code: 'assertion-invalid' })
  })
})

describe('a proof of possession', () => {
  test('serves once, for the token and for the record', async () => {
    const dpop = await asker.proof('POST', asker.tokenUrl)
    expect((await asker.token(tag, { dpop })).status).toBe(200)
    const again = await refusedAt(a, 'replayed', () => asker.token(tag, { dpop }))
    expect(again.answer).toMatchObject({ status: 400, code: 'dpop-replayed' })

    const one = await token()
    const forRecord = await asker.proof('GET', asker.recordUrl(tag), one)
    expect((await asker.record(tag, one, { dpop: forRecord })).status).toBe(200)
    const { answer } = await refusedAt(a, 'replayed', () => asker.record(tag, one, { dpop: forRecord }))
    expect(answer).toMatchObject({ status: 401, code: 'dpop-replayed' })
  })

  test('and an assertion that were used stay used when the broker starts anew', async () => {
    const [dpop, assertion] = [await asker.proof('POST', asker.tokenUrl), await asker.assertion()]
    expect((await asker.token(tag, { dpop, assertion })).status).toBe(200)
    await a.restart()
    await eventually(async () => (await fetch(`${a.broker.base}/ready`)).ok)
    const { answer } = await refusedAt(a, 'replayed', async () => [
      await asker.token(tag, { assertion }),
      await asker.token(tag, { dpop }),
    ])
    expect(answer.map(({ code }) => code)).toEqual(['assertion-replayed', 'dpop-replayed'])
  })

  test('is refused for another method, another address, another token, another time, or unsigned', async () => {
    const one = await token()
    const url = asker.recordUrl(tag)
    const old = await new SignJWT({
      jti: 'old',
      htm: 'GET',
      htu: url,
      iat: Math.floor(a.clock.now() / 1000) - 120,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(asker.own.publicKey) })
      .sign(asker.own.privateKey)
    const good = decodeJwt(await asker.proof('GET', url, one))
    const wrong = [
      await asker.proof('POST', url, one),
      await asker.proof('GET', asker.recordUrl(other), one),
      await asker.proof('GET', url, `${one}x`),
      await generateProof(asker.own, url, 'GET'),
      old,
      new UnsecuredJWT(good).encode(),
      'x'.repeat(5_000),
    ]
    const { answer } = await refusedAt(a, undefined, () =>
      Promise.all(wrong.map((dpop) => asker.record(tag, one, { dpop }))),
    )
    expect(answer.map(({ status, code }) => ({ status, code }))).toEqual(
      wrong.map(() => ({ status: 401, code: 'dpop-invalid' })),
    )
  })
})

test('a token is asked for one record, with a user, a role, an organisation and one known purpose, or not at all', async () => {
  const asking = async (asked: Record<string, unknown>) => {
    const signing = (await importJWK(b.files.keyring.signing, 'ES256')) as CryptoKey
    const jwt = new SignJWT({
      extensions: { 'hl7-b2b': { ...b2bExtension(asker.who)['hl7-b2b'], ...asked } },
    })
    const assertion = await jwt
      .setProtectedHeader({ alg: 'ES256', kid: b.files.keyring.signing.kid ?? '' })
      .setIssuer(b.member)
      .setSubject(b.member)
      .setAudience(asker.tokenUrl)
      .setJti(crypto.randomUUID())
      .setExpirationTime('1m')
      .sign(signing)
    return (await asker.token(tag, { assertion })).code
  }
  const { answer } = await refusedAt(a, undefined, async () => [
    await asking({ subject_id: undefined }),
    await asking({ subject_role: '' }),
    await asking({ organization_id: undefined }),
    await asking({ purpose_of_use: [] }),
    await asking({ purpose_of_use: ['TREAT', 'HRESCH'] }),
    await asking({ purpose_of_use: ['CURIOSITY'] }),
    (await asker.token(tag, { body: { scope: 'record:*' } })).code,
    (await asker.token(tag, { body: { scope: `record:${tag} record:${other}` } })).code,
    (await asker.token(tag, { body: { grant_type: 'password' } })).code,
  ])
  expect(answer).toEqual([
    'user-missing',
    'user-missing',
    'user-missing',
    'purpose-missing',
    'purpose-missing',
    'purpose-unknown',
    'request-invalid',
    'request-invalid',
    'grant-type-unsupported',
  ])
})
