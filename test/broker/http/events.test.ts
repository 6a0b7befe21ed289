import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Bundle, Parameters, Subscription } from 'fhir/r4.js'
import { createRemoteJWKSet, flattenedVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { type Answer, answerOf, createHisClient } from '../../../src/sandbox/his-client.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

const TOPIC = 'https://wayleave.example/fhir/SubscriptionTopic/consent-changed'

type Told = { number: number; id: string; change: string; focus: string; at: string }
type Message = { path: string; headers: IncomingHttpHeaders; bytes: Buffer }

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
/** A HIS's own server, to which its webhooks point. */
let receiver: Server
let origin: string
let answer = 200
const inbox: Message[] = []

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (answer === 200)
        inbox.push({ path: request.url ?? '', headers: request.headers, bytes: Buffer.concat(chunks) })
      response.writeHead(answer).end()
    })
  })
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  world = await createWorld({ callbackOrigins: [origin] })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterAll(async () => {
  await world?.close()
  receiver?.closeAllConnections()
  receiver?.close()
})

const party = () => ({
  granteeType: 'Organization' as const,
  grantee: identifierText(b.config.identifier),
})

function eventsIn(bundle: Bundle): Told[] {
  const { parameter = [] } = (bundle.entry?.[0]?.resource ?? {}) as Parameters
  return parameter
    .filter(({ name }) => name === 'notification-event')
    .map(({ part = [], extension = [] }) => {
      const of = (name: string) => part.find((one) => one.name === name)
      const focus = of('focus')?.valueReference
      return {
        number: Number(of('event-number')?.valueString),
        id: extension.find(({ valueUuid }) => valueUuid)?.valueUuid ?? '',
        change: extension.find(({ valueCoding }) => valueCoding)?.valueCoding?.code ?? '',
        focus: focus?.reference ?? focus?.identifier?.value ?? '',
        at: of('timestamp')?.valueInstant ?? '',
      }
    })
}

async function get(hospital: TestHospital, path: string): Promise<Answer<Bundle>> {
  const authorization = `Bearer ${await hospital.his.token('TREAT')}`
  return answerOf(await fetch(`${hospital.broker.base}${path}`, { headers: { authorization } }))
}

const page = async (hospital: TestHospital, after = 0) =>
  eventsIn((await get(hospital, `/events?after=${after}`)).body)
const newest = async (hospital: TestHospital) => (await page(hospital)).at(-1)?.number ?? 0

const subscription = (endpoint = `${origin}/hook`) => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'Consents on the ward',
  criteria: TOPIC,
  channel: { type: 'rest-hook', endpoint, payload: 'application/fhir+json' },
})

const messagesTo = (path: string) =>
  inbox.filter((message) => message.path === path).map(({ bytes }) => JSON.parse(String(bytes)) as Bundle)
const toldAt = (path: string) => messagesTo(path).flatMap(eventsIn)

/** Subscribes, and waits for the handshake. */
async function hook(hospital: TestHospital, path: string): Promise<string> {
  const { body, status } = await hospital.his.fhir<Subscription>(
    'POST',
    'Subscription',
    subscription(`${origin}${path}`),
  )
  expect(status).toBe(201)
  await eventually(async () => messagesTo(path).length > 0)
  return body.id ?? ''
}

test('the custodian’s programs hear of each change of a consent, in order, and the grantee’s of what it may see', async () => {
  const [atA, atB] = [await newest(a), await newest(b)]
  const wide = ['problems', 'medications']
  await anna.grant({ to: party(), purpose: 'TREAT', classes: wide })
  await eventually(async () => (await page(b, atB)).length === 1)
  await anna.grant({ to: party(), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await page(b, atB)).length === 2)
  await anna.revoke({ to: party(), purpose: 'TREAT' })
  await eventually(async () => (await page(b, atB)).length === 3)
  await anna.object({ to: party(), purpose: 'TREAT' })
  await eventually(async () => (await page(a, atA)).length === 4)
  await anna.withdraw({ to: party(), purpose: 'TREAT' })
  await anna.lock()
  await eventually(async () => (await page(a, atA)).length === 6)
  await anna.unlock()
  const told = await eventually(async () => {
    const found = await page(a, atA)
    return found.length === 7 && found
  })
  expect(told.map(({ change }) => change)).toEqual([
    ...['granted', 'narrowed', 'revoked', 'objected', 'objection-withdrawn', 'locked', 'unlocked'],
  ])
  expect(told.map(({ number }) => number)).toEqual(told.map(({ number }) => number).sort((x, y) => x - y))
  expect(new Set(told.map(({ id }) => id)).size).toBe(7)
  // References that the HIS may follow.
  const [first, , , , , lock] = told
  expect((await get(a, `/fhir/${first?.focus}`)).status).toBe(200)
  expect(lock?.focus).toBe('Patient/anna')
  const received = await page(b, atB)
  expect(received.map(({ change }) => change)).toEqual(['granted', 'narrowed', 'ended'])
  expect(new Set(received.map(({ focus }) => focus)).size).toBe(1)
  expect(received[0]?.focus).toMatch(/^urn:uuid:/)
}, 60_000)

