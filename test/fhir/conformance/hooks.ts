import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import type { UnderTest } from './body.ts'
import { expectOutcome, type FhirClient } from './client.ts'
import { hookReceiver } from './hook-receiver.ts'

export function hookRules({ client, server, traits }: UnderTest): void {
  const patience = { timeout: traits.hookPatience, interval: 10 }

  async function subscribe(
    to: FhirClient,
    criteria: string,
    endpoint: string,
    channel: Record<string, unknown> = {},
  ) {
    const { status, body } = await to.post('Subscription', {
      resourceType: 'Subscription',
      status: 'requested',
      reason: 'conformance',
      criteria,
      channel: { type: 'rest-hook', endpoint, ...channel },
    })
    expect(status).toBe(201)
    expect(body.status).toBe('requested')
    const url = `Subscription/${body.id}`
    onTestFinished(async () => void (await to.delete(url)))
    await expect.poll(async () => (await to.get(url)).body.status, patience).toBe('active')
    return url
  }

  const withPayload = { payload: 'application/fhir+json', header: ['Authorization: Bearer 123'] }

  async function receiver(answer?: (nth: number) => number) {
    const started = await hookReceiver(answer)
    onTestFinished(() => started.stop())
    return started
  }

  test('with a payload, each version comes as a PUT with the headers asked for, in order where order is kept', async () => {
    const hook = await receiver()
    await subscribe(client(), 'Basic?', hook.url, withPayload)
    const id = `hook-${randomUUID()}`
    for (const text of ['one', 'two', 'three']) {
      await client().put(`Basic/${id}`, { resourceType: 'Basic', id, code: { text } })
    }
    await client().put(`Patient/${id}`, { resourceType: 'Patient', id })
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(3)
    expect(hook.received.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array(3).fill(`PUT /hook/Basic/${id}`),
    )
    const versions = hook.received.map(({ body }) => JSON.parse(body).meta.versionId)
    expect(traits.ordersHooks ? versions : versions.toSorted()).toEqual(['1', '2', '3'])
    expect(hook.received.map(({ headers }) => headers['if-match'])).toEqual(versions.map((n) => `W/"${n}"`))
    expect(hook.received[0]?.headers).toMatchObject({
      authorization: 'Bearer 123',
      'content-type': expect.stringContaining('application/fhir+json'),
    })
  })

  test('without a payload, an empty POST says that there is news, and nothing about whom', async () => {
    const hook = await receiver()
    await subscribe(client(), 'Basic?', hook.url)
    await client().post('Basic', { resourceType: 'Basic', code: { text: 'quiet' } })
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    expect(hook.received[0]).toMatchObject({ method: 'POST', path: '/hook', body: '' })
  })

  test('criteria by patient hear of that patient only', async () => {
    const [ada, bob] = [`a-${randomUUID()}`, `b-${randomUUID()}`]
    for (const id of [ada, bob]) await client().put(`Patient/${id}`, { resourceType: 'Patient', id })
    const hook = await receiver()
    await subscribe(client(), `Observation?patient=Patient/${ada}`, hook.url, withPayload)
    const about = (id: string) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${id}` },
    })
    await client().post('Observation', about(bob))
    const { body } = await client().post('Observation', about(ada))
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    expect(hook.received.map(({ path }) => path)).toEqual([`/hook/Observation/${body.id}`])
  })

  test('a transaction that fails is not heard of', async () => {
    const hook = await receiver()
    await subscribe(client(), 'Basic?', hook.url, withPayload)
    const id = `f-${randomUUID()}`
    await client().post('', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          resource: { resourceType: 'Basic', id, code: { text: 'x' } },
          request: { method: 'PUT', url: `Basic/${id}` },
        },
        { resource: { resourceType: 'Patient' }, request: { method: 'PUT', url: 'Basic/wrong' } },
      ],
    })
    const { body } = await client().post('Basic', { resourceType: 'Basic', code: { text: 'after' } })
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    expect(hook.received.map(({ path }) => path)).toEqual([`/hook/Basic/${body.id}`])
  })

  test('a dead endpoint delays nobody', async () => {
    await subscribe(client(), 'Basic?', 'http://127.0.0.1:9/dead', withPayload)
    const hook = await receiver()
    await subscribe(client(), 'Basic?', hook.url, withPayload)
    const started = performance.now()
    const { status } = await client().post('Basic', { resourceType: 'Basic', code: { text: 'x' } })
    expect(status).toBe(201)
    await expect.poll(() => hook.received.length, patience).toBeGreaterThanOrEqual(1)
    expect(performance.now() - started).toBeLessThan(traits.hookPatience)
  })

  test.runIf(traits.refusesUnservedCriteria)(
    'a subscription that could not be served is refused',
    async () => {
      const subscription = (criteria: string, channel = {}) => ({
        resourceType: 'Subscription',
        status: 'requested',
        reason: 'r',
        criteria,
        channel: { type: 'rest-hook', endpoint: 'http://127.0.0.1:9/x', ...channel },
      })
      for (const body of [
        subscription('Observation?code=1'),
        subscription('Nonsense?'),
        subscription('Basic?', { type: 'email' }),
        subscription('Basic?', { endpoint: 'file:///etc/passwd' }),
        subscription('Basic?', { payload: 'application/xml' }),
      ]) {
        expectOutcome(await client().post('Subscription', body), 422)
      }
    },
  )

  test('subscriptions survive a restart', async ({ skip }) => {
    if (server().restart === undefined) return skip('this server is not restarted')
    const hook = await receiver()
    await subscribe(client(), 'Basic?', hook.url, withPayload)
    await server().restart?.()
    const { body } = await client().post('Basic', { resourceType: 'Basic', code: { text: 'later' } })
    await expect
      .poll(() => hook.received.map(({ path }) => path), patience)
      .toContain(`/hook/Basic/${body.id}`)
  }, 120_000)
}
