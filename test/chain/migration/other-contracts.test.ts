import { id, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  AccessLog__factory,
  AccessManager__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  MemberRegistry__factory,
  MemberRegistrySuccessor__factory,
  RecordDirectory__factory,
  RecordDirectorySuccessor__factory,
} from '../../../src/chain/contracts.ts'
import { ROLES } from '../../../src/chain/deploy.ts'
import { createMigration, type Proof, type Replaceable } from '../../../src/chain/migration/index.ts'
import { createSuccession } from '../../../src/chain/succession.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { createTestChain, FREE, mined, pointerFor, type TestChain, type TestMember } from '../test-chain.ts'

const TAGS = 60
/** Emergencies among them. */
const EVERY_ROLE = 63

let chain: TestChain
let a: TestMember
let b: TestMember

beforeAll(async () => {
  chain = await createTestChain()
  ;[a, b] = [await chain.member('a'), await chain.member('b')]
  for (const member of [a, b])
    await chain.register(member, ...Array.from({ length: TAGS }, (_, i) => `${member.id} ${i}`))
}, 60_000)
afterAll(() => chain.close())

const stranger = () => new Wallet(Wallet.createRandom().privateKey, chain.provider)

async function deploy(contract: Replaceable) {
  const [made] = await createSuccession(chain).deploySuccessor(stranger(), contract)
  const successor = made?.successor ?? ''
  const { patientRegistry } = chain.contracts
  const predecessor = chain.contracts[contract]
  return { successor, ...createMigration({ ...chain, contract, predecessor, successor, patientRegistry }) }
}

const equal = ({ parts }: Proof) =>
  parts.every(({ digests }) => digests.predecessor === digests.successor) && parts.map(({ items }) => items)

test('every tag of a directory is adopted, of one custodian in a transaction (I8)', async () => {
  const { successor, migrate, prove } = await deploy('recordDirectory')
  expect(await prove()).toMatchObject({ parts: [{ standing: { missing: 2 * TAGS } }], complete: false })
  const told: string[] = []
  const proof = await migrate(stranger(), (done, all) => told.push(`${done} of ${all}`))
  expect([equal(proof), proof.complete]).toEqual([[2 * TAGS], true])
  expect(told).toEqual(['50 of 120', '60 of 120', '110 of 120', '120 of 120'])
  const next = RecordDirectorySuccessor__factory.connect(successor, chain.provider)
  const adopted = await next.queryFilter(next.filters.RecordAdopted(), 0)
  const custodians = Map.groupBy(adopted, ({ transactionHash }) => transactionHash)
  for (const [, events] of custodians) expect(new Set(events.map(({ args }) => args.custodian)).size).toBe(1)
  expect(custodians.size).toBe(4)
})

test('a tag of which its custodian says something else at each directory is told, and what counts stands', async () => {
  const { successor, migrate } = await deploy('recordDirectory')
  const at = (address: string, said: string) =>
    mined(
      RecordDirectory__factory.connect(address, a.wallet).register(
        [id('twice')],
        [id(said)],
        pointerFor(said),
        FREE,
      ),
    )
  await at(successor, 'here')
  await at(chain.contracts.recordDirectory, 'there')
  const { parts, complete } = await migrate(stranger())
  expect([parts[0]?.standing.differs, complete]).toEqual([1, true])
  const next = RecordDirectory__factory.connect(successor, chain.provider)
  expect(await next.commitmentOf(a.id, id('twice'))).toBe(id('here'))
})

test('windows are proven without being copied, and one anchored at the old log afterwards is told', async () => {
  const now = await chain.blockTime()
  const anchor = (address: string, number: number) =>
    mined(AccessLog__factory.connect(address, a.wallet).anchor(number, now + number, id(`${number}`), FREE))
  for (const number of [1, 2, 3]) await anchor(chain.contracts.accessLog, number)
  const { successor, migrate, prove } = await deploy('accessLog')
  expect(equal(await migrate(stranger()))).toEqual([3, 1])
  await anchor(successor, 4)
  expect((await prove()).parts.map(({ standing }) => standing)).toMatchObject([
    { equal: 3, differs: 0 },
    { equal: 0, 'moved on': 1 },
  ])
  await anchor(chain.contracts.accessLog, 4)
  await anchor(chain.contracts.accessLog, 5)
  // Number 4 has the same root at both, and number 5 is none of the successor's.
  expect(await prove()).toMatchObject({ parts: [{ standing: { equal: 4, differs: 1 } }, {}], complete: true })
})

