import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import pMap from 'p-map'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATIONS } from '../../../src/broker/http/api/operations.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'
import { type Credential, callersOf } from './access-callers.ts'
import { ACCESS, type CallerName, OWN_CALLERS, type Place } from './access-table.ts'

let world: World
let a: TestHospital
let b: TestHospital
let callers: Record<CallerName, Credential>
let place: Place
/** Everything that A's broker asked A's FHIR server for. */
const asked: string[] = []

beforeAll(async () => {
  world = await createWorld({ fronts: { fhir: ['a'] }, requestsPerMinuteOfClient: 100_000 })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const words = { patient: createWords(), another: createWords() }
  const anna = await world.enrol(a, ANNA, words.patient)
  await world.enrol(a, BRAM, words.another)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const { reference } = await eventually(() =>
    insideOf(b).db().selectFrom('shares_received').select('reference').executeTakeFirst(),
  )
  const none = { record: 'none', consent: 'none', proposal: 'none', person: 'none', custodian: 'none' }
  place = { ...none, tag: await insideOf(a).tagOf('Condition', 'c1'), reference }
  callers = await callersOf(world, [a, b], place, words)
  if (!a.fhirFront) throw new Error('no front')
  a.fhirFront.behave = async ({ path }, forward) => {
    asked.push(path)
    return forward()
  }
}, 60_000)

afterAll(() => world?.close())