test('a consent whose last day is over has ended, and that is told once', async () => {
  const before = await newest(a)
  const today = new Date(a.clock.now()).toISOString().slice(0, 10)
  await anna.grant({ to: party(), purpose: 'ETREAT', classes: ['problems'], until: today })
  await eventually(async () => (await page(a, before)).length === 1)
  a.clock.advance(24 * 60 * 60_000)
  try {
    await eventually(async () => (await page(a, before)).length === 2)
    await a.restart()
    await new Promise((done) => setTimeout(done, 400))
    expect((await page(a, before)).map(({ change }) => change)).toEqual(['granted', 'ended'])
  } finally {
    a.clock.advance(-24 * 60 * 60_000)
  }
}, 60_000)

test('an event names nobody and nothing clinical; whose it is is told to whoever asks for it, and is noted', async () => {
  const before = await newest(b)
  await anna.grant({ to: party(), purpose: 'TREAT', classes: ['problems'] })
  // What the clock ended and began again in the test before may still be on its way.
  await eventually(async () => (await page(b, before)).some(({ change }) => change === 'granted'))
  const { bytes, body } = await get(b, `/events?after=${before}`)
  const text = String(Buffer.from(bytes))
  for (const word of [ANNA.value, 'anna', 'problems', 'Condition', 'TREAT', 'Hypertension'])
    expect(text).not.toContain(word)
  const event = eventsIn(body).find(({ change }) => change === 'granted')
  const one = (await get(b, `/events/${event?.id.replace('urn:uuid:', '')}`)) as unknown as Answer<object>
  expect(one.body).toMatchObject({ change: 'granted', share: event?.focus, identifiers: [ANNA] })
  const noted = (await insideOf(b).trail()).findLast(({ kind }) => kind === 'consents-read')
  expect(noted).toMatchObject({ user: { id: 'dr-1' } })
  const rows = await insideOf(b).db().selectFrom('events').selectAll().execute()
  expect(JSON.stringify(rows)).not.toContain(ANNA.value)
}, 60_000)

describe('a program hears only', () => {
  test('what its scopes let it read, by page, stream, webhook and id', async () => {
    // An auditor hears of the trail alone: of no consent, whichever way it asks.
    const auditor = `Bearer ${await a.auditor.token('HCOMPL')}`
    for (const path of ['/events', '/events/x']) {
      const response = await fetch(`${a.broker.base}${path}`, { headers: { authorization: auditor } })
      expect([path, (await answerOf(response)).code]).toEqual([path, 'scope-insufficient'])
    }
    const headers = { authorization: auditor, 'content-type': 'application/fhir+json' }
    const body = JSON.stringify(subscription())
    const asked = await fetch(`${a.broker.base}/fhir/Subscription`, { method: 'POST', headers, body })
    expect((await answerOf(asked)).code).toBe('scope-insufficient')
    const reader = createHisClient({
      broker: a.broker.base,
      client: { ...a.files.his, scopes: ['system/DocumentReference.rs'] },
      organization: a.config.identifier,
      user: { id: 'dr-1', name: 'Dr One', role: 'physician' },
      now: () => a.clock.now(),
    })
    const [own] = await page(a)
    const authorization = `Bearer ${await reader.token('TREAT')}`
    const ask = async (path: string) =>
      answerOf<Bundle>(await fetch(`${a.broker.base}${path}`, { headers: { authorization } }))
    expect(eventsIn((await ask('/events')).body)).toEqual([])
    expect((await ask(`/events/${own?.id.replace('urn:uuid:', '')}`)).code).toBe('event-unknown')
  })

  test('of its own webhooks', async () => {
    const id = await hook(a, '/own')
    const other = createHisClient({
      broker: b.broker.base,
      client: b.files.his,
      organization: b.config.identifier,
      now: () => b.clock.now(),
    })
    expect(
      (await other.fhir('GET', `Subscription/${id}`).catch((e: Error) => ({ code: e.message }))).code,
    ).not.toBe(undefined)
    expect(
      (await a.his.fhir<Bundle>('GET', 'Subscription')).body.entry?.map(({ resource }) => resource?.id),
    ).toContain(id)
    expect((await a.his.fhir('DELETE', `Subscription/${id}`)).status).toBe(204)
    expect((await a.his.fhir('GET', `Subscription/${id}`)).code).toBe('subscription-unknown')
  })
})

