import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFetchJwks } from '../../src/exchange/fetch-jwks.ts'
import { createWebhooks } from '../../src/exchange/webhook.ts'
import type { Resolve } from '../../src/outward/address-guard.ts'

/** A program inside the hospital that nobody listed; it counts who came. */
let reached = 0
let port: number
const server = createServer((_, outgoing) => {
  reached++
  outgoing.end('{"keys":[]}')
})
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  port = (server.address() as AddressInfo).port
})
afterAll(() => new Promise((done) => server.close(done)))

/** What a webhook and a key set at one address come to, where the name server answers so. */
async function called(host: string, rules: { networks?: string[]; listed?: string }, ...answer: string[]) {
  const resolve: Resolve = (_name, _options, done) => {
    done(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  const { networks = [], listed = `http://${host}:${port}` } = rules
  const [webhooks, keys] = [
    createWebhooks({ origins: [listed], networks }, resolve),
    createFetchJwks({ origins: [listed], networks }, resolve),
  ]
  const before = reached
  const status = await webhooks.post(`http://${host}:${port}/hook`, Buffer.from('{}'), 'x')
  const set = await keys.fetch(`http://${host}:${port}/jwks`)
  await webhooks.close()
  await keys.close()
  return { status, set, reached: reached - before }
}

const NOTHING = { status: 0, set: undefined, reached: 0 }
const BOTH = { status: 200, set: { keys: [] }, reached: 2 }

test('a listed name that leads into the hospital’s network is not called, in whatever form it says so', async () => {
  expect(await called('his.example', {}, '127.0.0.1')).toEqual(NOTHING)
  expect(await called('his.example', {}, '::ffff:127.0.0.1')).toEqual(NOTHING)
  expect(await called('his.example', {}, '192.0.2.1', '127.0.0.1')).toEqual(NOTHING)
})

test('a name within a network that the operator allowed is called there, and one of another network is not', async () => {
  expect(await called('his.example', { networks: ['127.0.0.0/8'] }, '127.0.0.1')).toEqual(BOTH)
  expect(await called('his.example', { networks: ['10.0.0.0/8'] }, '127.0.0.1')).toEqual(NOTHING)
})

test('an origin that is listed as an address is called there, and no other one', async () => {
  expect(await called('127.0.0.1', {})).toEqual(BOTH)
  expect(await called('127.0.0.1', { listed: `http://127.0.0.2:${port}` })).toEqual(NOTHING)
})