/** A request whose address goes out to the letter; what other clients tidy up, an attacker does not. */
function send(method: string, path: string, headers: Record<string, string>, body?: string) {
  const { hostname, port } = new URL(a.broker.base)
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((done, fail) => {
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        done({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString('latin1'),
        }),
      )
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

/** What somebody writes in place of an id, to get out of where it belongs. */
const OUT_OF_PLACE = [
  '..',
  '.',
  '%2e%2e',
  '%2E%2E%2F%2E%2E',
  '..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
  '..%5c..%5cetc%5cpasswd',
  '%252e%252e%252fetc%252fpasswd',
  'anna%2f..%2fbram',
  'anna%2f_history%2f1',
  'anna%3f_format=json',
  'anna%23',
  'anna%00',
  'anna%0d%0ax-injected:%20yes',
  'anna%0d%0a%0d%0aHTTP/1.1%20200%20OK',
  '%c0%ae%c0%ae%2fetc',
  '..;',
  '%2f%2felsewhere.example%2fanna',
  'http:%2f%2felsewhere.example%2fanna',
] as const

const PARAMETERS = Object.keys(OPERATIONS).flatMap((operation) =>
  [...operation.matchAll(/:\w+|\*/g)].map(([parameter]) => [operation, parameter] as const),
)

test('an id that leads elsewhere leads nowhere: not to another file, resource or server, at any endpoint', async () => {
  expect(PARAMETERS.length).toBeGreaterThan(30)
  const tried: string[] = []
  const wrong: string[] = []
  const from = asked.length
  await pMap(
    PARAMETERS.flatMap(([operation, parameter]) =>
      OUT_OF_PLACE.map((evil) => ({ operation, parameter, evil })),
    ),
    async ({ operation, parameter, evil }) => {
      const row = ACCESS[operation]
      const caller = OWN_CALLERS.find((one) => row?.door.own[one] === 'in')
      if (!row || !caller) throw new Error(`nobody may call ${operation}`)
      const [method = '', template = ''] = operation.split(' ')
      const { params = {}, type, body } = row.ask(place)
      const path = template
        .replace(parameter, evil)
        .replaceAll(/:(\w+)|\*/g, (_all, name = '*') => params[name] ?? 'anna')
      const credential = await callers[caller](method, `${a.broker.base}${path}`)
      const answer = await send(
        method,
        path,
        { ...credential, ...(type ? { 'content-type': type } : {}) },
        body,
      )
      tried.push(path)
      const isHook = operation.includes('/hooks/')
      const isRefused = isHook ? answer.status < 500 : answer.status >= 400 && answer.status < 500
      if (!isRefused || 'x-injected' in answer.headers || /root:.*:0:0|Hypertension/.test(answer.text))
        wrong.push(`${operation}, ${evil}: ${answer.status} ${answer.text.slice(0, 200)}`)
    },
    { concurrency: 8 },
  )
  expect(wrong).toEqual([])
  expect(tried.length).toBe(PARAMETERS.length * OUT_OF_PLACE.length)
  // Hooks make the broker read the history; whatever else it asks for has names that a FHIR server gives.
  const names = asked.slice(from).map((path) => path.split('?')[0] ?? '')
  expect(
    names.filter(
      (path) =>
        !/^\/fhir(\/_history|\/metadata|\/Subscription(\/wayleave-broker)?|\/Patient(\/anna|\/bram)?|\/Condition\/c1(\/_history\/1)?|\/\w+\/_history)?\/?$/.test(
          path,
        ),
    ),
  ).toEqual([])
  expect(asked.slice(from).filter((path) => /\.\.|%2e%2e|%2f|%5c|%00|%0d|etc|elsewhere/i.test(path))).toEqual(
    [],
  )
}, 60_000)

test('the pages of the API description serve their own files and no others', async () => {
  for (const evil of [
    '../../package.json',
    '..%2f..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    '..%5cpackage.json',
  ]) {
    for (const root of ['/docs/static/', '/docs/', '/']) {
      const { status, text } = await send('GET', `${root}${evil}`, {})
      expect([root, evil, status, text.slice(0, 60)]).toEqual([
        root,
        evil,
        expect.toSatisfy((it) => it >= 400 && it < 500),
        expect.anything(),
      ])
      expect(text).not.toMatch(/"(dependencies|license)"/)
    }
  }
})

/** Sends bytes on one connection, and gives what came back until it closed, or nothing more came. */
async function raw(bytes: string): Promise<string[]> {
  const { hostname, port } = new URL(a.broker.base)
  let all = ''
  const closed = Promise.withResolvers<void>()
  const socket = connect(Number(port), hostname, () => socket.write(bytes))
  socket.on('data', (chunk) => {
    all += chunk.toString('latin1')
  })
  socket.on('close', () => closed.resolve())
  socket.on('error', () => closed.resolve())
  await Promise.race([closed.promise, pause(400)])
  socket.destroy()
  return all === '' ? [] : all.split(/(?=HTTP\/1\.1 \d{3} )/)
}

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`
const HIDDEN = 'GET /fhir/metadata HTTP/1.1\r\nhost: hidden\r\n\r\n'

describe('One request cannot hide another in itself:', () => {
  test.each<[string, string]>([
    [
      'a length beside chunks',
      `${head('POST /relay HTTP/1.1', 'host: x', 'content-type: application/json', 'content-length: 4', 'transfer-encoding: chunked')}0\r\n\r\n${HIDDEN}`,
    ],
    [
      'chunks beside a length',
      `${head('POST /relay HTTP/1.1', 'host: x', 'content-type: application/json', 'transfer-encoding: chunked', 'content-length: 4')}0\r\n\r\n${HIDDEN}`,
    ],
    [
      'two lengths',
      `${head('POST /relay HTTP/1.1', 'host: x', 'content-length: 0', 'content-length: 46')}${HIDDEN}`,
    ],
    ['two lengths in one', `${head('POST /relay HTTP/1.1', 'host: x', 'content-length: 0, 46')}${HIDDEN}`],
    ['a length that is none', `${head('POST /relay HTTP/1.1', 'host: x', 'content-length: +0')}${HIDDEN}`],
    [
      'another coding than chunks',
      `${head('POST /relay HTTP/1.1', 'host: x', 'transfer-encoding: xchunked')}0\r\n\r\n${HIDDEN}`,
    ],
    [
      'chunks that are not last',
      `${head('POST /relay HTTP/1.1', 'host: x', 'transfer-encoding: chunked, identity')}0\r\n\r\n${HIDDEN}`,
    ],
    ['a space before the colon', `${head('POST /relay HTTP/1.1', 'host: x', 'content-length : 0')}${HIDDEN}`],
    ['a folded header', `${head('POST /relay HTTP/1.1', 'host: x', 'x: y', ' content-length: 0')}${HIDDEN}`],
    [
      'a carriage return alone',
      `${head('POST /relay HTTP/1.1', 'host: x', 'x: y\rcontent-length: 0')}${HIDDEN}`,
    ],
    ['a NUL in a header', `${head('POST /relay HTTP/1.1', 'host: x', 'x: y\0z')}${HIDDEN}`],
    [
      'a chunk of no length',
      `${head('POST /relay HTTP/1.1', 'host: x', 'transfer-encoding: chunked')}z\r\n\r\n${HIDDEN}`,
    ],
    ['two hosts', head('GET /fhir/metadata HTTP/1.1', 'host: x', 'host: elsewhere.example')],
    ['no host', head('GET /fhir/metadata HTTP/1.1', 'x: y')],
  ])('%s is refused, and nothing after it is read', async (_what, bytes) => {
    const answers = await raw(bytes)
    expect(answers.map((answer) => answer.slice(0, 12))).toEqual(['HTTP/1.1 400'])
    expect(answers[0]).not.toContain('CapabilityStatement')
    expect(answers[0]).toContain('OperationOutcome')
  })

  test('what stands in a body is a body', async () => {
    const answers = await raw(
      `${head('GET /health HTTP/1.1', 'host: x', 'connection: close', `content-length: ${HIDDEN.length}`)}${HIDDEN}`,
    )
    expect(answers).toHaveLength(1)
    expect(answers[0]).not.toContain('CapabilityStatement')
  })
})

describe('Where a broker is said to be changes nothing:', () => {
  test.each<[string, string, Record<string, string>]>([
    ['an address in the absolute form', 'http://elsewhere.example/fhir/metadata', {}],
    ['another host', '/fhir/metadata', { host: 'elsewhere.example' }],
    [
      'what a proxy might have added',
      '/fhir/metadata',
      {
        'x-forwarded-host': 'elsewhere.example',
        'x-forwarded-proto': 'gopher',
        forwarded: 'host=elsewhere.example',
      },
    ],
  ])('%s does not get into any answer', async (_what, path, headers) => {
    const { status, text } = await send('GET', path, headers)
    expect([status, text.includes('elsewhere.example')]).toEqual([200, false])
    expect(text).toContain(a.broker.base)
  })

  test('and nothing but the request line says what is asked for', async () => {
    const headers = {
      'x-original-url': '/fhir/AuditEvent',
      'x-rewrite-url': '/fhir/AuditEvent',
      'x-http-method-override': 'DELETE',
    }
    expect(JSON.parse((await send('GET', '/health', headers)).text)).toEqual({ status: 'alive' })
  })
})
