import { id, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessManager__factory, MemberRegistry__factory } from '../../src/chain/contracts.ts'
import { type Council, createCouncil } from '../../src/chain/council.ts'
import { ROLES } from '../../src/chain/deploy.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { createTestChain, type TestChain, type TestMember } from './test-chain.ts'

const DELAY = 14 * 86_400
const WEEK = 7 * 86_400

let chain: TestChain
let council: Council
let registry: ReturnType<typeof MemberRegistry__factory.connect>
let member: TestMember
let provider: Wallet
let regulator: Wallet
let advocate: Wallet

beforeAll(async () => {
  // The first member comes before the delay does.
  chain = await createTestChain()
  member = await chain.member('hospital')
  council = createCouncil(chain)
  registry = MemberRegistry__factory.connect(chain.contracts.memberRegistry, chain.provider)
  ;[provider, regulator, advocate] = chain.seats as [Wallet, Wallet, Wallet]
  const manager = AccessManager__factory.createInterface()
  for (const role of [ROLES.delayed, ROLES.admin]) {
    const wait = manager.encodeFunctionData('grantRole', [role, chain.contracts.council, DELAY])
    await chain.council.act({ target: chain.contracts.accessManager, data: wait })
  }
}, 60_000)
afterAll(() => chain.close())

const call = (name: 'suspend' | 'reinstate' | 'remove') =>
  registry.interface.encodeFunctionData(name as 'suspend', [member.id])

/** Proposed by the providers' seat, and carried by the others. */
async function carried(data: string, target = chain.contracts.memberRegistry): Promise<number> {
  const act = await council.propose(provider, target, data)
  await council.approve(regulator, act)
  await council.approve(advocate, act)
  return act
}

async function stateOf(act: number) {
  return (await council.acts()).find((one) => one.id === act)?.state
}

async function pass(seconds: number): Promise<void> {
  await chain.provider.send('evm_increaseTime', [seconds])
  await chain.mine(1)
}

const statusOf = async () => (await registry.memberState(member.id)).status

test('a vote of each chamber suspends a member at once', async () => {
  const act = await council.propose(provider, chain.contracts.memberRegistry, call('suspend'))
  await council.approve(regulator, act)
  expect([await stateOf(act), await statusOf()]).toEqual(['proposed', 1n])
  await council.approve(advocate, act)
  expect([await stateOf(act), await statusOf()]).toEqual(['done', 2n])
})

test('a reinstatement waits fourteen days, whoever asks for it earlier', async () => {
  const act = await carried(call('reinstate'))
  expect(await stateOf(act)).toBe('scheduled')
  await expect(council.perform(provider, act)).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  await pass(DELAY)
  expect(await stateOf(act)).toBe('ready')
  // Anybody may do what was decided.
  await council.perform(new Wallet(Wallet.createRandom().privateKey, chain.provider), act)
  expect([await stateOf(act), await statusOf()]).toEqual(['done', 1n])
})

test('any one chamber stops what is scheduled', async () => {
  const act = await carried(call('remove'))
  await council.stop(advocate, act)
  await pass(DELAY)
  await expect(council.perform(provider, act)).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  expect([await stateOf(act), await statusOf()]).toEqual(['stopped', 1n])
})

test('what nobody does within a week lapses, and can be decided anew', async () => {
  const act = await carried(call('remove'))
  await pass(DELAY + WEEK + 1)
  expect(await stateOf(act)).toBe('expired')
  await expect(council.perform(provider, act)).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  expect(await statusOf()).toBe(1n)
})

describe('a seat', () => {
  test('that hands itself to its next key ends what is being voted on', async () => {
    const act = await council.propose(provider, chain.contracts.memberRegistry, call('suspend'))
    const next = new Wallet(Wallet.createRandom().privateKey, chain.provider)
    await council.rotate(regulator, next.address)
    expect(await stateOf(act)).toBe('lapsed')
    await expect(council.approve(advocate, act)).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
    const seats = [
      { chamber: 'providers', holder: provider.address },
      { chamber: 'regulators', holder: next.address },
      { chamber: 'advocates', holder: advocate.address },
    ]
    expect(await council.seats()).toEqual(seats)
    regulator = next
  })
})

test('who has no seat neither proposes, votes nor stops', async () => {
  const act = await council.propose(provider, chain.contracts.memberRegistry, call('suspend'))
  const stranger = new Wallet(Wallet.createRandom().privateKey, chain.provider)
  const target = chain.contracts.memberRegistry
  for (const attempt of [
    () => council.propose(stranger, target, call('suspend')),
    () => council.approve(stranger, act),
    () => council.stop(stranger, act),
    () => council.rotate(stranger, stranger.address),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  expect((await council.acts()).at(-1)?.approvals).toEqual([
    { holder: provider.address, chamber: 'providers' },
  ])
})

test('the council shortens its own delay only by an act that waits out the old one', async () => {
  const manager = AccessManager__factory.connect(chain.contracts.accessManager, chain.provider)
  const role = [ROLES.delayed, chain.contracts.council] as const
  const shorter = manager.interface.encodeFunctionData('grantRole', [...role, 60])
  const act = await carried(shorter, chain.contracts.accessManager)
  expect(await stateOf(act)).toBe('scheduled')
  await pass(DELAY)
  await council.perform(provider, act)
  // And then for as long as the old delay is longer than the new one (`Time.Delay`).
  const joining = registry.interface.getFunction('joinGroup').selector
  expect(await council.delayOf(chain.contracts.memberRegistry, joining)).toBe(DELAY)
  await pass(DELAY - 60)
  expect(await council.delayOf(chain.contracts.memberRegistry, joining)).toBe(60)
  await carried(registry.interface.encodeFunctionData('joinGroup', [id('group') as Hex, member.id]))
  await pass(60)
})
