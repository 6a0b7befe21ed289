import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NodeError } from '../../src/chain/node-rpc.ts'
import { createRangeSize } from '../../src/indexer/range-size.ts'
import type { IndexTables } from '../../src/store/schema.ts'
import { createTestChain, type TestChain, type TestMember } from '../chain/test-chain.ts'
import { dump, openIndex, replayed, type TestIndex } from './index-world.ts'
import { changedLogs, createOddNode, type LogFilter, OddAnswer, type OddNode, spanOf } from './odd-node.ts'

/** Blocks on the chain, most of them without a log. */
const BLOCKS = 400

let chain: TestChain
let hospital: TestMember
let whole: IndexTables['events'][]
beforeAll(async () => {
  chain = await createTestChain()
  hospital = await chain.member('hospital')
  for (let i = 0; i < 8; i++) {
    await chain.register(hospital, `a${i}`, `b${i}`, `c${i}`)
    await chain.mine(BLOCKS / 8)
  }
  await chain.register(hospital, 'last 1', 'last 2')
  whole = await replayed(chain)
})
afterAll(() => chain.close())

let node: OddNode
let index: TestIndex
beforeEach(async () => {
  node = await createOddNode(chain.anvil.rpc)
  index = await openIndex(chain, undefined, undefined, { rpc: node.url, withinMs: 400 })
})
afterEach(async () => {
  await index.close()
  await node.close()
})

const refusing = (most: number, odd: OddAnswer) => {
  node.oddity = ({ method, params }) => {
    if (method !== 'eth_getLogs' || spanOf(params[0] as LogFilter) <= most) return undefined
    throw odd
  }
}

describe('the index of a node that refuses long ranges is the same, and is built in the longest that it takes:', () => {
  const refusals: [string, OddAnswer['answer'], number][] = [
    [
      'Besu with --rpc-max-logs-range',
      { error: { code: -32005, message: 'Requested range exceeds maximum RPC range limit' } },
      37,
    ],
    [
      'geth with --rpc.rangelimit',
      { error: { code: -32602, message: 'block range greater than 100 max' } },
      100,
    ],
    [
      'a node that says how much it would bear',
      { error: { code: -32602, message: 'query exceeds max block range 50' } },
      50,
    ],
    [
      'a node that counts results',
      { error: { code: -32005, message: 'query returned more than 10000 results' } },
      20,
    ],
    ['a proxy that takes no large answer', { status: 413 }, 25],
    ['a proxy that gives up waiting', { status: 504 }, 25],
    ['a node that takes one block at a time', { error: { code: -32000, message: 'no' } }, 1],
  ]
  test.each(refusals)('%s', async (_name, answer, most) => {
    refusing(most, new OddAnswer(answer))
    await index.follow()
    expect(await dump(index.db)).toEqual(whole)
    const spans = node.spans()
    // Few questions are wasted, and what it takes is made use of. Blocks that come meanwhile cost some, too.
    const wasted = spans.filter((span) => span > most).length
    expect(wasted).toBeLessThanOrEqual(Math.max(15, spans.length / 10))
    expect(Math.max(...spans.filter((span) => span <= most))).toBeGreaterThan(most / 2)
  })

  test('a node that is silent when asked for much', async () => {
    refusing(60, new OddAnswer('silence'))
    await index.follow()
    expect(await dump(index.db)).toEqual(whole)
  })
})

test('a node that asks to wait is not asked for less, and the index goes on when it can', async () => {
  node.oddity = ({ method }) => {
    if (method === 'eth_getLogs') throw new OddAnswer({ status: 429 })
    return undefined
  }
  await index.follow()
  expect(await dump(index.db)).toEqual([])
  node.oddity = undefined
  await index.follow()
  expect(await dump(index.db)).toEqual(whole)
})

test('logs that come twice, or in another order, are each there once and in order', async () => {
  node.oddity = changedLogs((logs) => [...logs, ...logs].reverse())
  await index.follow()
  expect(await dump(index.db)).toEqual(whole)
})

describe('a node that leaves out a log of a new block is found out, and the index does not pass that block:', () => {
  const oddities: [string, OddNode['oddity']][] = [
    ['one of two', changedLogs((logs) => logs.slice(0, -1))],
    ['all of them', changedLogs(() => [])],
    [
      'one, and another stands in its place',
      changedLogs((logs) => logs.map((log) => ({ ...log, topics: logs[0]?.topics ?? [] }))),
    ],
  ]
  test.each(oddities)('%s', async (_name, oddity) => {
    const last = whole.at(-1)?.block ?? 0
    node.oddity = (asked, pass) => {
      const [filter] = asked.params as [LogFilter]
      return filter?.blockHash === undefined ? undefined : oddity?.(asked, pass)
    }
    await index.follow()
    expect(index.indexer.position()).toBeLessThan(last)
    expect((await dump(index.db)).filter(({ block }) => block >= last)).toEqual([])
    // As soon as it answers in full, all is there.
    node.oddity = undefined
    await index.follow()
    expect(await dump(index.db)).toEqual(whole)
  })

  test('with one block at a time, in old blocks as well', async () => {
    const single = await openIndex(chain, undefined, 1, { rpc: node.url })
    const first = whole.find(({ name }) => name === 'RecordRegistered')?.block ?? 0
    node.oddity = changedLogs((logs) =>
      logs.filter((log) => Number(log.blockNumber) !== first || log.logIndex !== '0x1'),
    )
    await single.follow()
    expect(single.indexer.position()).toBe(first - 1)
    node.oddity = undefined
    await single.follow()
    expect(await dump(single.db)).toEqual(whole)
    await single.close()
  })
})