describe('a webhook', () => {
  test('is shaken hands with, and its messages are signed for it alone', async () => {
    const id = await hook(a, '/signed')
    await eventually(
      async () => (await a.his.fhir<Subscription>('GET', `Subscription/${id}`)).body.status === 'active',
    )
    await anna.grant({ to: party(), purpose: 'HRESCH', classes: ['problems'] })
    await eventually(async () => toldAt('/signed').length === 1)
    const { headers, bytes } = inbox.findLast(({ path }) => path === '/signed') as Message
    const [protectedHeader = '', none, signature = ''] = String(headers['wayleave-event-signature']).split(
      '.',
    )
    expect(none).toBe('')
    const jwks = createRemoteJWKSet(new URL(`${a.broker.base}/.well-known/jwks.json`))
    const verify = (payload: Buffer) =>
      flattenedVerify({ protected: protectedHeader, payload: payload.toString('base64url'), signature }, jwks)
    expect((await verify(bytes)).protectedHeader).toMatchObject({
      typ: 'wayleave-event',
      aud: `${origin}/signed`,
    })
    await expect(verify(Buffer.concat([bytes, Buffer.from(' ')]))).rejects.toThrow()
    await a.his.fhir('DELETE', `Subscription/${id}`)
  }, 60_000)

  test('that is down misses nothing, through a restart of the broker, and gets it in order', async () => {
    const id = await hook(a, '/down')
    answer = 503
    const before = await newest(a)
    await anna.grant({ to: party(), purpose: 'HRESCH', classes: ['problems', 'medications'] })
    await anna.grant({ to: party(), purpose: 'HRESCH', classes: ['problems'] })
    const read = async () => (await a.his.fhir<Subscription>('GET', `Subscription/${id}`)).body
    await eventually(async () => (await page(a, before)).length === 2)
    await eventually(async () => (await read()).status === 'error')
    await a.restart()
    await anna.revoke({ to: party(), purpose: 'HRESCH' })
    await eventually(async () => (await page(a, before)).length === 3)
    answer = 200
    await eventually(async () => toldAt('/down').length >= 3, 30_000)
    expect(toldAt('/down')).toEqual(await page(a, before))
    expect((await read()).status).toBe('active')
    expect((await read()).error).toBeUndefined()
    await a.his.fhir('DELETE', `Subscription/${id}`)
  }, 90_000)

  test('that says it is gone is written to no more', async () => {
    const id = await hook(a, '/gone')
    answer = 410
    await anna.grant({ to: party(), purpose: 'HRESCH', classes: ['problems'] })
    await eventually(
      async () => (await a.his.fhir<Subscription>('GET', `Subscription/${id}`)).body.status === 'off',
    )
    answer = 200
    expect(toldAt('/gone')).toEqual([])
    await a.his.fhir('DELETE', `Subscription/${id}`)
  }, 60_000)

  test.each<[string, object]>([
    [
      'at an address that the operator has not listed',
      { channel: { ...subscription('http://127.0.0.1:1/x').channel } },
    ],
    ['at the cloud’s own address', { channel: { ...subscription('http://169.254.169.254/latest').channel } }],
    [
      'with a user in its address',
      { channel: { ...subscription().channel, endpoint: 'http://x@127.0.0.1/' } },
    ],
    ['for another topic', { criteria: 'Observation?code=1' }],
    ['over another channel', { channel: { ...subscription().channel, type: 'email' } }],
    [
      'with headers that would be kept',
      { channel: { ...subscription().channel, header: ['authorization: x'] } },
    ],
    ['that is none', { resourceType: 'Basic' }],
  ])('%s is refused', async (_what, changes) => {
    const { code, status } = await a.his.fhir('POST', 'Subscription', { ...subscription(), ...changes })
    expect([status, code]).toEqual([400, 'subscription-invalid'])
  })
})

