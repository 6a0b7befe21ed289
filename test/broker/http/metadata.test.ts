import type { CapabilityStatement } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let statement: CapabilityStatement

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  statement = (await (await fetch(`${a.broker.base}/fhir/metadata`)).json()) as CapabilityStatement
}, 60_000)

afterAll(() => world?.close())

const resources = () => statement.rest?.[0]?.resource ?? []

describe('What a broker says of itself', () => {
  test('names its own address, and is told to anybody', () => {
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      kind: 'instance',
      fhirVersion: '4.0.1',
      implementation: { url: `${a.broker.base}/fhir` },
    })
  })

  test('is true: whatever it lists is there', async () => {
    const calls = resources().flatMap(({ type, interaction = [], operation = [] }) => [
      ...interaction.flatMap(({ code }) => {
        if (code === 'search-type') return [['GET', `${type}`]]
        return code === 'read' ? [['GET', `${type}/x`]] : [['POST', `${type}`]]
      }),
      ...operation.map(({ name, definition }) => {
        const onInstance = /revokeConsent|Task-/.test(definition)
        return ['POST', onInstance ? `${type}/x/$${name}` : `${type}/$${name}`]
      }),
    ])
    expect(calls.length).toBeGreaterThan(10)
    for (const [method = '', path = ''] of calls) {
      const answer = await fetch(`${a.broker.base}/fhir/${path}`, { method })
      // Without a token: there, and for nobody in particular.
      expect([method, path, answer.status]).toEqual([method, path, 401])
    }
  })
})
