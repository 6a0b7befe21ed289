import { describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../src/store/database.ts'
import type { FhirClient } from '../../fhir/conformance/client.ts'
import { hookReceiver } from '../../fhir/conformance/hook-receiver.ts'
import { startServer } from './start-server.ts'

const patience = { timeout: 5_000, interval: 10 }

async function subscribe(
  client: FhirClient,
  endpoint: string,
  { criteria = 'Basic?', ...channel }: Record<string, unknown> = {},
) {
  const { body } = await client.post('Subscription', {
    resourceType: 'Subscription',
    status: 'requested',
    criteria,
    channel: { type: 'rest-hook', endpoint, ...channel },
  })
  await expect
    .poll(async () => (await client.get(`Subscription/${body.id}`)).body.status, patience)
    .toBe('active')
  return body.id as string
}

async function receiver(answer?: (nth: number) => number) {
  const hook = await hookReceiver(answer)
  onTestFinished(() => hook.stop())
  return hook
}

const payload = 'application/fhir+json'
const basic = (id: string, text = 'x') => ({ resourceType: 'Basic', id, code: { text } })

describe('REST-hooks of the embedded server', () => {
  test('what an endpoint cannot take now comes again, before anything later', async () => {
    const { client } = await startServer()
    const hook = await receiver((nth) => (nth < 2 ? 503 : 200))
    await subscribe(client, hook.url, { payload })
    for (const id of ['one', 'two']) await client.put(`Basic/${id}`, basic(id))
    await expect
      .poll(() => hook.received.map(({ path }) => path), patience)
      .toEqual(['/hook/Basic/one', '/hook/Basic/one', '/hook/Basic/one', '/hook/Basic/two'])
  })

  test('what an endpoint refuses is not sent again', async () => {
    const { client } = await startServer()
    const hook = await receiver((nth) => (nth === 0 ? 422 : 200))
    await subscribe(client, hook.url, { payload })
    for (const id of ['one', 'two']) await client.put(`Basic/${id}`, basic(id))
    await expect
      .poll(() => hook.received.map(({ path }) => path), patience)
      .toEqual(['/hook/Basic/one', '/hook/Basic/two'])
  })

  test('a deletion is sent only to whoever asked for deletions', async () => {
    const { client } = await startServer()
    const [plain, deletes] = [await receiver(), await receiver()]
    await subscribe(client, plain.url, { payload })
    await subscribe(client, deletes.url, {
      payload,
      extension: [
        {
          url: 'http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages',
          valueBoolean: true,
        },
      ],
    })
    await client.put('Basic/b', basic('b'))
    await client.delete('Basic/b')
    await client.put('Basic/b', basic('b'))
    const said = (hook: typeof plain) => hook.received.map(({ method }) => method)
    await expect.poll(() => said(plain), patience).toEqual(['PUT', 'PUT'])
    await expect.poll(() => said(deletes), patience).toEqual(['PUT', 'DELETE', 'PUT'])
  })

  test('[*] hears of every type, and of no Subscription', async () => {
    const { client } = await startServer()
    const hook = await receiver()
    await subscribe(client, hook.url, { payload, criteria: '[*]' })
    const other = await subscribe(client, hook.url, { criteria: 'Patient?' })
    await client.put('Basic/b', basic('b'))
    await client.put(`Patient/p`, { resourceType: 'Patient', id: 'p' })
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(3)
    expect(hook.received.map(({ path }) => path).sort()).toEqual([
      '/hook',
      '/hook/Basic/b',
      '/hook/Patient/p',
    ])
    expect(other).not.toBe('')
  })

  test('a transaction of many is one notice, or a few', async () => {
    const { client } = await startServer()
    const hook = await receiver()
    await subscribe(client, hook.url)
    const entry = Array.from({ length: 200 }, (_, n) => ({
      resource: basic(`b${n}`),
      request: { method: 'PUT', url: `Basic/b${n}` },
    }))
    expect((await client.post('', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(200)
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(hook.received.length).toBeLessThanOrEqual(3)
  })

  test('a subscription that is switched off or deleted is silent, and starts anew when it is asked for again', async () => {
    const { client } = await startServer()
    const hook = await receiver()
    const id = await subscribe(client, hook.url, { payload })
    const { body } = await client.get(`Subscription/${id}`)
    await client.put(`Subscription/${id}`, { ...body, status: 'off' })
    await client.put('Basic/unheard', basic('unheard'))
    await client.put(`Subscription/${id}`, { ...body, status: 'requested' })
    await expect
      .poll(async () => (await client.get(`Subscription/${id}`)).body.status, patience)
      .toBe('active')
    await client.put('Basic/heard', basic('heard'))
    await expect.poll(() => hook.received.map(({ path }) => path), patience).toEqual(['/hook/Basic/heard'])
    await client.delete(`Subscription/${id}`)
    await client.put('Basic/late', basic('late'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(hook.received).toHaveLength(1)
  })

  test('what was committed while the server could not deliver is delivered after its next start', async () => {
    const database = await openDatabase({ kind: 'pglite' })
    onTestFinished(() => database.close())
    const first = await startServer({ database })
    let alive = false
    const hook = await receiver(() => (alive ? 200 : 503))
    await subscribe(first.client, hook.url, { payload })
    for (const id of ['one', 'two', 'three']) await first.client.put(`Basic/${id}`, basic(id))
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    await first.stop()
    hook.received.length = 0
    alive = true
    await startServer({ database })
    await expect
      .poll(() => hook.received.map(({ path }) => path), patience)
      .toEqual(['/hook/Basic/one', '/hook/Basic/two', '/hook/Basic/three'])
  })
})
