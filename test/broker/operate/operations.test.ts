import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexStatus } from '../../../src/cli/chain-index/status.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { startTracing } from '../../../src/observe/tracing.ts'
import { createWords } from '../../../src/patient/seed.ts'
import { createHisClient } from '../../../src/sandbox/his-client.ts'
import type { Front } from '../../support/front.ts'
import { ANNA, condition, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string } }
type Span = { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes: Attribute[] }

let world: World
let a: TestHospital
let b: TestHospital
let receiver: Server
let tracing: { stop(): Promise<void> } | undefined
/** Everything that reached the OTLP receiver, as it came. */
const received: string[] = []

const spans = (): Span[] =>
  received.flatMap((body) =>
    (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans.flatMap(
      (one) => one.scopeSpans.flatMap((scope) => scope.spans),
    ),
  )

/** An OTLP/HTTP receiver: takes JSON at /v1/traces and answers as the protocol says. */
async function openReceiver(): Promise<Server> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/json')
        received.push(Buffer.concat(parts).toString())
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}

beforeAll(async () => {
  receiver = await openReceiver()
  tracing = await startTracing({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpointOf(receiver),
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  world = await createWorld({
    fronts: { fhir: ['a'], chain: ['a'] },
    configure: (config) => ({ ...config, operator: { host: '127.0.0.1', port: 0 } }),
  })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put({ ...patient('anna-at-a', ANNA), name: [{ family: 'Zonnebloem' }] })
  await a.put(condition('c1', 'anna-at-a', 'Hypertension'))
  await a.settled()
}, 60_000)

afterAll(async () => {
  await world?.close()
  await tracing?.stop()
  receiver?.close()
})

/** The exporter reads its endpoint from the process's environment, as the specification has it. */
function endpointOf(server: Server): string {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint
  return endpoint
}

async function metricsOf(
  hospital: TestHospital,
): Promise<{ text: string; value: (series: string) => number }> {
  const text = await (await fetch(`${hospital.broker.operator}/metrics`)).text()
  const value = (series: string) => {
    const [, number] =
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(/ (?=[^ ]+$)/) ?? []
    return number === undefined ? 0 : Number(number)
  }
  return { text, value }
}

/** By which a patient, a record, a consent, a user or a caller could be told. */
const personal: string[] = [
  ANNA.value,
  STRANGER.value,
  'anna-at-a',
  'Zonnebloem',
  'Hypertension',
  'c1',
  'dr-1',
  'his.a',
  'his.b',
]

test('after a real release the metrics count it, and every refusal by its reason', async () => {
  const words = createWords()
  const anna = await world.enrol(a, ANNA, words)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  const before = await metricsOf(a)
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  expect((await b.his.open(record, 'HRESCH')).status).toBe(404)
  await b.his.list(STRANGER, 'TREAT')
  await fetch(`${a.broker.base}/nowhere/${ANNA.value}`)
  await fetch(`${a.broker.base}/fhir/DocumentReference?patient=${ANNA.value}`, {
    headers: { authorization: `Bearer ${ANNA.value}` },
  })
  const { handle } = await anna.signIn()
  personal.push(record, handle, handle.slice(2), world.hospitals[0]?.files.keyring.signing.kid ?? '-')

  const now = await metricsOf(a)
  const grown = (series: string) => now.value(series) - before.value(series)
  expect(grown('wayleave_releases_total')).toBe(1)
  // Before the intent, and once the bytes are at hand.
  expect(grown('wayleave_decisions_total{outcome="permit",reason="none"}')).toBe(2)
  expect(grown('wayleave_decisions_total{outcome="deny",reason="wrong-purpose"}')).toBe(1)
  expect(grown('wayleave_refusals_total{reason="wrong-purpose"}')).toBe(1)
  expect(grown('wayleave_errors_total{code="not-available"}')).toBe(1)
  expect(grown('wayleave_token_failures_total{code="token-invalid"}')).toBe(1)
  expect(
    grown('wayleave_request_duration_seconds_count{method="GET",route="/exchange/record/:tag",status="200"}'),
  ).toBe(1)
  expect(grown('wayleave_request_duration_seconds_count{method="GET",route="none",status="404"}')).toBe(1)
  expect(grown('wayleave_call_duration_seconds_count{to="fhir",operation="version",outcome="ok"}')).toBe(1)
  expect(now.value('wayleave_entries_registered')).toBe(1)
  expect(now.value('wayleave_ready')).toBe(1)
  expect(now.text).toMatch(/^wayleave_outbox_depth\{outbox="chain"\} \d+$/m)
  expect(now.text).toMatch(/^wayleave_(head_age|unanchored_age)_seconds [\d.]+$/m)
  expect(now.text).toMatch(/^process_resident_memory_bytes \d+$/m)

  const asked = await metricsOf(b)
  expect(asked.value('wayleave_receipts_total')).toBe(1)
  expect(
    asked.value('wayleave_call_duration_seconds_count{to="peer",operation="record",outcome="not-available"}'),
  ).toBe(1)
  for (const { text } of [now, asked]) expect(personal.filter((word) => text.includes(word))).toEqual([])
})

test('a live search and its receipt are measured at both hospitals', async () => {
  const whose = new URLSearchParams({
    'patient.identifier': identifierText(ANNA),
    'custodian.identifier': identifierText(a.config.identifier),
  })
  const [atA, atB] = [await metricsOf(a), await metricsOf(b)]
  const answer = await fetch(`${b.broker.base}/shared/fhir/Condition?${whose}`, {
    headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
  })
  expect(await answer.json()).toMatchObject({ entry: [{ resource: { id: 'c1' } }, {}] })
  const calls = (to: string, operation: string) =>
    `wayleave_call_duration_seconds_count{to="${to}",operation="${operation}",outcome="ok"}`
  const [thenA, thenB] = [await metricsOf(a), await metricsOf(b)]
  expect(thenA.value('wayleave_releases_total') - atA.value('wayleave_releases_total')).toBe(1)
  expect(thenA.value(calls('fhir', 'search')) - atA.value(calls('fhir', 'search'))).toBe(1)
  for (const [to, operation] of [['peer', 'search'] as const, ['verification', 'search'] as const])
    expect(thenB.value(calls(to, operation)) - atB.value(calls(to, operation))).toBe(1)
  await eventually(async () => (await metricsOf(b)).value(calls('peer', 'receipt')) > 0)
  for (const { text } of [thenA, thenB]) expect(personal.filter((word) => text.includes(word))).toEqual([])
})

test('metrics are on the operator’s own listener and nowhere else', async () => {
  expect((await fetch(`${a.broker.base}/metrics`)).status).toBe(404)
  expect(new URL(a.broker.operator ?? '').hostname).toBe('127.0.0.1')
})

test('one trace tells a release at both hospitals, and no span names a patient, a record or a user', async () => {
  const parent = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
  // Somebody for whom B keeps no token of A's yet, so that the trace has the whole way.
  const user = { id: 'dr-2', name: 'Dr Two', role: 'physician' }
  const token = await createHisClient({
    ...{ broker: b.broker.base, client: b.files.his, organization: b.config.identifier, user },
    now: () => b.clock.now(),
  }).token('TREAT')
  const asked = await fetch(`${b.broker.base}/fhir/Binary/${personal[9]}?name=Zonnebloem`, {
    headers: {
      authorization: `Bearer ${token}`,
      traceparent: `00-${parent.traceId}-${parent.spanId}-01`,
      tracestate: `his=${ANNA.value}`,
      baggage: `patient=${ANNA.value}`,
    },
  })
  expect(asked.status).toBe(200)
  const ours = await eventually(async () => {
    const found = spans().filter(({ traceId }) => traceId === parent.traceId)
    return found.some(({ parentSpanId }) => parentSpanId === parent.spanId) && found
  })
  const [root] = ours.filter(({ parentSpanId }) => parentSpanId === parent.spanId)
  expect(root?.name).toBe('GET /fhir/Binary/:id')
  const names = ours.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining([
      ...['peer record', 'POST /exchange/token', 'GET /exchange/record/:tag', 'decision record'],
      ...['chain consent', 'fhir version', 'verification record'],
    ]),
  )
  const of = (name: string) => ours.find((span) => span.name === name)
  expect(of('POST /exchange/token')?.parentSpanId).toBe(of('peer record')?.spanId)
  expect(of('fhir version')?.parentSpanId).toBe(of('GET /exchange/record/:tag')?.spanId)

  const keys = new Set(spans().flatMap(({ attributes }) => attributes.map(({ key }) => key)))
  expect([...keys].sort()).toEqual([
    ...[
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'wayleave.code',
      'wayleave.outcome',
    ],
  ])
  const text = received.join('')
  expect(personal.filter((word) => word !== 'c1' && text.includes(word))).toEqual([])
})

const readiness = async (hospital: TestHospital) => {
  const answer = await fetch(`${hospital.broker.base}/ready`)
  const { reasons } = (await answer.json()) as { reasons: string[] }
  return { status: answer.status, reasons }
}

/** What `wayleave index status` prints, and its exit code. */
async function statusOf(broker: string): Promise<{ code: number; text: string }> {
  let text = ''
  const code = await indexStatus(
    { broker },
    {
      out: (more) => {
        text += more
      },
    },
  )
  return { code, text }
}

test('readiness says that the FHIR server is gone, and when it is back; liveness does not care', async () => {
  const front = a.fhirFront as Front
  front.behave = async () => ({ status: 500, headers: {}, body: '' })
  await eventually(async () => (await readiness(a)).reasons.includes('source-unavailable'))
  expect((await readiness(a)).status).toBe(503)
  expect((await fetch(`${a.broker.base}/health`)).status).toBe(200)
  front.behave = undefined
  await eventually(async () => (await readiness(a)).status === 200)
})

test('readiness says that the chain stands still, and that the index is behind', async () => {
  const front = a.chainFront as Front
  front.behave = async ({ body }, forward) =>
    String(body).includes('eth_getLogs') ? { status: 500, headers: {}, body: '' } : forward()
  for (let i = 0; i < 4; i++) await world.provider.send('evm_mine', [])
  await eventually(async () => (await readiness(a)).reasons.includes('index-behind'))
  const behind = await statusOf(a.broker.base)
  expect(behind.code).toBe(1)
  expect(behind.text).toMatch(/^Being built: \d+ of \d+ blocks/m)
  front.behave = async () => ({ status: 500, headers: {}, body: '' })
  a.clock.elapse(11_000)
  expect((await readiness(a)).reasons).toEqual(expect.arrayContaining(['head-stale']))
  const { value } = await metricsOf(a)
  expect(value('wayleave_ready')).toBe(0)
  expect(value('wayleave_not_ready{reason="head-stale"}')).toBe(1)
  expect(value('wayleave_head_age_seconds')).toBeGreaterThan(10)
  expect(value('wayleave_index_lag_blocks')).toBeGreaterThan(2)
  front.behave = undefined
  await eventually(async () => (await readiness(a)).status === 200)
  expect((await metricsOf(a)).value('wayleave_index_seconds_left')).toBe(0)
  const follows = await statusOf(`${a.broker.base}/`)
  expect(follows.code).toBe(0)
  expect(follows.text).toMatch(
    /^Head: block \d+, .* old; the node is asked for new blocks\.\nIndexed: up to block \d+\.$/m,
  )
})

test('readiness says that the log is not anchored in time', async () => {
  await b.his.list(STRANGER, 'TREAT')
  b.clock.advance(61_000)
  expect((await readiness(b)).reasons).toContain('anchor-overdue')
})

test('readiness says that the database is gone, and metrics show gaps instead of old figures', async () => {
  await sql`alter table broker.records rename to records_gone`.execute(b.database.db)
  const { status, reasons } = await readiness(b)
  expect([status, reasons.includes('database-unavailable')]).toEqual([503, true])
  expect((await fetch(`${b.broker.base}/health`)).status).toBe(200)
  expect((await metricsOf(b)).text).toMatch(/^wayleave_entries_registered NaN$/im)
  await sql`alter table broker.records_gone rename to records`.execute(b.database.db)
  await eventually(async () => !(await readiness(b)).reasons.includes('database-unavailable'))
})
