import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientsCommand } from '../../../src/cli/clients.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { ASSERTION_TYPE } from '../../../src/exchange/client-assertion.ts'
import { type Answer, answerOf, createHisClient, type HisClient } from '../../../src/sandbox/his-client.ts'
import { writeSandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import { sandboxOf } from '../../cli/terminal.ts'
import { insideOf } from '../../support/inside.ts'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let admin: HisClient
/** Where a vendor publishes its programs' keys. */
let vendor: Server
let origin: string
let published: { keys: JWK[] } = { keys: [] }
let asked = 0
let dir: string

const SCOPE = 'system/DocumentReference.rs system/Binary.r'

beforeAll(async () => {
  vendor = createServer((request, response) => {
    asked += 1
    if (request.url === '/moved') response.writeHead(302, { location: `${origin}/jwks` }).end()
    else if (request.url === '/large') response.end(JSON.stringify({ keys: [], x: 'x'.repeat(200_000) }))
    else response.end(JSON.stringify(published))
  })
  await new Promise<void>((done) => vendor.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
  world = await createWorld({ hospitals: 1, callbackOrigins: [origin] })
  ;[a] = world.hospitals as [TestHospital]
  admin = createHisClient({
    broker: a.broker.base,
    client: a.files.admin,
    organization: a.config.identifier,
    user: { id: 'op-1', name: 'Operator One', role: 'operator' },
    now: () => a.clock.now(),
  })
  dir = mkdtempSync(join(tmpdir(), 'wayleave-clients-'))
  writeSandboxFile(join(dir, 'sandbox.json'), sandboxOf(world))
}, 60_000)

afterAll(async () => {
  await world?.close()
  vendor?.close()
  rmSync(dir, { recursive: true, force: true })
})

type Key = { privateKey: CryptoKey; jwk: JWK; alg: string }
type Told = { client_id: string; scope: string; jwks?: { keys: JWK[] } }

async function newKey(kid: string, alg = 'ES384'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid }, alg }
}

async function register(keys: object, more: object = {}): Promise<Answer<Told>> {
  return admin.manage<Told>('POST', '/auth/clients', {
    client_name: 'Ward app',
    scope: SCOPE,
    ...keys,
    ...more,
  })
}

/** A registered program, as its vendor has it. */
async function program(...keys: Key[]): Promise<string> {
  const { status, body } = await register({ jwks: { keys: keys.map(({ jwk }) => jwk) } })
  expect(status).toBe(201)
  return body.client_id
}

const claimsOf = (clientId: string) => ({
  iss: clientId,
  sub: clientId,
  aud: `${a.broker.base}/auth/token`,
  jti: crypto.randomUUID(),
  exp: Math.floor(a.clock.now() / 1000) + 60,
  extensions: {
    'hl7-b2b': {
      version: '1',
      subject_id: 'dr-1',
      subject_role: 'physician',
      organization_id: identifierText(a.config.identifier),
      purpose_of_use: ['TREAT'],
    },
  },
})

const signed = (clientId: string, { privateKey, jwk, alg }: Key, changes: object = {}, header: object = {}) =>
  new SignJWT({ ...claimsOf(clientId), ...changes })
    .setProtectedHeader({ alg, ...(jwk.kid ? { kid: jwk.kid } : {}), ...header })
    .sign(privateKey)

async function token(client_assertion: string, scope = SCOPE) {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion,
    scope,
  })
  return answerOf<{ access_token?: string; error?: string; scope?: string }>(
    await fetch(`${a.broker.base}/auth/token`, { method: 'POST', body }),
  )
}

/** Whether a token is worth anything: a record that is not there is told from a door that is shut. */
const useOf = async (accessToken = '') =>
  (await fetch(`${a.broker.base}/fhir/Binary/x`, { headers: { authorization: `Bearer ${accessToken}` } }))
    .status

