import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemberRegistry__factory } from '../../../src/chain/contracts.ts'
import { mined } from '../../../src/chain/mined.ts'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import { groupId } from '../../../src/domain/identity/member-id.ts'
import type { Identifier } from '../../../src/domain/identity/national-ids.ts'
import { requestTask } from '../../../src/fhir/request-task.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { ALL_ROLES } from '../../../src/sandbox/council.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { admit, EVERYONE, groupOf, indexed, partyOf } from '../../support/acts.ts'
import { createAsker } from '../../support/asker.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { condition } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
const people = new Map<string, { client: PatientClient; id: Identifier }>()

const share = { purpose: 'TREAT', classes: ['problems'] }
/** Block times are whole seconds, and an equal one counts as later. */
const nextSecond = () => new Promise((done) => setTimeout(done, 1_100))
const of = (name: string) => people.get(name) as { client: PatientClient; id: Identifier }

beforeAll(async () => {
  world = await createWorld({ hospitals: 3, groups: ['gp', 'others'] })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  const names = ['anna', 'bram', 'cees', 'dirk', 'emma', 'fien']
  const ids: Identifier[] = []
  for (const [i, name] of names.entries()) ids.push(await admit(a, name, i))
  await a.settled()
  for (const [i, name] of names.entries()) {
    people.set(name, { id: ids[i] as Identifier, client: await world.enrol(a, ids[i] as Identifier) })
  }
  await of('anna').client.grant({ to: partyOf(b), ...share })
  await eventually(async () => (await shown('anna', b)) !== undefined)
}, 60_000)

afterAll(() => world?.close())

async function shown(name: string, at: TestHospital): Promise<string | undefined> {
  return (await at.his.list(of(name).id, 'TREAT')).body.entry?.find(
    ({ resource }) => resource?.status === 'current',
  )?.resource?.id
}

/** As the member's own broker would ask, whatever it was shown. */
async function ask(name: string, from: TestHospital) {
  return (await createAsker(from, a)).fetch(await insideOf(a).tagOf('Condition', `${name}-c1`))
}

async function isRefused(name: string, from: TestHospital, reason: string) {
  const { answer } = await refusedAt(a, reason, () => ask(name, from))
  expect([answer.status, answer.code]).toEqual([404, 'not-available'])
}

const isOpened = async (name: string, from: TestHospital) => (await ask(name, from)).status === 200

describe('A suspended member', () => {
  test('gets nothing from the moment of its suspension, even what it listed before, and all of it when reinstated', async () => {
    const record = (await shown('anna', b)) ?? ''
    expect((await b.his.open(record, 'TREAT')).status).toBe(200)
    await world.council.suspend(b.member)
    const { answer } = await refusedAt(a, 'member-not-live', () => b.his.open(record, 'TREAT'))
    expect([answer.status, answer.code]).toEqual([404, 'not-available'])
    await eventually(async () => (await b.his.list(of('anna').id, 'TREAT')).body.total === 0)
    await world.council.reinstate(b.member)
    expect((await b.his.open(record, 'TREAT')).status).toBe(200)
    await eventually(async () => (await shown('anna', b)) === record)
  })

  test('hands out nothing either; what its hospital writes meanwhile is registered when it is reinstated, and nothing is lost', async () => {
    const record = (await shown('anna', b)) ?? ''
    await world.council.suspend(a.member)
    const { answer } = await refusedAt(a, 'member-not-live', () => b.his.open(record, 'TREAT'))
    expect(answer.code).toBe('not-available')
    await a.put(condition('anna-c3', 'anna', 'Asthma', '195967001'))
    await eventually(async () => ((await readyAt(a)).waiting > 0 ? true : undefined))
    // The patient's own acts need nobody's membership.
    const { client } = of('fien')
    await client.object({ to: EVERYONE, purpose: 'TREAT' })
    await eventually(async () =>
      (await client.consents()).consents.some(({ state }) => state === 'objection'),
    )
    expect((await readyAt(a)).waiting).toBeGreaterThan(0)

    await world.council.reinstate(a.member)
    await a.settled()
    await eventually(async () => (await b.his.list(of('anna').id, 'TREAT')).body.total === 2)
    expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  })
})

