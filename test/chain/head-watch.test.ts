import { JsonRpcProvider } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Head, type HeadWatch, watchHead } from '../../src/chain/head-watch.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { createTestChain, type TestChain } from './test-chain.ts'

let chain: TestChain
beforeAll(async () => {
  chain = await createTestChain()
})
afterAll(() => chain.close())

let time = 0
const clock = { now: () => 0, monotonic: () => time }
const watches: HeadWatch[] = []
/** A watch that looks only when told to. */
function open(provider: JsonRpcProvider = chain.provider): HeadWatch {
  const watch = watchHead({ provider, clock, everyMs: 3_600_000 })
  watches.push(watch)
  return watch
}
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.close()
})

describe('the age of the head (I3)', () => {
  test('is without end before the first head', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    const provider = new JsonRpcProvider(nowhere, 1, { staticNetwork: true })
    const watch = open(provider)
    await watch.refresh()
    provider.destroy()
    expect(watch.head()).toBeUndefined()
    expect(watch.age()).toBe(Number.POSITIVE_INFINITY)
  })

  test('counts from the arrival of a new, higher head', async () => {
    const watch = open()
    await watch.refresh()
    expect(watch.age()).toBe(0)
    time += 5_000
    await watch.refresh()
    expect(watch.age()).toBe(5_000)
    await chain.mine(1)
    await watch.refresh()
    expect(watch.age()).toBe(0)
    expect(watch.head()?.number).toBe(await chain.height())
  })

  test('is not made younger by other blocks of the same or a lower height', async () => {
    const watch = open()
    const snapshot: unknown = await chain.provider.send('evm_snapshot', [])
    await chain.mine(3)
    await watch.refresh()
    const height = await chain.height()
    await chain.provider.send('evm_revert', [snapshot])
    time += 7_000
    await watch.refresh()
    expect(watch.head()?.number).toBe(height - 3)
    expect(watch.age()).toBe(7_000)
    await chain.provider.send('evm_increaseTime', [60])
    await chain.mine(3)
    await watch.refresh()
    expect(watch.head()?.number).toBe(height)
    expect(watch.age()).toBe(7_000)
    await chain.mine(1)
    await watch.refresh()
    expect(watch.age()).toBe(0)
  })

  test('grows while the node is away, and the head stays what it was', async () => {
    const provider = new JsonRpcProvider(chain.anvil.rpc, chain.provider._network, {
      staticNetwork: true,
      cacheTimeout: -1,
    })
    const watch = open(provider)
    await watch.refresh()
    const before = watch.head()
    provider.destroy()
    time += 9_000
    await chain.mine(1)
    await watch.refresh()
    expect(watch.head()).toEqual(before)
    expect(watch.age()).toBe(9_000)
  })
})

test('whoever listens hears of every change of head, lower ones too, and of none twice', async () => {
  const watch = open()
  await watch.refresh()
  const heard: Head[] = []
  watch.onHead((head) => heard.push(head))
  const snapshot: unknown = await chain.provider.send('evm_snapshot', [])
  await chain.mine(2)
  await watch.refresh()
  await watch.refresh()
  const height = await chain.height()
  await chain.provider.send('evm_revert', [snapshot])
  await watch.refresh()
  expect(heard.map((head) => head.number)).toEqual([height, height - 2])
})