test('open requests and emergencies are the successor’s as well, and are closed there', async () => {
  const inner = id('inner')
  const commitment = id('a request')
  const now = await chain.blockTime()
  const requests = AccessRequests__factory.connect(chain.contracts.accessRequests, a.wallet)
  await mined(requests.open(commitment, now + 100, FREE))
  const asked = await deploy('accessRequests')
  expect(equal(await asked.prove())).toEqual([1])
  await chain.provider.send('evm_increaseTime', [100 + 86_400])
  await mined(AccessRequests__factory.connect(asked.successor, stranger()).lapse(commitment, FREE))
  expect((await asked.prove()).parts[0]?.standing['moved on']).toBe(1)

  const c = new Wallet(Wallet.createRandom().privateKey, chain.provider)
  await chain.council.admit(id('c') as Hex, EVERY_ROLE, c.address, '{}')
  const glass = BreakGlass__factory.connect(chain.contracts.breakGlass, c)
  await mined(glass.declare(inner, (await chain.blockTime()) + 100, FREE))
  const emergencies = await deploy('breakGlass')
  expect(equal(await emergencies.prove())).toEqual([1])
  const next = BreakGlass__factory.connect(emergencies.successor, chain.provider)
  const today = Math.floor((await chain.blockTime()) / 86_400)
  expect([...(await next.quotaOf(id('c'), today))]).toEqual([1n, (await glass.quotaOf(id('c'), today)).quota])
})

test('members, their operators and groups are what they are at the predecessor', async () => {
  await chain.council.joinGroup(id('a group') as Hex, a.id)
  const { successor, prove } = await deploy('memberRegistry')
  expect(equal(await prove())).toEqual([3, 3, 1])
  await chain.council.suspend(b.id)
  const next = MemberRegistry__factory.connect(successor, chain.provider)
  expect((await next.memberState(b.id)).status).toBe(2n)
  expect(equal(await prove())).toEqual([3, 3, 1])
})

test('the council suspends at a new member registry at once, after the votes that bind its functions', async () => {
  const { accessManager } = chain.contracts
  const { successor } = await deploy('memberRegistry')
  const manager = AccessManager__factory.createInterface()
  const next = MemberRegistrySuccessor__factory.connect(successor, chain.provider)
  const api = next.interface
  const bind = (names: ('suspend' | 'adopt')[], role: bigint) =>
    chain.council.act({
      target: accessManager,
      data: manager.encodeFunctionData('setTargetFunctionRole', [
        successor,
        names.map((name) => api.getFunction(name).selector),
        role,
      ]),
    })
  await bind(['suspend'], ROLES.atOnce)
  await bind(['adopt'], ROLES.delayed)
  const held = AccessManager__factory.connect(accessManager, chain.provider)
  const who = chain.contracts.council
  expect(await held.canCall(who, successor, api.getFunction('suspend').selector)).toEqual([true, 0n])
  await chain.council.act({ target: successor, data: api.encodeFunctionData('adopt', [[a.id]]) })
  await chain.council.act({ target: successor, data: api.encodeFunctionData('suspend', [a.id]) })
  expect([await next.isTakenOver(a.id), (await next.memberState(a.id)).status]).toEqual([true, 2n])
  await expect(next.connect(stranger()).suspend(b.id, FREE)).rejects.toThrow()
  const old = MemberRegistry__factory.connect(chain.contracts.memberRegistry, chain.provider)
  expect((await old.memberState(a.id)).status).toBe(1n)
})

test('a block in the past is proven as it was', async () => {
  const { migrate, prove } = await deploy('recordDirectory')
  const before = await chain.height()
  await migrate(stranger())
  const { block, parts, complete } = await prove(before)
  expect([block, complete, parts[0]?.standing.equal]).toEqual([before, false, 0])
})

test('an address that is a successor of none of the contracts is refused', async () => {
  const succession = createSuccession(chain)
  await expect(succession.lineOf(chain.contracts.accessLog)).rejects.toThrow('is no successor of a contract')
  const { successor } = await deploy('accessLog')
  expect(await succession.lineOf(successor)).toEqual({
    contract: 'accessLog',
    predecessor: chain.contracts.accessLog,
    predecessors: [chain.contracts.accessLog],
  })
})
