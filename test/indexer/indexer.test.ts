import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { id } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { deployContracts } from '../../src/chain/deploy.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import { followDeeper } from '../../src/indexer/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { newSeats, publicSeats } from '../../src/sandbox/council.ts'
import { type DatabaseConfig, openDatabase } from '../../src/store/database.ts'
import { openIndexTables } from '../../src/store/migrate.ts'
import { createTestChain, pointerFor, type TestChain, type TestMember } from '../chain/test-chain.ts'
import { freshDatabase } from '../support/databases.ts'
import { dump, openIndex, replayed, type TestIndex } from './index-world.ts'

let chain: TestChain
let hospital: TestMember
let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wayleave-index-'))
  chain = await createTestChain()
  hospital = await chain.member('hospital')
})
afterAll(async () => {
  await chain.close()
  await rm(scratch, { recursive: true, force: true })
})

const opened: TestIndex[] = []
const open = async (config?: DatabaseConfig, range?: number, more?: Parameters<typeof openIndex>[3]) => {
  const index = await openIndex(chain, config, range, more)
  opened.push(index)
  return index
}
const removals: (() => Promise<void>)[] = []
/** A database that outlives the index which was opened in it. */
const keptDatabase = async () => {
  const { config, remove } = await freshDatabase('on disk')
  removals.push(remove)
  return config
}
afterEach(async () => {
  for (const index of opened.splice(0)) await index.close().catch(() => {})
  for (const remove of removals.splice(0)) await remove()
})

const tagsIn = async (index: TestIndex) =>
  (await dump(index.db)).filter((row) => row.name === 'RecordRegistered').map((row) => row.key2)

/** Runs `doomed` and takes its blocks back. */
async function orphan(doomed: () => Promise<unknown>): Promise<void> {
  const snapshot = (await chain.provider.send('evm_snapshot', [])) as string
  await doomed()
  expect(await chain.provider.send('evm_revert', [snapshot])).toBe(true)
}

let names = 0
const name = () => `entry ${++names}`