describe('Of a member that has left', () => {
  const wish = (custodian: TestHospital) => {
    const today = dayOf(a.clock.now())
    return requestTask({
      patient: of('dirk').id,
      custodian: custodian.config.identifier,
      ...{ dataClasses: ['problems'], sensitivities: [], reason: '' },
      ...{ from: dateOfDay(today), until: dateOfDay(today + 9), answerUntil: dateOfDay(today + 2) },
      patientNamedCustodian: true,
    })
  }

  test('requests are shown to nobody, cannot be approved, and nothing is granted to it; what narrows is taken', async () => {
    const { client } = of('dirk')
    const { id = '' } = (await c.his.ask(wish(a), 'TREAT')).body
    await eventually(async () => (await client.requests()).length === 1)
    const [request] = await client.requests()
    await world.council.suspend(c.member)
    await eventually(async () => (await client.requests()).length === 0)
    expect((await a.his.tasks()).body.total).toBe(0)
    expect((await a.his.decide(id, '$approve')).code).toBe('task-unknown')
    for (const widen of [
      () => client.grant({ to: partyOf(c), ...share }),
      () => client.answer(request as never),
    ])
      await expect(widen()).rejects.toMatchObject({ code: 'member-not-live' })
    expect((await client.object({ to: partyOf(c), purpose: 'TREAT' })).receipt?.counts).toBe('now')
    await world.council.reinstate(c.member)
    await eventually(async () => (await client.requests()).length === 1)
    await client.refuse(request as never)
    await client.withdraw({ to: partyOf(c), purpose: 'TREAT' })
  })

  test('nothing is listed or asked for any more, and its patients revoke and lock through any other', async () => {
    const { client, id } = of('anna')
    const total = async () => (await b.his.list(id, 'TREAT')).body.total ?? 0
    expect(await total()).toBeGreaterThan(0)
    await world.council.suspend(a.member)
    await eventually(async () => (await total()) === 0)
    // A refuses at once; B asks nobody once its own index says so.
    await indexed(world, b)
    expect((await b.his.ask(wish(a), 'TREAT')).code).toBe('member-unknown')
    const via = { base: c.broker.base, custodianKeys: publicJwks(a.files.keyring) as never }
    await client.lock({ via })
    await eventually(async () => (await client.consents()).locked)
    await world.council.reinstate(a.member)
    await client.unlock()
    await eventually(async () => (await total()) > 0)
  })
})

const readyAt = async ({ broker }: TestHospital) =>
  (await (await fetch(`${broker.base}/ready`)).json()) as { waiting: number; unsent: number }

describe('A consent for a group', () => {
  test('reaches who had joined before it, and not who joins later', async () => {
    await world.council.joinGroup(groupId('gp'), b.member)
    await nextSecond()
    await of('bram').client.grant({ to: groupOf('gp'), ...share })
    await eventually(() => isOpened('bram', b))
    await isRefused('bram', c, 'no-consent')
    await nextSecond()
    await world.council.joinGroup(groupId('gp'), c.member)
    await isRefused('bram', c, 'group-joined-later')
    await indexed(world, a)
    expect(await shown('bram', c)).toBeUndefined()
    expect(await shown('bram', b)).toBeDefined()
  })

  test('reaches who joins later where the patient signed so', async () => {
    await of('cees').client.grant({ to: groupOf('others'), ...share, flags: { laterMembersToo: true } })
    await eventually(async () =>
      (await of('cees').client.consents()).consents.some(({ state }) => state === 'permit'),
    )
    await isRefused('cees', c, 'no-consent')
    await nextSecond()
    await world.council.joinGroup(groupId('others'), c.member)
    await eventually(() => isOpened('cees', c))
    await eventually(async () => (await shown('cees', c)) !== undefined)
    await isRefused('cees', b, 'no-consent')
  })

  test('ends for whoever leaves the group', async () => {
    await world.council.leaveGroup(groupId('others'), c.member)
    await isRefused('cees', c, 'no-consent')
    await eventually(async () => (await shown('cees', c)) === undefined)
  })

  test('and an objection to a group count also where the hospital was never told the group’s name', async () => {
    await world.council.joinGroup(groupId('unheard-of'), b.member)
    await nextSecond()
    const { client } = of('dirk')
    await client.grant({ to: groupOf('unheard-of'), ...share })
    await eventually(() => isOpened('dirk', b))
    await client.grant({ to: EVERYONE, ...share })
    await eventually(() => isOpened('dirk', c))
    await client.object({ to: groupOf('unheard-of'), purpose: 'TREAT' })
    expect(await isOpened('dirk', b)).toBe(false)
    expect(await isOpened('dirk', c)).toBe(true)
  })
})