describe('an assertion', () => {
  let key: Key
  let clientId: string
  beforeAll(async () => {
    key = await newKey('k1')
    clientId = await program(key)
  })

  test('of a registered program gets a token for the scopes that it was registered with, and no others', async () => {
    const { status, body } = await token(await signed(clientId, key), `${SCOPE} system/AuditEvent.rs`)
    expect([status, body.scope]).toEqual([200, SCOPE])
    expect(await useOf(body.access_token)).toBe(404)
  })

  test.each<[string, (good: ReturnType<typeof claimsOf>) => Promise<string>]>([
    ['that has expired', (c) => signed(clientId, key, { exp: c.exp - 120 })],
    ['that lives longer than five minutes', (c) => signed(clientId, key, { exp: c.exp + 600 })],
    ['that never ends', () => signed(clientId, key, { exp: undefined })],
    ['that is not yet valid', (c) => signed(clientId, key, { nbf: c.exp + 60 })],
    ['for another audience', () => signed(clientId, key, { aud: 'https://elsewhere.example/token' })],
    ['for the exchange', () => signed(clientId, key, { aud: `${a.broker.base}/exchange/token` })],
    ['in another program’s name', () => signed(a.files.his.clientId, key)],
    ['whose issuer is not its subject', () => signed(clientId, key, { sub: a.files.his.clientId })],
    ['of a program that there is not', () => signed('client-0', key)],
    ['by a foreign key', async () => signed(clientId, await newKey('k1'))],
    ['that names a key that is not registered', () => signed(clientId, key, {}, { kid: 'k2' })],
    ['without a jti', () => signed(clientId, key, { jti: undefined })],
    ['that is not signed', async (c) => new UnsecuredJWT(c).encode()],
    [
      'signed with the public key as a shared secret',
      (c) =>
        new SignJWT(c)
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .sign(new TextEncoder().encode(JSON.stringify(key.jwk))),
    ],
    [
      'that brings its own key',
      async (c) => {
        const own = await newKey('k1')
        return new SignJWT(c)
          .setProtectedHeader({ alg: 'ES384', kid: 'k1', jwk: own.jwk })
          .sign(own.privateKey)
      },
    ],
    [
      'under an algorithm that is not taken',
      async (c) => {
        const { privateKey } = await generateKeyPair('RS256')
        return new SignJWT(c).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey)
      },
    ],
  ])('%s is refused as invalid_client', async (_what, make) => {
    const { status, body, code } = await token(await make(claimsOf(clientId)))
    expect([status, body.error, code]).toEqual([401, 'invalid_client', 'assertion-invalid'])
  })

  test('that was used is refused, however soon', async () => {
    const one = await signed(clientId, key)
    const both = await Promise.all([token(one), token(one)])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401])
    expect((await token(one)).code).toBe('assertion-replayed')
  })
})

describe('a key', () => {
  test('is rotated in the middle of traffic, and no request fails', async () => {
    const [first, second] = [await newKey('first'), await newKey('second')]
    const clientId = await program(first)
    const outcomes: number[] = []
    let key = first
    let isDone = false
    const traffic = (async () => {
      while (!isDone) outcomes.push((await token(await signed(clientId, key))).status)
    })()
    const put = (...keys: Key[]) =>
      admin.manage('PUT', `/auth/clients/${clientId}`, {
        client_name: 'Ward app',
        scope: SCOPE,
        jwks: { keys: keys.map(({ jwk }) => jwk) },
      })
    expect((await put(first, second)).status).toBe(200)
    key = second
    // One that was signed with the old key may be under way still.
    await token(await signed(clientId, second))
    expect((await put(second)).status).toBe(200)
    await token(await signed(clientId, second))
    isDone = true
    await traffic
    expect(new Set(outcomes)).toEqual(new Set([200]))
    expect((await token(await signed(clientId, first))).code).toBe('assertion-invalid')
  })

  test('that was taken out at once opens nothing more; a token given under it lives to its end, and no longer', async () => {
    const [first, second] = [await newKey('stolen'), await newKey('instead')]
    const clientId = await program(first)
    const { body } = await token(await signed(clientId, first))
    const underWay = await signed(clientId, first)
    const jwks = { keys: [second.jwk] }
    await admin.manage('PUT', `/auth/clients/${clientId}`, { client_name: 'Ward app', scope: SCOPE, jwks })
    expect((await token(underWay)).code).toBe('assertion-invalid')
    expect((await token(await signed(clientId, second))).status).toBe(200)
    expect(await useOf(body.access_token)).toBe(404)
    a.clock.advance(301_000)
    const later = await useOf(body.access_token)
    a.clock.advance(-301_000)
    expect(later).toBe(401)
  })

  test('that a program publishes itself is found when it is new, and asked for once', async () => {
    const [first, second] = [await newKey('p1'), await newKey('p2', 'RS384')]
    published = { keys: [first.jwk] }
    const { body } = await register({ jwks_uri: `${origin}/jwks` })
    asked = 0
    for (let i = 0; i < 3; i++) expect((await token(await signed(body.client_id, first))).status).toBe(200)
    expect(asked).toBe(1)
    published = { keys: [first.jwk, second.jwk] }
    a.clock.elapse(10_000)
    const both = await Promise.all([1, 2, 3].map(async () => token(await signed(body.client_id, second))))
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(asked).toBe(2)
    // An unknown key asks no more often than that, whoever shows it.
    const unknown = await newKey('p3')
    for (let i = 0; i < 3; i++) expect((await token(await signed(body.client_id, unknown))).status).toBe(401)
    expect(asked).toBe(2)
    // One that is withdrawn is worth nothing once the set has been read again.
    published = { keys: [second.jwk] }
    a.clock.elapse(6 * 60_000)
    expect((await token(await signed(body.client_id, first))).status).toBe(401)
    expect((await token(await signed(body.client_id, second))).status).toBe(200)
  })

  test('set that is moved, too large or gone opens nothing', async () => {
    const key = await newKey('m1')
    published = { keys: [key.jwk] }
    for (const path of ['moved', 'large']) {
      const { body } = await register({ jwks_uri: `${origin}/${path}` })
      expect([path, (await token(await signed(body.client_id, key))).code]).toEqual([
        path,
        'assertion-invalid',
      ])
    }
  })
})