describe('the index', () => {
  test('holds every event of our contracts, in total order, and none of others', async () => {
    await chain.register(hospital, name(), name(), name())
    await chain.mine(3)
    await chain.register(hospital, name())
    const { contracts } = await deployContracts(await chain.provider.getSigner(0), {
      seats: publicSeats(newSeats()),
    })
    expect(contracts.memberRegistry).not.toBe(chain.contracts.memberRegistry)

    const index = await open()
    await index.follow()
    const rows = await dump(index.db)
    const { accessManager: _not, ...ours } = chain.contracts
    const logs = await chain.provider.getLogs({
      address: Object.values(ours),
      fromBlock: 0,
      toBlock: 'latest',
    })
    const places = logs.map((log) => [log.blockNumber, log.index, log.transactionHash])
    expect(rows.map((row) => [row.block, row.log_index, row.transaction])).toEqual(places)
    expect(index.indexer.position()).toBe(await chain.height())
  })

  test('keeps all that an event says, by name', async () => {
    const tag = name()
    const receipt = await chain.register(hospital, tag)
    const index = await open()
    await index.follow()
    expect((await dump(index.db)).at(-1)).toEqual({
      block: receipt.blockNumber,
      log_index: 0,
      transaction: receipt.hash,
      contract: 'RecordDirectory',
      name: 'RecordRegistered',
      key1: hospital.id,
      key2: id(tag),
      args: JSON.stringify({
        custodian: hospital.id,
        tag: id(tag),
        commitment: id(`commitment of ${tag}`),
        pointer: pointerFor(tag),
      }),
    })
  })

  test('tells who listens how far it has come', async () => {
    const index = await open()
    const heard: number[] = []
    index.indexer.onAdvance((block) => heard.push(block))
    await index.follow()
    await chain.register(hospital, name())
    await index.follow()
    expect(heard.at(-1)).toBe(await chain.height())
  })

  test('goes on where it stopped, over many ranges of blocks, and doubles nothing', async () => {
    const config = await keptDatabase()
    const first = await open(config, 7)
    await first.follow()
    await first.close()
    await chain.mine(40)
    await chain.register(hospital, name(), name())
    await chain.mine(40)
    const second = await open(config, 7)
    expect(second.indexer.position()).toBeLessThan((await chain.height()) - 80)
    await second.follow()
    expect(await dump(second.db)).toEqual(await replayed(chain))
  })

  test('killed at any moment, has whole ranges and catches up to the same rows', async () => {
    const config = await keptDatabase()
    for (let i = 0; i < 12; i++) {
      await chain.register(hospital, ...Array.from({ length: 40 }, name))
      await chain.mine(3)
    }
    const script = join(scratch, 'indexing.ts')
    const module = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
    const ethers = JSON.stringify(import.meta.resolve('ethers'))
    await writeFile(
      script,
      `import { JsonRpcProvider } from ${ethers}
       import { createLog } from ${module('observe/log.ts')}
       import { watchHead } from ${module('chain/head-watch.ts')}
       import { systemClock } from ${module('domain/clock.ts')}
       import { createNodeRpc } from ${module('chain/node-rpc.ts')}
       import { createIndexer } from ${module('indexer/index.ts')}
       import { openDatabase } from ${module('store/database.ts')}
       import { openIndexTables } from ${module('store/migrate.ts')}
       const provider = new JsonRpcProvider(${JSON.stringify(chain.anvil.rpc)}, undefined, { cacheTimeout: -1 })
       const { db } = await openDatabase(${JSON.stringify(config)})
       const indexer = await createIndexer({
         db: await openIndexTables(db), rpc: createNodeRpc({ url: ${JSON.stringify(chain.anvil.rpc)} }), contracts: ${JSON.stringify(chain.contracts)},
         lead: { holds: () => true }, from: ${chain.deployedAt}, head: watchHead({ provider, clock: systemClock }), log: createLog({ level: 'silent', hospital: '' }), range: 4,
       })
       indexer.onAdvance((block) => console.log(block))`,
    )
    const killed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(killed.stdout, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'close')

    const left = await openDatabase(config)
    const tables = await openIndexTables(left.db)
    const last = await tables
      .selectFrom('blocks')
      .select('number')
      .orderBy('number', 'desc')
      .executeTakeFirst()
    const before = await dump(tables)
    await left.close()
    const whole = await replayed(chain)
    expect(last?.number).toBeLessThan(await chain.height())
    expect(before).toEqual(whole.filter((row) => row.block <= (last?.number ?? -1)))

    const index = await open(config)
    await index.follow()
    expect(await dump(index.db)).toEqual(whole)
  }, 60_000)
})

