import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hex, toHex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient, STRANGER, somebody } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

const CARO = somebody(1)

let world: World
let a: TestHospital
let b: TestHospital
let asker: Awaited<ReturnType<typeof createAsker>>
/** Registered, of a patient who never enrolled; of one who did and granted nothing; of one who granted and revoked; and of nobody. */
let unbound: Hex
let unconsented: Hex
let revoked: Hex
const unknown = toHex(randomBytes(32))
/** Opened while Anna's consent stood. */
let openedOnce: string

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  await a.put(condition('of-anna', 'anna', 'Hypertension'))
  await a.put(condition('of-bram', 'bram', 'Hypertension'))
  await a.put(patient('caro', CARO))
  await a.put(condition('of-caro', 'caro', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  openedOnce = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  expect((await b.his.open(openedOnce, 'TREAT')).status).toBe(200)
  await anna.revoke({ to, purpose: 'TREAT' })
  await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 0)
  await world.enrol(a, BRAM)
  asker = await createAsker(b, a)
  unbound = await insideOf(a).tagOf('Condition', 'of-caro')
  unconsented = await insideOf(a).tagOf('Condition', 'of-bram')
  revoked = await insideOf(a).tagOf('Condition', 'of-anna')
}, 60_000)

afterAll(() => world?.close())

/** The whole answer as it came over the wire, less what may differ: the request's id, the date, and how many calls were made. */
async function wire(
  response: Response,
): Promise<{ status: number; headers: string[]; body: string; id: string }> {
  const id = response.headers.get('x-request-id') ?? ''
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  const varying = new Set(['date', 'x-request-id', 'ratelimit-remaining', 'ratelimit-reset'])
  const headers = [...response.headers]
    .filter(([name]) => !varying.has(name))
    .map(([name, value]) => `${name}: ${value}`)
  const body = (await response.text())
    .replaceAll(id, 'ID')
    .replace(/"timestamp":"[^"]*"/, '"timestamp":"DATE"')
  return { status: response.status, headers, body, id }
}

const withoutId = ({ id: _, ...rest }: Awaited<ReturnType<typeof wire>>) => rest

describe('at the HIS interface', () => {
  const search = async (identifier: { system: string; value: string }) =>
    wire(
      await fetch(`${b.broker.base}/fhir/DocumentReference/_search`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
        body: new URLSearchParams({ 'patient.identifier': identifierText(identifier) }),
      }),
    )

  test('a person unknown everywhere, one who never enrolled, one who granted nothing, and one who revoked give one empty list', async () => {
    const answers = [await search(STRANGER), await search(CARO), await search(BRAM), await search(ANNA)].map(
      withoutId,
    )
    expect(answers[0]?.status).toBe(200)
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ total: 0 })
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  test('a record that never was, one not granted, and one no longer granted are not available, in the same bytes', async () => {
    const open = async (id: string) =>
      withoutId(
        await wire(
          await fetch(`${b.broker.base}/fhir/Binary/${id}`, {
            headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
          }),
        ),
      )
    const { answer } = await refusedAt(a, 'revoked', async () => [
      await open('00000000-0000-5000-8000-000000000000'),
      await open('no-such-record'),
      await open(openedOnce),
    ])
    expect(answer[0]).toMatchObject({ status: 404 })
    expect(answer[0]?.body).toContain('"code":"not-available"')
    expect(answer[1]).toEqual(answer[0])
    expect(answer[2]).toEqual(answer[0])
  })
})

describe('at the exchange', () => {
  async function ask(tag: Hex) {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: `record:${tag}`,
      client_assertion: await asker.assertion(),
    })
    const dpop = await asker.proof('POST', asker.tokenUrl)
    const started = performance.now()
    const answer = await wire(await fetch(asker.tokenUrl, { method: 'POST', headers: { dpop }, body }))
    return { answer: withoutId(answer), ms: performance.now() - started }
  }

  test('an unknown tag, a patient who never enrolled, no consent, and a revoked one are refused in the same bytes', async () => {
    const one = await refusedAt(a, 'record-unknown', () => ask(unknown))
    const two = await refusedAt(a, 'no-consent', () => ask(unconsented))
    const three = await refusedAt(a, 'revoked', () => ask(revoked))
    const four = await refusedAt(a, 'handle-unbound', () => ask(unbound))
    expect(one.answer.answer).toMatchObject({ status: 404 })
    expect(one.answer.answer.body).toContain('#not-available"')
    expect(two.answer.answer).toEqual(one.answer.answer)
    expect(three.answer.answer).toEqual(one.answer.answer)
    expect(four.answer.answer).toEqual(one.answer.answer)
  })

  test('none of them is answered sooner than the others can be', async () => {
    const times: Record<string, number[]> = {}
    for (let i = 0; i < 7; i++) {
      for (const [name, tag] of Object.entries({ unknown, unbound, unconsented, revoked })) {
        const { ms } = await ask(tag)
        times[name] = [...(times[name] ?? []), ms]
      }
    }
    const medians = Object.entries(times).map(
      ([name, all]) => [name, Math.round(all.sort((x, y) => x - y)[3] ?? 0)] as const,
    )
    console.info('median milliseconds of a refusal:', Object.fromEntries(medians))
    // Each takes a whole number of steps of 120 ms; on a busy machine one may take a step more than another.
    for (const [, ms] of medians) expect(ms).toBeGreaterThanOrEqual(118)
  })

  test('and all are refusals of one kind in the custodian’s trail, each with its own reason', async () => {
    const refusals = (await insideOf(a).trail()).filter(({ kind }) => kind === 'refusal')
    const reasons = new Set(refusals.map(({ reason }) => reason))
    for (const reason of ['record-unknown', 'handle-unbound', 'no-consent', 'revoked'])
      expect(reasons).toContain(reason)
    const leaves = await insideOf(a).db().selectFrom('access_log').select('leaf').execute()
    expect(leaves.length).toBeGreaterThanOrEqual(refusals.length)
  })
})
