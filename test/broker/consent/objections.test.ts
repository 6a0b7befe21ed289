import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupId } from '../../../src/domain/identity/member-id.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { admit, EVERYONE, groupOf, partyOf } from '../../support/acts.ts'
import { refusedAt } from '../../support/inside.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
const people: Record<string, { client: PatientClient; id: Identifier }> = {}

beforeAll(async () => {
  world = await createWorld({ hospitals: 3, groups: ['gp'] })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  await world.council.joinGroup(groupId('gp'), b.member)
  const ids = [await admit(a, 'anna', 0), await admit(a, 'bram', 1), await admit(a, 'cees', 2)]
  await a.settled()
  for (const [i, name] of ['anna', 'bram', 'cees'].entries()) {
    const id = ids[i] as Identifier
    people[name] = { id, client: await world.enrol(a, id) }
  }
}, 60_000)

afterAll(() => world?.close())

const of = (name: string) => people[name] as { client: PatientClient; id: Identifier }
const share = { purpose: 'TREAT', classes: ['problems'] }

/** The one problem of a person that a hospital is shown. */
async function shown(name: string, at: TestHospital): Promise<string> {
  const { id } = of(name)
  return eventually(async () => {
    const { body } = await at.his.list(id, 'TREAT')
    return body.total === 1 ? (body.entry?.[0]?.resource?.id ?? '') : ''
  })
}

/** Refused for one of these reasons: an act may be mined at any moment after it was taken. */
async function isRefused(record: string, at: TestHospital, ...reasons: string[]) {
  const { answer, gained } = await refusedAt(a, undefined, () => at.his.open(record, 'TREAT'))
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
  const told = gained.flatMap(({ kind, reason }) => (kind === 'refusal' ? [reason] : []))
  expect(told).toHaveLength(1)
  expect(reasons).toContain(told[0])
}

test('An objection to one organisation beats a consent for everyone, there and nowhere else', async () => {
  const { client, id } = of('anna')
  await client.grant({ to: EVERYONE, ...share })
  const [atB, atC] = [await shown('anna', b), await shown('anna', c)]
  expect((await b.his.open(atB, 'TREAT')).status).toBe(200)

  await client.object({ to: partyOf(b), purpose: 'TREAT' })
  await isRefused(atB, b, 'objection-pending', 'objection')
  await eventually(async () => (await client.consents()).consents.some(({ state }) => state === 'objection'))
  await isRefused(atB, b, 'objection')
  expect((await c.his.open(atC, 'TREAT')).status).toBe(200)
  await eventually(async () => (await b.his.list(id, 'TREAT')).body.total === 0)
  expect((await c.his.list(id, 'TREAT')).body.total).toBe(1)
})

test('Withdrawing the objection, which takes a signature too, lets the wider consent count again', async () => {
  await of('anna').client.withdraw({ to: partyOf(b), purpose: 'TREAT' })
  const record = await shown('anna', b)
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
})

test('An objection to one organisation beats a consent for its group', async () => {
  const { client } = of('bram')
  await new Promise((done) => setTimeout(done, 1_100)) // joined before the second in which the grant is mined
  await client.grant({ to: groupOf('gp'), ...share })
  const record = await shown('bram', b)
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  await client.object({ to: partyOf(b), purpose: 'TREAT' })
  await isRefused(record, b, 'objection-pending', 'objection')
})

test('An objection to a purpose covers what the purpose includes, and a nearer consent beats it', async () => {
  const { client } = of('bram')
  await client.object({ to: partyOf(c), purpose: 'PurposeOfUse' })
  await client.grant({ to: partyOf(c), ...share })
  const record = await shown('bram', c)
  expect((await c.his.open(record, 'TREAT')).status).toBe(200)
  const { answer } = await refusedAt(a, 'objection', () => c.his.open(record, 'HOPERAT'))
  expect(answer.code).toBe('not-available')
})

test('An objection in the same slot ends the consent that stood there; withdrawn, it does not bring it back', async () => {
  const { client, id } = of('cees')
  const slot = { to: partyOf(b), purpose: 'TREAT' }
  await client.grant({ ...slot, classes: ['problems'] })
  const record = await shown('cees', b)
  await client.object(slot)
  await isRefused(record, b, 'objection-pending', 'objection')
  await client.withdraw(slot)
  await eventually(async () => (await client.consents()).consents.every(({ state }) => state === 'silent'))
  await isRefused(record, b, 'revoked')
  await eventually(async () => (await b.his.list(id, 'TREAT')).body.total === 0)
})

test('A locked patient shares nothing; unlocked, the consents in force count again, and new ones can be given', async () => {
  const { client, id } = of('cees')
  await client.grant({ to: partyOf(b), ...share })
  const record = await shown('cees', b)
  await client.lock()
  await isRefused(record, b, 'lock-pending', 'locked')
  await eventually(async () => (await client.consents()).locked)
  await isRefused(record, b, 'locked')
  await eventually(async () => (await b.his.list(id, 'TREAT')).body.total === 0)
  await expect(client.grant({ to: partyOf(c), ...share })).rejects.toMatchObject({ code: 'epoch-wrong' })

  await client.unlock()
  await eventually(async () => (await b.his.open(record, 'TREAT')).status === 200)
  expect(await shown('cees', b)).toBe(record)
  await client.grant({ to: partyOf(c), ...share })
  await shown('cees', c)
})
