import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { callFields } from '../../../src/tracing/call-context.ts'
import type { FrontRequest } from '../../support/front.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
const lines: { hospital: string; request?: string; trace?: string; code?: string; msg: string }[] = []

const captured = (hospital: string) =>
  pino(
    { level: 'debug', base: { hospital }, mixin: callFields },
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(JSON.parse(String(chunk)) as (typeof lines)[number])
        done()
      },
    }),
  )

beforeAll(async () => {
  world = await createWorld({ log: captured, fronts: { fhir: ['a'], broker: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 1)
}, 60_000)

afterAll(() => world?.close())

/** What reaches hospital a's broker and FHIR server while `work` runs. */
async function reaching(work: () => Promise<unknown>) {
  const [broker, fhir]: [FrontRequest[], FrontRequest[]] = [[], []]
  const { brokerFront, fhirFront } = a
  if (!brokerFront || !fhirFront) throw new Error('no fronts')
  brokerFront.behave = (asked, forward) => {
    broker.push(asked)
    return forward()
  }
  fhirFront.behave = (asked, forward) => {
    fhir.push(asked)
    return forward()
  }
  await work()
  brokerFront.behave = undefined
  fhirFront.behave = undefined
  return { broker, fhir }
}

async function open(headers: Record<string, string>): Promise<Response> {
  const id = (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id
  const authorization = `Bearer ${await b.his.token('TREAT')}`
  return fetch(`${b.broker.base}/fhir/Binary/${id}`, { headers: { authorization, ...headers } })
}

describe('a call', () => {
  test('keeps its id and its trace from the HIS to the other hospital’s FHIR server, and in both logs', async () => {
    const [id, trace] = [randomUUID(), '4bf92f3577b34da6a3ce929d0e0e4736']
    const before = lines.length
    const { broker, fhir } = await reaching(async () => {
      const answer = await open({
        'x-request-id': id,
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
        tracestate: 'vendor=anna',
      })
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, id])
    })
    const exchange = broker.filter(({ path }) => path.startsWith('/exchange/'))
    expect(exchange.map(({ path }) => path.split('/')[2])).toEqual(['token', 'record'])
    const reads = fhir.filter(({ path }) => path.includes('/Condition/'))
    expect(reads.length).toBeGreaterThan(0)
    for (const { headers } of [...exchange, ...reads]) {
      expect(headers['x-request-id']).toBe(id)
      expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
      expect(headers.tracestate).toBeUndefined()
    }
    // Each broker is a span of its own.
    const spans = new Set(
      [...exchange, ...reads].map(({ headers }) => String(headers.traceparent).split('-')[2]),
    )
    expect(spans.size).toBeGreaterThan(1)
    const logged = lines.slice(before).filter(({ request }) => request === id)
    expect(new Set(logged.map(({ hospital, trace: of }) => [hospital, of].join()))).toEqual(
      new Set([`a,${trace}`, `b,${trace}`]),
    )
  })

  test('without an id, or with one that could name a patient, gets one, and an error tells it', async () => {
    for (const headers of [{}, { 'x-request-id': ANNA.value }]) {
      const answer = await fetch(`${b.broker.base}/fhir/Binary/x`, { headers })
      const id = answer.headers.get('x-request-id') ?? ''
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect(await answer.json()).toMatchObject({ issue: [{ diagnostics: id }] })
      expect(lines.some(({ request, code }) => request === id && code === 'token-missing')).toBe(true)
    }
    expect(JSON.stringify(lines)).not.toContain(ANNA.value)
  })
})