describe('after a reorganisation', () => {
  test('no row of the orphaned blocks is left, and replaying gives the same rows', async () => {
    const index = await open()
    const forks: number[] = []
    index.indexer.onReorganisation(async (block) => void forks.push(block))
    const [kept, gone, instead] = [name(), name(), name()]
    await chain.register(hospital, kept)
    await index.follow()
    const fork = (await chain.height()) + 1
    await orphan(async () => {
      await chain.register(hospital, gone)
      await index.follow()
      expect(await tagsIn(index)).toContain(id(gone))
    })
    await chain.register(hospital, instead)
    await index.follow()
    const tags = await tagsIn(index)
    expect([kept, gone, instead].map((tag) => tags.includes(id(tag)))).toEqual([true, false, true])
    expect(forks).toEqual([fork])
    expect(await dump(index.db)).toEqual(await replayed(chain))
  })

  test('rows go as soon as the head is lower, before anything new comes', async () => {
    const index = await open()
    const gone = name()
    await orphan(async () => {
      await index.follow()
      await chain.register(hospital, gone)
      await index.follow()
    })
    await index.follow()
    expect(await tagsIn(index)).not.toContain(id(gone))
    expect(index.indexer.position()).toBe(await chain.height())
  })

  test('of many blocks, followed one by one or in one leap, the same rows are there', async () => {
    const [steps, leap] = [await open(), await open()]
    await leap.follow()
    await orphan(async () => {
      for (let i = 0; i < 5; i++) {
        await chain.register(hospital, name())
        await steps.follow()
      }
      await leap.follow()
    })
    for (let i = 0; i < 7; i++) await chain.register(hospital, name())
    await steps.follow()
    await leap.follow()
    const rows = await replayed(chain)
    expect(await dump(steps.db)).toEqual(rows)
    expect(await dump(leap.db)).toEqual(rows)
  })

  test('of the same height, with other blocks in place of the old ones, the index follows too', async () => {
    const index = await open()
    for (let i = 0; i < 4; i++) await chain.register(hospital, name())
    await index.follow()
    const height = await chain.height()
    await chain.provider.send('anvil_reorg', [3, []])
    expect(await chain.height()).toBe(height)
    await index.follow()
    expect(await dump(index.db)).toEqual(await replayed(chain))
  })

  test('that happened while the process was down, is found at the next start', async () => {
    const config = await keptDatabase()
    const first = await open(config)
    const [gone, instead] = [name(), name()]
    await first.follow()
    await orphan(async () => {
      await chain.register(hospital, gone)
      await first.follow()
      await first.close()
    })
    await chain.register(hospital, instead)
    const second = await open(config)
    const forks: number[] = []
    second.indexer.onReorganisation(async (block) => void forks.push(block))
    await second.follow()
    expect(forks).toHaveLength(1)
    expect(await dump(second.db)).toEqual(await replayed(chain))
  })

  test('whoever listens is told again, also after a restart, until it has followed', async () => {
    const config = await keptDatabase()
    const first = await open(config)
    await first.follow()
    const fork = (await chain.height()) + 1
    const told: number[] = []
    first.indexer.onReorganisation(async (block) => {
      told.push(block)
      throw new Error('the database went away')
    })
    await orphan(async () => {
      await chain.register(hospital, name())
      await first.follow()
    })
    await first.follow()
    await first.close()
    expect(new Set(told)).toEqual(new Set([fork]))
    told.splice(0)

    const second = await open(config)
    await second.follow()
    second.indexer.onReorganisation(async (block) => void told.push(block))
    await second.follow()
    await second.follow()
    expect(told).toEqual([fork])
    await second.close()
    const third = await open(config)
    third.indexer.onReorganisation(async (block) => void told.push(block))
    await third.follow()
    expect(told).toEqual([fork])
  })

  test('a node that only lags, or has not told of its new head, takes no row away', async () => {
    const index = await open()
    const tag = name()
    await orphan(async () => {
      await chain.register(hospital, tag)
      await index.follow()
    })
    // The head seen last is still the higher one: what is missing below it may come back.
    await index.indexer.catchUp()
    expect(await tagsIn(index)).toContain(id(tag))
    await index.follow()
    expect(await tagsIn(index)).not.toContain(id(tag))
  })
})