test('what the node cannot have from our contracts stops the index before that block', async () => {
  const first = whole.find(({ name }) => name === 'RecordRegistered')?.block ?? 0
  node.oddity = changedLogs((logs) =>
    logs.map((log) => (Number(log.blockNumber) === first ? { ...log, data: '0x' } : log)),
  )
  await index.follow()
  expect(index.indexer.position()).toBeLessThan(first)
  expect((await dump(index.db)).filter(({ block }) => block >= first)).toEqual([])
})

test('a node that shows another chain for a while is an alarm for as long where no block may go', async () => {
  const careful = await openIndex(chain, undefined, undefined, { rpc: node.url, depth: 0 })
  await careful.follow()
  expect(careful.indexer.tooDeep()).toBeUndefined()
  const height = await chain.height()
  node.oddity = ({ method, params }, pass) =>
    method === 'eth_getBlockByNumber' && Number(params[0]) === height
      ? pass().then((block) => ({ ...(block as object), hash: `0x${'ab'.repeat(32)}` }))
      : undefined
  await careful.follow()
  expect(careful.indexer.tooDeep()).toEqual({ block: height, depth: 1, allowed: 0 })
  node.oddity = undefined
  await careful.follow()
  expect(careful.indexer.tooDeep()).toBeUndefined()
  expect(await dump(careful.db)).toEqual(whole)
  await careful.close()
})

test('a chain that changes between two ranges leaves no row of the former branch', async () => {
  let changed = false
  // When the newest blocks are asked for, older ones that were read before are of a branch that is gone.
  node.oddity = (asked, pass) => {
    const [filter] = asked.params as [LogFilter]
    if (changed || asked.method !== 'eth_getLogs' || Number(filter.fromBlock ?? 0) < BLOCKS / 2)
      return undefined
    changed = true
    return chain.provider.send('anvil_reorg', [BLOCKS - 20, []]).then(pass)
  }
  await index.follow()
  await index.follow()
  expect(changed).toBe(true)
  expect(await dump(index.db)).toEqual(await replayed(chain))
})

describe('the size of a range', () => {
  const tooMuch = (message = 'no') => new NodeError('refused', message, -32005)

  test('grows while answers are small and quick, and stays where they are as large as they should be', () => {
    const size = createRangeSize()
    for (let i = 0; i < 20; i++) size.answered({ blocks: size.blocks(), logs: 0, ms: 1 })
    expect(size.blocks()).toBe(100_000)
    for (let i = 0; i < 20; i++) size.answered({ blocks: size.blocks(), logs: size.blocks() * 500, ms: 50 })
    expect(size.blocks() * 500).toBeLessThan(7_000)
    expect(size.blocks() * 500).toBeGreaterThan(3_000)
  })

  test('shrinks where answers are slow', () => {
    const size = createRangeSize()
    for (let i = 0; i < 20; i++) size.answered({ blocks: size.blocks(), logs: 10, ms: size.blocks() * 100 })
    expect(size.blocks()).toBeLessThan(100)
  })

  test('comes close to a limit that the node does not name, and then asks in vain no more', () => {
    const size = createRangeSize()
    let refused = 0
    for (let i = 0; i < 150; i++) {
      if (size.blocks() > 3_000) {
        refused++
        size.refused(size.blocks(), tooMuch())
      } else size.answered({ blocks: size.blocks(), logs: 1, ms: 1 })
    }
    expect(size.blocks()).toBeGreaterThan(2_500)
    expect(refused).toBeLessThan(8)
  })

  test('takes a limit, or a range, that the node names', () => {
    for (const message of [
      'max block range is 700',
      'Try with this block range [0x64, 0x31f].',
      'retry with the range 100-799',
    ]) {
      const size = createRangeSize()
      for (let i = 0; i < 8; i++) size.answered({ blocks: size.blocks(), logs: 1, ms: 1 })
      expect(size.refused(size.blocks(), tooMuch(message))).toBe(true)
      expect(size.blocks()).toBe(700)
    }
  })

  test('is not to blame where one block is refused, or the node is gone or busy', () => {
    const size = createRangeSize()
    expect(size.refused(1, tooMuch())).toBe(false)
    expect(size.refused(16, new NodeError('busy', ''))).toBe(false)
    expect(size.refused(16, new NodeError('unreachable', ''))).toBe(false)
    expect(size.blocks()).toBe(16)
  })
})
