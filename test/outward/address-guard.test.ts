import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../src/domain/errors.ts'
import {
  type AddressRules,
  createAddressGuard,
  type Resolve,
  refusedAddress,
} from '../../src/outward/address-guard.ts'

/** A real server on 127.0.0.1 that must not be reached; it counts who came all the same. */
let port: number
let reached = 0
const server = createServer((incoming, outgoing) => {
  reached++
  if (incoming.url === '/away') outgoing.writeHead(302, { location: `http://127.0.0.1:${port}/` })
  outgoing.end('here')
})
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  port = (server.address() as AddressInfo).port
})
afterAll(() => new Promise((done) => server.close(done)))

const OPEN: AddressRules = { plainHttp: true, ports: 'any' }

const codeOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return errorCodeOf(error)
  }
  return 'allowed'
}

/** What becomes of a request; a name server answers each question with the next of its answers, the last for ever. */
async function call(url: string, rules: AddressRules, ...answers: string[][]) {
  let asked = 0
  const resolve: Resolve = (_name, _options, done) => {
    const given = answers[Math.min(asked++, answers.length - 1)] ?? []
    done(
      null,
      given.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  const guard = createAddressGuard(rules, resolve)
  const dispatcher = guard.agent({ connectTimeout: 1_000 })
  const before = reached
  try {
    const answer = await request(guard.check(url), { dispatcher })
    await answer.body.dump()
    return { outcome: answer.statusCode, asked, reached: reached - before }
  } catch (error) {
    return { outcome: refusedAddress(error)?.code ?? String(error), asked, reached: reached - before }
  } finally {
    await dispatcher.destroy()
  }
}

/** Everything that is not public, in the forms in which it is written. */
const NOT_PUBLIC = {
  'this machine': ['127.0.0.1', '127.255.255.254', '0.0.0.0', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]'],
  'this machine, as numbers': ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0x7f000001', '127.0.0.1.'],
  'private networks': ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
  'the cloud’s own services': ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]'],
  'unique local and site local IPv6': ['[fc00::1]', '[fdff:ffff::1]', '[fec0::1]'],
  'many at once': ['224.0.0.1', '255.255.255.255', '[ff02::1]', '[ff0e::1]'],
  'IPv4 inside IPv6': [
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[::ffff:8.8.8.8]',
    '[::ffff:0:127.0.0.1]',
  ],
  'IPv4 behind a translator or tunnel': [
    '[64:ff9b::7f00:1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001::1]',
  ],
  'for documents, tests and nothing': [
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.9',
    '198.18.0.1',
    '240.0.0.1',
    '[2001:db8::1]',
    '[3fff::1]',
    '[100::1]',
    '[2001:10::1]',
    '[4000::1]',
    '[fe00::1]',
  ],
}

describe('an address that somebody else chose is refused, and nothing is sent, when it means', () => {
  test.each(Object.entries(NOT_PUBLIC))('%s', (_what, hosts) => {
    const guard = createAddressGuard(OPEN)
    for (const host of hosts)
      expect({ host, code: codeOf(() => guard.check(`http://${host}/`)) }).toEqual({
        host,
        code: 'address-refused',
      })
  })

  test.each(Object.entries(NOT_PUBLIC))('a name of %s', async (_what, hosts) => {
    for (const host of hosts) {
      // As a name server gives them: no brackets, no numbers of one piece.
      const address = new URL(`http://${host}/`).hostname.replace(/[[\]]/g, '')
      expect(await call('http://name.example:9/', OPEN, [address])).toEqual({
        outcome: 'address-refused',
        asked: 1,
        reached: 0,
      })
    }
  })

  test('an interface of this very machine, by its zone', async () => {
    expect((await call('http://name.example:9/', OPEN, ['fe80::1%lo'])).outcome).toBe('address-refused')
  })

  test('several addresses, one of which is not public', async () => {
    for (const answer of [
      ['127.0.0.1', '8.8.8.8'],
      ['8.8.8.8', '127.0.0.1'],
      ['2606:4700::1', '::1'],
    ])
      expect(await call(`http://name.example:${port}/`, OPEN, answer)).toMatchObject({
        outcome: 'address-refused',
        reached: 0,
      })
  })

  test('nothing at all', async () => {
    expect((await call('http://name.example:9/', OPEN, [])).outcome).toBe('address-refused')
  })
})

test('public addresses are allowed, in both families', () => {
  const guard = createAddressGuard()
  for (const host of ['8.8.8.8', '[2606:4700::1111]', 'broker.hospital.example'])
    expect(codeOf(() => guard.check(`https://${host}/exchange`))).toBe('allowed')
})

test('a name is resolved once, and the address that was checked is the one that is called', async () => {
  const local: AddressRules = { ...OPEN, networks: ['127.0.0.1/32'] }
  // A name server that changes its mind after the first answer gets nobody anywhere else.
  expect(await call(`http://rebinding.example:${port}/`, local, ['127.0.0.1'], ['10.0.0.1'])).toEqual({
    outcome: 200,
    asked: 1,
    reached: 1,
  })
  expect(await call(`http://rebinding.example:${port}/`, OPEN, ['127.0.0.1'], ['8.8.8.8'])).toEqual({
    outcome: 'address-refused',
    asked: 1,
    reached: 0,
  })
})

test('what configuration allows is allowed, and no neighbour of it', () => {
  const guard = createAddressGuard({ ...OPEN, networks: ['127.0.0.1/32', 'fd00:1::/64'] })
  const said = ['127.0.0.1', '[fd00:1::7]', '127.0.0.2', '[::1]', '[fd00:2::7]', '[::ffff:127.0.0.1]'].map(
    (host) => codeOf(() => guard.check(`http://${host}/`)),
  )
  expect(said).toEqual(['allowed', 'allowed', ...Array(4).fill('address-refused')])
})

test('a redirect is an answer like any other and is not followed', async () => {
  const local: AddressRules = { ...OPEN, networks: ['127.0.0.1/32'] }
  expect(await call(`http://name.example:${port}/away`, local, ['127.0.0.1'])).toEqual({
    outcome: 302,
    asked: 1,
    reached: 1,
  })
})

test('an address is https, without user, password or fragment, at a port that is meant for it', () => {
  const guard = createAddressGuard()
  const refused = [
    'http://broker.example/',
    'ftp://broker.example/',
    'file:///etc/passwd',
    'data:text/plain,hello',
    'https://user@broker.example/',
    'https://user:password@broker.example/',
    'https://broker.example/#there',
    'https://broker.example:22/',
    'https://broker.example:6379/',
    '//broker.example/',
    'broker.example',
    '',
  ]
  for (const url of refused)
    expect({ url, code: codeOf(() => guard.check(url)) }).toEqual({ url, code: 'address-refused' })
  for (const url of ['https://broker.example/', 'https://broker.example:8443/base'])
    expect(codeOf(() => guard.check(url))).toBe('allowed')
  expect(codeOf(() => createAddressGuard({ ports: [9443] }).check('https://broker.example:9443/'))).toBe(
    'allowed',
  )
})

test('rules that name no network end the start', () => {
  expect(codeOf(() => createAddressGuard({ networks: ['localhost'] }))).toBe('request-invalid')
})
