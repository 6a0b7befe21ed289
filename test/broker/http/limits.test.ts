import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital

beforeAll(async () => {
  world = await createWorld({ hospitals: 1, requestsPerMinute: 40, requestsPerMinuteOfClient: 30 })
  ;[a] = world.hospitals as [TestHospital]
}, 60_000)

afterAll(() => world?.close())

const asking = (token: string) =>
  fetch(`${a.broker.base}/fhir/AuditEvent?colour=red`, { headers: { authorization: `Bearer ${token}` } })

test('a program that asks too often is told when to come back, and no other program pays for it', async () => {
  const [his, auditor] = [await a.his.token('TREAT'), await a.auditor.token('HCOMPL')]
  const answers: Response[] = []
  for (let i = 0; i < 35; i++) answers.push(await asking(his))
  const [first] = answers
  expect(first?.status).toBe(403)
  const budget = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) =>
    Number(first?.headers.get(name)),
  )
  expect(budget.slice(0, 2)).toEqual([30, 29])
  expect(budget[2]).toBeGreaterThan(0)
  expect(answers.slice(0, 30).every(({ status }) => status === 403)).toBe(true)
  expect(answers.slice(30).map(({ status }) => status)).toEqual(Array(5).fill(429))
  expect(Number(answers[34]?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(answers[34]?.headers.get('ratelimit-remaining')).toBe('0')
  // The other one comes from the same address.
  expect((await asking(auditor)).headers.get('ratelimit-remaining')).toBe('29')
  // Nor does a token that only looks like the program's cost it anything: it counts for the address.
  expect((await asking(`${auditor}x`)).headers.get('ratelimit-limit')).toBe('40')
  expect((await asking(auditor)).headers.get('ratelimit-remaining')).toBe('28')
})

test('too many requests of nobody are refused with a word on when to come back, whatever the address', async () => {
  const statuses: number[] = []
  for (let i = 0; i < 60; i++) {
    statuses.push((await fetch(`${a.broker.base}${i % 2 ? '/nowhere' : '/fhir/Binary/x'}`)).status)
  }
  expect(statuses.slice(0, 20).every((status) => status !== 429)).toBe(true)
  expect(statuses.slice(-10)).toEqual(Array(10).fill(429))
  for (const path of ['/nowhere', '/fhir/Binary/x', '/auth/token']) {
    const response = await fetch(`${a.broker.base}${path}`, path === '/auth/token' ? { method: 'POST' } : {})
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    const isToken = path === '/auth/token'
    expect(response.headers.get('content-type')).toMatch(
      isToken ? /^application\/json/ : /^application\/fhir\+json/,
    )
    expect(await answerOf(response)).toMatchObject({
      status: 429,
      code: 'rate-limited',
      body: isToken ? { error: 'temporarily_unavailable' } : { resourceType: 'OperationOutcome' },
    })
  }
})