describe('where a reorganisation may not be deeper than so many blocks', () => {
  const lines: string[] = []
  const deep = (config: DatabaseConfig | undefined, depth: number) =>
    open(config, undefined, { depth, out: { write: (line) => lines.push(line) } })
  const alarms = () => lines.filter((line) => line.includes('deeper than it may be')).length

  test('none may be taken back on a chain that is final at once: no row goes, and it is an alarm', async () => {
    const index = await deep(undefined, 0)
    const forks: number[] = []
    index.indexer.onReorganisation(async (block) => void forks.push(block))
    await chain.register(hospital, name())
    await index.follow()
    expect(index.indexer.tooDeep()).toBeUndefined()
    const before = await dump(index.db)
    const height = await chain.height()
    await chain.provider.send('anvil_reorg', [1, []])
    await chain.mine(2)
    await index.follow()
    await index.follow()
    expect(index.indexer.tooDeep()).toEqual({ block: height, depth: 1, allowed: 0 })
    expect(alarms()).toBe(1)
    expect(await dump(index.db)).toEqual(before)
    expect(index.indexer.position()).toBe(height)
    expect(forks).toEqual([])
  })

  test('as many are followed, one more is not; neither by a restart', async () => {
    const config = await keptDatabase()
    const index = await deep(config, 3)
    index.indexer.onReorganisation(async () => {})
    for (let i = 0; i < 6; i++) await chain.register(hospital, name())
    await index.follow()
    await chain.provider.send('anvil_reorg', [3, []])
    await chain.mine(1)
    await index.follow()
    expect(index.indexer.tooDeep()).toBeUndefined()
    expect(await dump(index.db)).toEqual(await replayed(chain))
    // Empty blocks in place of empty ones would be the same blocks.
    for (let i = 0; i < 4; i++) await chain.register(hospital, name())
    await index.follow()
    const before = await dump(index.db)
    const height = await chain.height()
    await chain.provider.send('anvil_reorg', [4, []])
    await index.follow()
    const tooDeep = { block: height - 3, depth: 4, allowed: 3 }
    expect(index.indexer.tooDeep()).toEqual(tooDeep)
    await index.close()
    const again = await deep(config, 3)
    await again.follow()
    expect(again.indexer.tooDeep()).toEqual(tooDeep)
    expect(await dump(again.db)).toEqual(before)
    // By an operator's word it is, once, and whoever listens hears of it then.
    const rpc = createNodeRpc({ url: chain.anvil.rpc })
    const log = createLog({ level: 'silent', hospital: 'test' })
    const byHand = () => followDeeper({ db: again.db, rpc, log, from: chain.deployedAt })
    expect(await byHand()).toEqual({ block: height - 3, blocks: 4 })
    expect(await byHand()).toBeUndefined()
    await rpc.close()
    const forks: number[] = []
    again.indexer.onReorganisation(async (block) => void forks.push(block))
    await again.follow()
    expect(again.indexer.tooDeep()).toBeUndefined()
    expect(forks).toEqual([height - 3])
    expect(await dump(again.db)).toEqual(await replayed(chain))
  })

  test('a node that is only behind takes no row away, and is waited for', async () => {
    const config = await keptDatabase()
    const index = await deep(config, 2)
    const tag = name()
    const snapshot = (await chain.provider.send('evm_snapshot', [])) as string
    for (let i = 0; i < 5; i++) await chain.register(hospital, `${tag} ${i}`)
    await index.follow()
    const before = await dump(index.db)
    await chain.provider.send('evm_revert', [snapshot])
    await index.follow()
    expect(index.indexer.tooDeep()).toBeUndefined()
    expect(await dump(index.db)).toEqual(before)
    expect(index.indexer.position()).toBe((await chain.height()) + 5)
    // What it then shows at these heights is another chain.
    await chain.mine(1)
    await index.follow()
    expect(index.indexer.tooDeep()).toMatchObject({ depth: 5, allowed: 2 })
  })
})

test('of a reorganisation deeper than every kept block, no row is left', async () => {
  const index = await open(undefined, 50)
  await index.follow()
  await chain.register(hospital, name())
  const fork = await chain.height()
  await orphan(async () => {
    await chain.mine(700)
    await chain.register(hospital, name())
    await index.follow()
  })
  const forks: number[] = []
  index.indexer.onReorganisation(async (block) => void forks.push(block))
  await chain.provider.send('evm_increaseTime', [10_000])
  await chain.mine(720)
  await chain.register(hospital, name())
  await index.follow()
  expect(await dump(index.db)).toEqual(await replayed(chain))
  expect(forks).toHaveLength(1)
  expect(forks[0]).toBeLessThanOrEqual(fork + 1)
  // Older checkpoints are kept here and there, so that it is not the whole index that is read again.
  expect(forks[0]).toBeGreaterThan(fork - 128)
})

test('how far an index is that is being built is told, with the time that the rest will take', async () => {
  const lines: string[] = []
  const index = await open(undefined, 10, { out: { write: (line) => lines.push(line) } })
  const seen: (number | null)[] = []
  index.indexer.onAdvance(() => {
    const { read, inAll, secondsLeft } = index.indexer.progress()
    expect(read).toBeLessThanOrEqual(inAll ?? 0)
    if (read < (inAll ?? 0)) expect(secondsLeft).toBeGreaterThan(0)
    seen.push(secondsLeft)
  })
  await index.follow()
  expect(seen.length).toBeGreaterThan(5)
  expect(seen.at(-1)).toBe(0)
  const { read, inAll, events } = index.indexer.progress()
  expect(read).toBe(inAll)
  expect(events).toBe((await dump(index.db)).length)
  expect(lines.filter((line) => line.includes('the index has caught up'))).toHaveLength(1)
})
