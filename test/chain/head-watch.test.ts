import type { AddressInfo } from 'node:net'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { JsonRpcProvider } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
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

describe('with a WebSocket address', () => {
  /** Between us and the node: it can be cut, and can swallow what the node says. */
  let relay: Server
  let sockets: Socket[] = []
  let open = true
  let swallows = false
  beforeEach(async () => {
    ;[open, swallows] = [true, false]
    relay = createServer((near) => {
      if (!open) return near.destroy()
      const { port } = new URL(chain.anvil.rpc)
      const far = createConnection({ host: '127.0.0.1', port: Number(port) })
      sockets.push(near, far)
      near.on('data', (bytes) => far.write(bytes))
      far.on('data', (bytes) => !swallows && near.write(bytes))
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
      return undefined
    })
    await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done))
  })
  afterEach(async () => {
    cut()
    await new Promise((done) => relay.close(done))
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets = []
  }
  const within = { timeout: 15_000, interval: 20 }

  function watching(every: { everyMs: number; everyLiveMs: number }): HeadWatch {
    const ws = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`
    const watch = watchHead({ provider: chain.provider, clock, ws, ...every })
    watches.push(watch)
    return watch
  }
  const SELDOM = 3_600_000

  test('a new head is heard of although nobody asks for it', async () => {
    const watch = watching({ everyMs: SELDOM, everyLiveMs: SELDOM })
    await expect.poll(() => watch.live(), within).toBe(true)
    const heard: number[] = []
    watch.onHead((head) => heard.push(head.number))
    await chain.mine(1)
    await expect.poll(async () => heard.at(-1) === (await chain.height()), within).toBe(true)
  })

  test('a connection that breaks is made up for by asking, until notices come again', async () => {
    const watch = watching({ everyMs: 50, everyLiveMs: SELDOM })
    await expect.poll(() => watch.live(), within).toBe(true)
    open = false
    cut()
    await expect.poll(() => watch.live(), within).toBe(false)
    await chain.mine(1)
    await expect.poll(async () => watch.head()?.number === (await chain.height()), within).toBe(true)
    open = true
    await expect.poll(() => watch.live(), within).toBe(true)
    await chain.mine(1)
    await expect.poll(async () => watch.head()?.number === (await chain.height()), within).toBe(true)
  })

  test('a connection that stands and says nothing of new heads is given up, and made anew', async () => {
    const watch = watching({ everyMs: 50, everyLiveMs: 100 })
    await expect.poll(() => watch.live(), within).toBe(true)
    swallows = true
    await expect
      .poll(
        async () => {
          await chain.mine(1)
          return watch.live()
        },
        { ...within, interval: 150 },
      )
      .toBe(false)
    swallows = false
    cut()
    await expect.poll(() => watch.live(), within).toBe(true)
  })

  test('one where nobody answers leaves all to asking', async () => {
    open = false
    const watch = watching({ everyMs: 50, everyLiveMs: SELDOM })
    await chain.mine(1)
    await expect.poll(async () => watch.head()?.number === (await chain.height()), within).toBe(true)
    expect(watch.live()).toBe(false)
  })
})
