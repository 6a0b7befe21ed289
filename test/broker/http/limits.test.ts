import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital

beforeAll(async () => {
  world = await createWorld({ hospitals: 1, requestsPerMinute: 40 })
  ;[a] = world.hospitals as [TestHospital]
}, 60_000)

afterAll(() => world?.close())

test('too many requests are refused with a word on when to come back, whatever the address', async () => {
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