describe('registration', () => {
  test('is for whoever administers programs, by name, and for no other program', async () => {
    const answer = await a.his.manage('POST', '/auth/clients', {}).catch((error: Error) => error.message)
    expect(answer).toMatchObject({ status: 400, code: 'scope-insufficient' })
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['GET', '/x'],
      ['PUT', '/x'],
      ['DELETE', '/x'],
    ] as const) {
      const response = await fetch(`${a.broker.base}/auth/clients${path}`, { method })
      expect(await answerOf(response)).toMatchObject({ status: 401, code: 'token-missing' })
    }
  })

  test('takes public keys of enough strength, known scopes, and addresses that the operator listed', async () => {
    const key = await newKey('r1')
    const { privateKey } = await generateKeyPair('ES384', { extractable: true })
    const weak = { kty: 'RSA', kid: 'w', e: 'AQAB', n: Buffer.alloc(128, 1).toString('base64url') }
    const keys = (...list: unknown[]) => ({ jwks: { keys: list } })
    const wrong: [keys: object, more?: object][] = [
      [keys()],
      [{}],
      [keys({ ...(await exportJWK(privateKey)), kid: 'private' })],
      [keys({ kty: 'oct', k: 'c2VjcmV0', kid: 'shared' })],
      [keys(weak)],
      [keys({ ...key.jwk, kid: undefined })],
      [keys(key.jwk, key.jwk)],
      [keys({ ...key.jwk, x: 'AA' })],
      [{ ...keys(key.jwk), jwks_uri: `${origin}/jwks` }],
      [{ jwks_uri: 'https://elsewhere.example/jwks' }],
      [{ jwks_uri: `${origin.replace('127.0.0.1', 'x@127.0.0.1')}/jwks` }],
      [{ jwks_uri: `${origin}.evil.example/jwks` }],
      [{ jwks_uri: 'file:///etc/passwd' }],
      [{ jwks_uri: 'http://[::ffff:127.0.0.1]/jwks' }],
      [keys(key.jwk), { scope: 'system/*.*' }],
      [keys(key.jwk), { scope: 'system/client-admin' }],
      [keys(key.jwk), { scope: '' }],
      [keys(key.jwk), { client_name: '' }],
      [keys(key.jwk), { token_endpoint_auth_method: 'client_secret_basic' }],
      [keys(key.jwk), { grant_types: ['password'] }],
    ]
    for (const [given, more] of wrong) {
      const answer = (await register(given, more)) as Answer<{ error?: string }>
      expect([given, more, answer.status, answer.body.error]).toEqual([
        given,
        more,
        400,
        'invalid_client_metadata',
      ])
    }
  })

  test('is in the trail with who did it; what stands in the configuration is changed there only', async () => {
    const key = await newKey('t1')
    const clientId = await program(key)
    const path = `/auth/clients/${clientId}`
    expect((await admin.manage('DELETE', path)).status).toBe(204)
    const trail = (await insideOf(a).trail()).filter(({ note }) => note?.includes(clientId))
    expect(trail.map(({ kind, user, note }) => [kind, user?.id, note?.split(':')[0]])).toEqual([
      ['client-changed', 'op-1', 'Registered'],
      ['client-changed', 'op-1', 'Removed'],
    ])
    expect((await admin.manage('DELETE', path)).code).toBe('client-unknown')
    const own = `/auth/clients/${a.files.admin.clientId}`
    expect(await admin.manage('GET', own)).toMatchObject({
      status: 200,
      body: { client_id: a.files.admin.clientId },
    })
    expect((await admin.manage('DELETE', own)).code).toBe('client-fixed')
  })

  test('that ends or narrows ends tokens that are out', async () => {
    const key = await newKey('e1')
    const clientId = await program(key)
    const { body } = await token(await signed(clientId, key))
    expect(await useOf(body.access_token)).toBe(404)
    await admin.manage('PUT', `/auth/clients/${clientId}`, {
      client_name: 'Ward app',
      scope: 'system/DocumentReference.rs',
      jwks: { keys: [key.jwk] },
    })
    expect(await useOf(body.access_token)).toBe(403)
    await admin.manage('DELETE', `/auth/clients/${clientId}`)
    expect(await useOf(body.access_token)).toBe(401)
    expect((await token(await signed(clientId, key))).code).toBe('assertion-invalid')
  })

  test('outlives a restart', async () => {
    const key = await newKey('s1')
    const clientId = await program(key)
    await a.restart()
    expect((await token(await signed(clientId, key))).status).toBe(200)
  })
})

