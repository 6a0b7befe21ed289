import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCommitmentReader } from '../../src/chain/commitment-reader.ts'
import { RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { createNodeRpc, type NodeRpc } from '../../src/chain/node-rpc.ts'
import { type Hex, ZERO_32 } from '../../src/domain/hex.ts'
import { createTestChain, type TestChain, type TestMember } from './test-chain.ts'

let chain: TestChain
let member: TestMember
let rpc: NodeRpc
beforeAll(async () => {
  chain = await createTestChain()
  member = await chain.member('a')
  rpc = createNodeRpc({ url: chain.anvil.rpc })
})
afterAll(async () => {
  await rpc.close()
  await chain.close()
})

test('a commitment is read as the contract has it, by a reader that is held to the general one', async () => {
  await chain.register(member, 'one', 'two')
  const directory = RecordDirectory__factory.connect(chain.contracts.recordDirectory, chain.provider)
  const reader = createCommitmentReader(rpc, chain.contracts.recordDirectory as Hex)
  const entries = await directory.queryFilter(directory.filters.RecordRegistered())
  expect(entries.length).toBeGreaterThanOrEqual(2)
  for (const { args } of entries) {
    const found = await reader.commitmentOf(member.id, args.tag as Hex)
    expect(found).toBe(await directory.commitmentOf(member.id, args.tag))
    expect(found).not.toBe(ZERO_32)
  }
  expect(await reader.commitmentOf(member.id, `0x${'ab'.repeat(32)}`)).toBe(ZERO_32)
})

test('what is no contract answers no commitment', async () => {
  const nobody = createCommitmentReader(rpc, `0x${'12'.repeat(20)}` as Hex)
  await expect(nobody.commitmentOf(member.id, `0x${'ab'.repeat(32)}`)).rejects.toThrow(RangeError)
})
