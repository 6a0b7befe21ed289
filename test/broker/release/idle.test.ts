import { afterAll, beforeAll, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  // Windows far apart: nothing that the brokers do themselves shall keep the chain moving.
  world = await createWorld({ windowMs: 30_000 })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterAll(() => world?.close())

test('after 15 seconds in which nothing happened a record is read as before: heads stay fresh while idle', async () => {
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  await new Promise((done) => setTimeout(done, 15_000))
  const { headAgeMs } = (await (await fetch(`${a.broker.base}/ready`)).json()) as { headAgeMs: number }
  expect(headAgeMs).toBeLessThan(10_000)
  expect(await b.his.open(record, 'TREAT')).toMatchObject({ status: 200, body: { id: 'c1' } })
}, 45_000)