test('`wayleave clients` registers a program, gives it another key, and removes it', async () => {
  const run = async (...args: string[]) => {
    let out = ''
    const command = clientsCommand((text) => {
      out += text
    })
    const place = ['--hospital', 'a', '--sandbox', join(dir, 'sandbox.json')]
    await command.parseAsync([...args, ...place], { from: 'user' })
    return out
  }
  const file = (name: string, key: Key) => {
    writeFileSync(join(dir, name), JSON.stringify({ keys: [key.jwk] }))
    return join(dir, name)
  }
  const [one, two] = [await newKey('cli-1'), await newKey('cli-2')]
  const added = await run('add', '--name', 'Radiology', '--scope', SCOPE, '--jwks', file('one.json', one))
  const [clientId = ''] = added.split(' ')
  expect((await token(await signed(clientId, one))).status).toBe(200)
  await run('rotate', '--client', clientId, '--jwks', file('two.json', two))
  expect((await token(await signed(clientId, one))).status).toBe(401)
  expect((await token(await signed(clientId, two))).status).toBe(200)
  expect(await run('list')).toContain(`${clientId}  Radiology  [registered]  keys: cli-2`)
  expect(await run('remove', '--client', clientId)).toBe(`${clientId} is removed.\n`)
  expect(await run('list')).not.toContain(clientId)
})

test('discovery names every endpoint, scope and algorithm, at the addresses of SMART and of RFC 8414', async () => {
  const at = async (path: string) =>
    (await (await fetch(`${a.broker.base}${path}`)).json()) as Record<string, unknown>
  const smart = await at('/fhir/.well-known/smart-configuration')
  expect(await at('/.well-known/oauth-authorization-server')).toEqual(smart)
  expect(smart).toMatchObject({
    token_endpoint: `${a.broker.base}/auth/token`,
    registration_endpoint: `${a.broker.base}/auth/clients`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
  })
  const jwks = await at(new URL(String(smart.jwks_uri)).pathname)
  expect(jwks.keys).toHaveLength(1)
  expect(JSON.stringify(jwks)).not.toContain('"d":')
  const configured = new Set(a.config.clients.flatMap(({ scopes }) => scopes))
  expect([...configured].filter((scope) => !(smart.scopes_supported as string[]).includes(scope))).toEqual([])
})
