import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexStatus } from '../../../src/cli/chain-index/status.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
beforeAll(async () => {
  world = await createWorld({
    hospitals: 1,
    configure: (config) => ({ ...config, chain: { ...config.chain, reorganisationDepth: 0 } }),
  })
  a = world.hospitals[0] as TestHospital
}, 60_000)
afterAll(() => world?.close())

const ready = async () =>
  (await (await fetch(`${a.broker.base}/ready`)).json()) as { reasons: string[]; indexed: number }
const reasons = async () => (await ready()).reasons

test('where blocks are final at once, a reorganisation is an alarm: not ready, and no head that could decide anything', async () => {
  // A block that is gone with what it held: an empty one in place of an empty one is the same block.
  const [from] = (await world.provider.send('eth_accounts', [])) as [string]
  const free = { maxFeePerGas: '0x0', maxPriorityFeePerGas: '0x0' }
  const hash = (await world.provider.send('eth_sendTransaction', [{ from, to: from, ...free }])) as string
  const receipt = await eventually(
    async () => (await world.provider.getTransactionReceipt(hash)) ?? undefined,
  )
  await eventually(async () => (await ready()).indexed >= receipt.blockNumber)
  expect(await reasons()).toEqual([])
  const depth = (await world.provider.getBlockNumber()) - receipt.blockNumber + 1
  // A block more, should one come meanwhile.
  await world.provider.send('anvil_reorg', [depth + 1, []])
  await world.provider.send('evm_mine', [])
  await eventually(async () => (await reasons()).includes('chain-reorganised'))
  expect(await reasons()).toContain('head-stale')
  let text = ''
  const out = (more: string) => {
    text += more
  }
  expect(await indexStatus({ broker: a.broker.base }, { out })).toBe(1)
  expect(text).toContain('reorganised deeper than it may be')
})
