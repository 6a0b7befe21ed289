import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AccessLogSuccessor__factory, type Contracts } from '../../src/chain/contracts.ts'
import { createMigration, REPLACEABLE } from '../../src/chain/migration/index.ts'
import { createSuccession, type DeployedSuccessor } from '../../src/chain/succession.ts'
import type { Identifier } from '../../src/domain/identity/national-ids.ts'
import { createPatientClient, type PatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { dropIndex } from '../../src/store/migrate.ts'
import { admit, partyOf } from '../support/acts.ts'
import { createAsker } from '../support/asker.ts'
import { insideOf, refusedAt } from '../support/inside.ts'
import { condition } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let annasId: Identifier
let old: Contracts
let deployed: DeployedSuccessor[]
const words = createWords()

// The steps of one migration, in their order: each test begins where the one before it ended.
beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  old = world.chain.contracts
  annasId = await admit(a, 'anna', 0)
  await a.settled()
  anna = await world.enrol(a, annasId, words)
  await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await listed()).length === 1)
}, 60_000)

afterAll(() => world?.close())

const somebody = () => new Wallet(Wallet.createRandom().privateKey, world.provider)
const contracts = () => ({
  ...old,
  ...Object.fromEntries(deployed.map(({ contract, successor }) => [contract, successor])),
})

async function listed(): Promise<string[]> {
  const { body } = await b.his.list(annasId, 'TREAT')
  return (body.entry ?? []).map(({ resource }) => resource?.id ?? '')
}

async function opened(): Promise<(string | undefined)[]> {
  const answers = await Promise.all((await listed()).map((id) => b.his.open(id, 'TREAT')))
  return answers.map(({ status, body }) => (status === 200 ? body.id : String(status))).sort()
}

const ask = async () => (await createAsker(b, a)).fetch(await insideOf(a).tagOf('Condition', 'anna-c1'))

test('whoever replaces the member registry deploys a successor of all that names it, and each holds the same', async () => {
  deployed = await createSuccession({ provider: world.provider, ...world.chain }).deploySuccessor(
    somebody(),
    'memberRegistry',
  )
  expect(deployed.map(({ contract }) => contract).sort()).toEqual([...REPLACEABLE, 'succession'].sort())
  for (const { contract, successor } of deployed) {
    const name = REPLACEABLE.find((one) => one === contract)
    if (!name) continue
    const migration = createMigration({
      provider: world.provider,
      contract: name,
      predecessor: old[name],
      successor,
      patientRegistry: old.patientRegistry,
      deployedAt: world.chain.deployedAt,
    })
    const { complete, parts } = await migration.migrate(somebody())
    expect([name, complete]).toEqual([name, true])
    // Windows go on being anchored meanwhile, so both are read at one block.
    for (const { of, digests } of parts) expect([of, digests.successor]).toEqual([of, digests.predecessor])
  }
}, 60_000)

test('with every contract replaced consents stand, and records registered before and after are opened', async () => {
  const predecessors = Object.fromEntries(REPLACEABLE.map((name) => [name, [old[name]]]))
  const codeHashes = Object.fromEntries(deployed.map(({ contract, codeHash }) => [contract, codeHash]))
  for (const hospital of [a, b]) {
    await hospital.stop()
    Object.assign(hospital.config.chain, { contracts: contracts(), predecessors, codeHashes })
    await dropIndex(hospital.database.db)
    await hospital.start()
  }
  await eventually(async () => (await opened()).join() === 'anna-c1')
  await a.put(condition('anna-c3', 'anna', 'Asthma'))
  await a.settled()
  await eventually(async () => (await opened()).join() === 'anna-c1,anna-c3')
}, 60_000)

test('a member’s windows go on at the successor, with no gap and no fork', async () => {
  const log = AccessLogSuccessor__factory.connect(contracts().accessLog, world.provider)
  await eventually(async () => {
    const [takenOver, last] = await Promise.all([log.takenOver(a.member), log.lastWindow(a.member)])
    return takenOver > 0n && last.number > takenOver
  })
  const takenOver = await log.takenOver(a.member)
  const [before, first] = await Promise.all(
    [0n, 1n].map(async (n) => {
      const anchored = log.filters.WindowAnchored(a.member, takenOver + n)
      const where = { fromBlock: 0, topics: await anchored.getTopicFilter() }
      const [event] = await world.provider.getLogs({
        ...where,
        address: [old.accessLog, contracts().accessLog],
      })
      return event && log.interface.parseLog(event)?.args
    }),
  )
  expect([first?.from, await log.hasForked(a.member)]).toEqual([before?.until, false])
  expect(await log.rootOf(a.member, takenOver)).toBe(before?.root)
})

test('a lock signed for the old contract counts at once and lands at the new one, and only a new signature opens', async () => {
  const { receipt } = await anna.lock()
  expect(receipt?.counts).toBe('now')
  await refusedAt(a, undefined, ask)
  await expect(anna.unlock()).rejects.toMatchObject({ code: 'wrong-contract' })
  const { consentRegistry, patientRegistry } = contracts()
  const device = createPatientClient({
    broker: a.broker.base,
    member: a.member,
    words,
    clock: a.clock,
    chain: { chainId: world.chain.chainId, consentRegistry, patientRegistry },
  })
  await device.unlock()
  await eventually(async () => (await ask()).status === 200)
  await device.revoke({ to: partyOf(b), purpose: 'TREAT' })
  await refusedAt(a, undefined, ask)
})
