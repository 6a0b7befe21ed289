import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { errorCodeOf } from '../../src/domain/errors.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { createPeerClient } from '../../src/exchange/peer-client.ts'
import type { PeerRules } from '../../src/exchange/peer-connections.ts'
import { spkiPin } from '../../src/outward/spki-pin.ts'
import { type CertifiedKey, certify, makeAuthority } from '../../src/sandbox/certificates.ts'
import { createSigner, NOW } from './exchange-world.ts'

const MEMBER: Hex = `0x${'0a'.repeat(32)}`
const OTHER: Hex = `0x${'0b'.repeat(32)}`
const LOCAL: PeerRules = { networks: ['127.0.0.1/32'], ports: 'any' }

let authority: CertifiedKey
let first: CertifiedKey
let next: CertifiedKey
beforeAll(async () => {
  authority = await makeAuthority('Members')
  ;[first, next] = [await certify(authority, 'first'), await certify(authority, 'next')]
})

/** A member's server that counts what reaches it: connections, and requests, of which each is one secret told. */
async function serve(shown?: CertifiedKey) {
  const seen = { requests: 0, resumed: 0 }
  const answer = (_request: unknown, response: { writeHead(status: number): { end(): void } }) => {
    seen.requests++
    response.writeHead(204).end()
  }
  const server = shown ? createServer(shown, answer) : createHttpServer(answer)
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.isSessionReused()) seen.resumed++
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  onTestFinished(() => void server.close())
  return {
    seen,
    endpoint: `${shown ? 'https' : 'http'}://127.0.0.1:${port}`,
    show: (key: CertifiedKey) => (server as ReturnType<typeof createServer>).setSecureContext(key),
    cut: () => server.closeAllConnections(),
  }
}

/** Posts to a member by one client, which keeps its connections. */
async function caller(rules: PeerRules) {
  const { key, kid } = await createSigner('k1')
  const clock = { now: () => NOW, monotonic: () => 0 }
  const client = await createPeerClient({ member: OTHER, signing: { key, kid }, clock, rules })
  onTestFinished(() => client.close())
  return (endpoint: string, tlsPins?: string[]) =>
    client
      .post(
        { id: MEMBER, endpoint, ...(tlsPins ? { tlsPins } : {}) },
        '/exchange/share',
        'application/jose',
        'secret',
      )
      .catch(errorCodeOf)
}

describe('over TLS another member’s broker is believed when', () => {
  test('it shows the key that the member’s profile pins, whoever certified it', async () => {
    const { endpoint, seen } = await serve(first)
    const post = await caller(LOCAL)
    expect(await post(endpoint, [spkiPin(first.cert)])).toBe(204)
    expect(seen.requests).toBe(1)
  })

  test('it shows one of several pinned keys, so that a key changes without an outage', async () => {
    const { endpoint, show, cut, seen } = await serve(first)
    const post = await caller(LOCAL)
    const [old, coming] = [spkiPin(first.cert), spkiPin(next.cert)]
    expect(await post(endpoint, [old])).toBe(204)
    expect(await post(endpoint, [old, coming])).toBe(204)
    show(next)
    cut()
    expect(await post(endpoint, [old, coming])).toBe(204)
    expect(await post(endpoint, [coming])).toBe(204)
    expect(seen.requests).toBe(4)
  })

  test('its certificate also descends from the CA, where one is configured', async () => {
    const stranger = await certify(await makeAuthority('Somebody'), 'first')
    const post = await caller({ ...LOCAL, ca: authority.cert })
    const [good, bad] = [await serve(first), await serve(stranger)]
    expect(await post(good.endpoint, [spkiPin(first.cert)])).toBe(204)
    expect(await post(bad.endpoint, [spkiPin(stranger.cert)])).toBe('peer-untrusted')
    expect(bad.seen.requests).toBe(0)
  })
})

describe('nothing is sent to another member’s broker that', () => {
  test('shows another key than its profile pins, be it certified by the right CA', async () => {
    for (const ca of [undefined, authority.cert]) {
      const { endpoint, seen } = await serve(next)
      const post = await caller({ ...LOCAL, ...(ca ? { ca } : {}) })
      expect(await post(endpoint, [spkiPin(first.cert)])).toBe('peer-untrusted')
      expect(await post(endpoint, ['', 'not a pin'])).toBe('peer-untrusted')
      expect(seen.requests).toBe(0)
    }
  })

  test('has a profile that pins nothing', async () => {
    const { endpoint, seen } = await serve(first)
    const post = await caller(LOCAL)
    expect(await post(endpoint)).toBe('peer-untrusted')
    expect(await post(endpoint, [])).toBe('peer-untrusted')
    expect(seen.requests).toBe(0)
  })

  test('no longer shows the key once its pin is gone from the profile, connections kept open among it', async () => {
    const { endpoint, seen } = await serve(first)
    const post = await caller(LOCAL)
    expect(await post(endpoint, [spkiPin(first.cert)])).toBe(204)
    expect(await post(endpoint, [spkiPin(next.cert)])).toBe('peer-untrusted')
    expect(seen).toEqual({ requests: 1, resumed: 0 })
  })

  test('speaks HTTP, unless configuration says that it may', async () => {
    const { endpoint, seen } = await serve()
    expect(await (await caller(LOCAL))(endpoint)).toBe('address-refused')
    expect(seen.requests).toBe(0)
    expect(await (await caller({ ...LOCAL, plainHttp: true }))(endpoint)).toBe(204)
  })

  test('is on this machine or a private network, unless configuration says that it may', async () => {
    const { endpoint, seen } = await serve(first)
    expect(await (await caller({ ports: 'any' }))(endpoint, [spkiPin(first.cert)])).toBe('address-refused')
    expect(seen.requests).toBe(0)
  })

  test('is elsewhere than the list of this member says, or is not listed where all must be', async () => {
    const { endpoint, seen } = await serve(first)
    const pins = [spkiPin(first.cert)]
    const elsewhere = new Map<Hex, string[]>([[MEMBER, ['https://broker.hospital.example']]])
    const listed = new Map<Hex, string[]>([[MEMBER, [endpoint]]])
    const others = new Map<Hex, string[]>([[OTHER, [endpoint]]])
    expect(await (await caller({ ...LOCAL, endpoints: elsewhere }))(endpoint, pins)).toBe('address-refused')
    expect(await (await caller({ ...LOCAL, endpoints: others, onlyListed: true }))(endpoint, pins)).toBe(
      'address-refused',
    )
    expect(seen.requests).toBe(0)
    expect(await (await caller({ ...LOCAL, endpoints: listed, onlyListed: true }))(endpoint, pins)).toBe(204)
    expect(await (await caller({ ...LOCAL, endpoints: others }))(endpoint, pins)).toBe(204)
  })

  test('has an endpoint with a query or credentials, which would send a request elsewhere than it seems', async () => {
    const { endpoint, seen } = await serve(first)
    const post = await caller(LOCAL)
    const pins = [spkiPin(first.cert)]
    for (const bent of [
      `${endpoint}/?`,
      `${endpoint}?to=`,
      endpoint.replace('//', '//a:b@'),
      `${endpoint}/#`,
    ])
      expect(await post(bent, pins)).toBe('address-refused')
    expect(seen.requests).toBe(0)
  })
})
