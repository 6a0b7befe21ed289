import { afterAll, beforeAll, expect, test } from 'vitest'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, partyOf, passDays } from '../../support/acts.ts'
import { refusedAt } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let ANNA: Identifier
let CEES: Identifier
let record: string

const day = (ahead: number) => dateOfDay(dayOf(a.clock.now()) + ahead)
const list = async () => (await b.his.list(ANNA, 'TREAT')).body
const share = { purpose: 'TREAT', classes: ['problems'] }

/** Waits until heads are fresh and windows anchored again, so that what is refused is refused for the consent's sake. */
const steady = () =>
  eventually(async () => {
    const answers = await Promise.all(
      world.hospitals.map(async ({ broker }) => (await fetch(`${broker.base}/ready`)).json()),
    )
    return answers.every(
      (x) =>
        (x as { ready: boolean; unanchoredMs: number }).ready &&
        (x as { unanchoredMs: number }).unanchoredMs < 10_000,
    )
  })

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  ANNA = await admit(a, 'anna', 0)
  CEES = await admit(a, 'cees', 2)
  await a.settled()
  anna = await world.enrol(a, ANNA)
  const cees = await world.enrol(a, CEES)
  await cees.grant({ to: partyOf(b), ...share, from: day(0), until: day(30) })
  await eventually(async () => (await b.his.list(CEES, 'TREAT')).body.total === 1)
  record = (await b.his.list(CEES, 'TREAT')).body.entry?.[0]?.resource?.id ?? ''
}, 60_000)

afterAll(() => world?.close())

test('A consent that starts on a later day opens nothing before it, and opens on that day by itself', async () => {
  await anna.grant({ to: partyOf(b), ...share, from: day(2), until: day(4) })
  await eventually(async () => (await anna.consents()).consents[0]?.state === 'permit')
  expect((await list()).total).toBe(0)

  await passDays(world, 1)
  await steady()
  expect((await list()).total).toBe(0)

  await passDays(world, 1)
  await steady()
  const listed = await eventually(async () => ((await list()).total === 1 ? list() : undefined))
  const opened = await b.his.open(listed?.entry?.[0]?.resource?.id ?? '', 'TREAT')
  expect(opened.body.id).toBe('anna-c1')
})

test('On its last day a consent still opens, and on the next it is refused, listed no more, and told as expired', async () => {
  const id = (await list()).entry?.[0]?.resource?.id ?? ''
  await passDays(world, 2)
  await steady()
  expect((await b.his.open(id, 'TREAT')).status).toBe(200)

  await passDays(world, 1)
  await steady()
  const { answer } = await refusedAt(a, 'expired', () => b.his.open(id, 'TREAT'))
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  expect((await list()).total).toBe(0)
})

test('A longer consent is untouched by the end of a shorter one', async () => {
  expect((await b.his.open(record, 'TREAT')).body.id).toBe('cees-c1')
})

test('A consent may be given anew after its end', async () => {
  await anna.grant({ to: partyOf(b), ...share, from: day(0), until: day(1) })
  const listed = await eventually(async () => ((await list()).total === 1 ? list() : undefined))
  expect((await b.his.open(listed?.entry?.[0]?.resource?.id ?? '', 'TREAT')).status).toBe(200)
})