/** A reader of the stream; it stops when `enough` of its messages have come, or it is cut off. */
async function stream(hospital: TestHospital, headers: object, enough: (count: number) => boolean) {
  const authorization = `Bearer ${await hospital.his.token('TREAT')}`
  const stop = new AbortController()
  const response = await fetch(`${hospital.broker.base}/events`, {
    headers: { authorization, accept: 'text/event-stream', ...headers },
    signal: stop.signal,
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  const messages = () =>
    text
      .split('\n\n')
      .filter((part) => part.startsWith('id: '))
      .map((part) => {
        const [id = '', event = '', data = ''] = part.split('\n').map((line) => line.replace(/^\w+: /, ''))
        return { id: Number(id), event, told: eventsIn(JSON.parse(data) as Bundle) }
      })
  try {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.endsWith('\n\n') && enough(messages().length)) break
    }
  } catch {
    // cut off
  }
  stop.abort()
  return messages()
}

describe('a stream', () => {
  test('tells what is new, and goes on from the last event that its reader has', async () => {
    const before = await newest(a)
    const reading = stream(a, { 'last-event-id': String(before) }, (count) => count === 2)
    await anna.object({ to: party(), purpose: 'ETREAT' })
    await eventually(async () => (await page(a, before)).length === 1)
    await anna.withdraw({ to: party(), purpose: 'ETREAT' })
    const all = await reading
    expect(all.map(({ event }) => event)).toEqual(['objected', 'objection-withdrawn'])
    expect(all.map(({ id }) => id)).toEqual(all.flatMap(({ told }) => told.map(({ number }) => number)))
    const [first, second] = all
    const again = await stream(a, { 'last-event-id': String(first?.id) }, (count) => count === 1)
    expect(again.flatMap(({ told }) => told)).toEqual(second?.told)
    // From the beginning, in pages or as a stream: the same.
    const whole = await page(a)
    const streamed = await stream(a, {}, (count) => count === whole.length)
    expect(streamed.flatMap(({ told }) => told)).toEqual(whole)
  }, 60_000)

  test('is refused beyond four a program, and from a cursor that is none', async () => {
    const authorization = `Bearer ${await a.his.token('TREAT')}`
    const headers = { authorization, accept: 'text/event-stream' }
    const stops = Array.from({ length: 4 }, () => new AbortController())
    for (const { signal } of stops) await fetch(`${a.broker.base}/events`, { headers, signal })
    expect((await answerOf(await fetch(`${a.broker.base}/events`, { headers }))).code).toBe('rate-limited')
    for (const stop of stops) stop.abort()
    await eventually(async () => {
      const stop = new AbortController()
      const { status } = await fetch(`${a.broker.base}/events`, { headers, signal: stop.signal })
      stop.abort()
      return status === 200
    })
    for (const cursor of ['-1', 'x', '1e9', '9'.repeat(20)])
      expect((await get(a, `/events?after=${cursor}`)).code).toBe('request-invalid')
  })

  test('whose reader does not read holds up nobody, and neither does one at the stop of the broker', async () => {
    const { port, hostname } = new URL(a.broker.base)
    const socket = connect(Number(port), hostname)
    const token = await a.his.token('TREAT')
    socket.write(
      `GET /events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
    )
    socket.pause()
    const before = await newest(a)
    await anna.object({ to: party(), purpose: 'ETREAT' })
    await eventually(async () => (await page(a, before)).length === 1)
    await a.restart()
    await new Promise((done) => socket.resume().on('close', done))
    expect((await page(a, before)).map(({ change }) => change)).toEqual(['objected'])
  }, 60_000)
})
