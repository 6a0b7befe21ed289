import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANNA, condition, patient } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  world = await createWorld({ windowMs: 30_000 })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterAll(() => world?.close())

test('a broker that was stopped for more than a minute anchors what it had logged, and then releases again', async () => {
  const anna = await world.enrol(a, ANNA)
  const to = {
    granteeType: 'Organization' as const,
    grantee: `${b.config.identifier.system}|${b.config.identifier.value}`,
  }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const id = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
  expect((await b.his.open(id ?? '', 'TREAT')).status).toBe(200)

  await a.stop()
  for (const { clock } of [a, b]) clock.advance(120_000)
  await world.provider.send('evm_increaseTime', [120])
  await a.start()

  await eventually(async () => (await fetch(`${a.broker.base}/ready`)).ok)
  expect((await b.his.open(id ?? '', 'TREAT')).status).toBe(200)
})

test('a broker whose windows do not reach the chain is not ready', async () => {
  for (const { clock } of [a, b]) clock.advance(61_000)
  expect((await fetch(`${a.broker.base}/ready`)).status).toBe(503)
})