describe('A member that was removed and admitted anew', () => {
  /** A lost key means a new admission, and that is a new generation (design §3). */
  async function readmit(hospital: TestHospital) {
    const { files, config, broker } = hospital
    const profile = {
      name: config.name,
      identifier: config.identifier,
      endpoint: broker.base,
      jwks: publicJwks(files.keyring),
    }
    await nextSecond()
    await world.council.remove(hospital.member)
    await isRefused('emma', hospital, 'member-not-live')
    await world.council.admit(
      hospital.member,
      ALL_ROLES,
      new Wallet(files.keyring.operator).address,
      JSON.stringify(profile),
    )
    await indexed(world, a)
  }

  test('finds none of the consents that it had: not for itself, its groups, nor everyone, save where later members were meant', async () => {
    const [emma, fien] = [of('emma').client, of('fien').client]
    await emma.grant({ to: EVERYONE, ...share })
    await fien.withdraw({ to: EVERYONE, purpose: 'TREAT' })
    await fien.grant({ to: EVERYONE, ...share, flags: { laterMembersToo: true } })
    for (const name of ['anna', 'bram', 'emma', 'fien']) await eventually(() => isOpened(name, b))

    await readmit(b)
    await isRefused('anna', b, 'grantee-generation')
    await isRefused('bram', b, 'no-consent')
    await isRefused('emma', b, 'grantee-generation')
    expect(await isOpened('fien', b)).toBe(true)
    // Pushed to who was admitted later, and taken back from whom it does not reach.
    await eventually(async () => (await shown('fien', b)) !== undefined)
    await eventually(async () => (await shown('emma', b)) === undefined)
    expect(await isOpened('emma', c)).toBe(true)
    await eventually(async () => (await shown('anna', b)) === undefined)
  })

  test('is reached by a consent that is given to it anew', async () => {
    await nextSecond()
    await of('anna').client.grant({ to: partyOf(b), ...share })
    await eventually(() => isOpened('anna', b))
    expect(await eventually(() => shown('anna', b))).toBeDefined()
  })
})

test('A member that publishes another’s identifier as its own gets nothing of what the other may see', async () => {
  expect(await isOpened('anna', b)).toBe(true)
  const { files, broker } = c
  const operator = new Wallet(files.keyring.operator, world.provider)
  const registry = MemberRegistry__factory.connect(world.chain.contracts.memberRegistry, operator)
  const borrowed = {
    name: 'Hospital B',
    identifier: b.config.identifier,
    endpoint: broker.base,
    jwks: publicJwks(files.keyring),
  }
  // C's own broker sends from the same account and may take a number first; then the next one is tried.
  await eventually(async () => {
    const nonce = await world.provider.getTransactionCount(operator.address)
    const free = { maxFeePerGas: 0, maxPriorityFeePerGas: 0, nonce }
    await mined(await registry.setProfile(JSON.stringify(borrowed), free))
    return true
  })
  await indexed(world, a)
  const { answer } = await refusedAt(a, undefined, () => ask('anna', c))
  expect(answer.status).toBeGreaterThanOrEqual(400)
  // Nor does one without any name pass for somebody whom a consent for everyone reaches.
  expect(await isOpened('emma', c)).toBe(false)
})
