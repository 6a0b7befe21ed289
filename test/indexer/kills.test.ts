import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { watchHead } from '../../src/chain/head-watch.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { createIndexer } from '../../src/indexer/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { SANDBOX_CHAIN_ID } from '../../src/sandbox/anvil.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openIndexTables } from '../../src/store/migrate.ts'
import type { IndexTables } from '../../src/store/schema.ts'
import { createTestChain, type TestChain, type TestMember } from '../chain/test-chain.ts'
import { seeded } from '../seeded.ts'
import { freshDatabase, freshPostgres, type TestDatabase } from '../support/databases.ts'
import { startPostgres } from '../support/postgres.ts'
import { createCut, cutDatabase, cutNode } from './cut.ts'
import { dump, openIndex, replayed } from './index-world.ts'
import type { KilledArgs } from './killed-process.ts'

/** `npm run test:long -- kills` has more of them, on PostgreSQL. */
const CUTS = Number(process.env.CUTS ?? 100)
const KILLS = Number(process.env.KILLS ?? 4)
const ON_POSTGRES = process.env.KILLS_ON === 'postgres'

/** All that an indexer does with node and database, by how it begins. */
const STEPS = ['eth_getLogs', 'eth_getBlockByNumber', 'begin', 'copy', 'insert', 'delete', 'commit', 'select']

/** After so many ends the index is brought to the head, and held against the chain. */
const COMPARE_EVERY = 20

let chain: TestChain
let hospital: TestMember
/** No fork takes the hospital's admission back. */
let admittedAt: number
let stopServer: (() => Promise<void>) | undefined
let database: TestDatabase
let cache: string
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'wayleave-kills-'))
  chain = await createTestChain()
  hospital = await chain.member('hospital')
  admittedAt = await chain.height()
  if (ON_POSTGRES && process.env.DATABASE_URL === undefined) {
    const server = await startPostgres((line) => console.log(line))
    stopServer = server.stop
    database = await freshPostgres(server.url)
  } else database = await freshDatabase('on disk')
}, 120_000)
afterAll(async () => {
  await chain.close()
  await database.remove()
  await stopServer?.()
  await rm(cache, { recursive: true, force: true })
})

/** Numbers below a bound, the same for a seed. */
function numbers(seed: number): (below: number) => number {
  const draw = fc.sample(fc.infiniteStream(fc.nat()), { seed, numRuns: 1 })[0] as Stream
  return (below) => Number(draw.next().value) % below
}
type Stream = { next(): { value: number } }

let entries = 0
/** Something happens on the chain: entries, empty blocks, or a fork and entries after it. */
async function something(below: (bound: number) => number): Promise<void> {
  const tags = () => Array.from({ length: 1 + below(3) }, () => `entry ${entries++}`)
  await chain.register(hospital, ...tags())
  const what = below(6)
  if (what === 0) await chain.mine(1 + below(30))
  if (what === 1) {
    const depth = Math.min(1 + below(12), (await chain.height()) - admittedAt)
    if (depth > 0) await chain.provider.send('anvil_reorg', [depth, []])
    await chain.register(hospital, ...tags())
  }
}

/** Whatever happened, a row stands only with the checkpoint that its range ended with. */
async function expectWhole(db: Kysely<IndexTables>): Promise<void> {
  const last = await db
    .selectFrom('blocks')
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const beyond = await db
    .selectFrom('events')
    .select('block')
    .where('block', '>', last?.number ?? -1)
    .limit(1)
    .execute()
  expect(beyond).toEqual([])
}

test(`ended at ${CUTS} seeded points, before or after any question to the node and any statement, commits among them, the index has the rows of the chain`, async () => {
  const { seed } = seeded({})
  const below = numbers(seed)
  const opened = await openDatabase(database.config)
  const db = await openIndexTables(opened.db)
  const rpc = createNodeRpc({ url: chain.anvil.rpc })
  const { contracts, deployedAt: from } = chain
  const log = createLog({ level: 'silent', hospital: 'test' })
  const points = new Set<string>()
  /** What somebody who makes rows of the index's rows would still have of blocks that went. */
  let followed = 0
  for (let end = 1; end <= CUTS; ) {
    await something(below)
    const kind = STEPS[below(STEPS.length)] ?? ''
    const cut = createCut({ kind, nth: 1 + below(4), after: below(2) === 0 })
    const head = watchHead({ provider: chain.provider, clock: systemClock, everyMs: 3_600_000 })
    await head.refresh()
    const indexer = await createIndexer({
      ...{
        db: cutDatabase(opened, cut),
        rpc: cutNode(rpc, cut),
        contracts,
        from,
        head,
        log,
        lead: { holds: () => true },
      },
      range: 1 + below(12),
    }).catch(() => undefined)
    indexer?.onReorganisation(async () => void followed++)
    await indexer?.catchUp()
    await indexer?.close()
    await head.close()
    const at = cut.at()
    if (at === undefined) continue
    points.add(at)
    await expectWhole(db)
    if (end++ % COMPARE_EVERY !== 0) continue
    const index = await openIndex(chain, undefined, undefined, { database: opened })
    index.indexer.onReorganisation(async () => {})
    await index.follow()
    expect(await dump(db)).toEqual(await replayed(chain))
    await index.close()
  }
  // Each kind of step was an end, on both of its sides.
  const all = STEPS.flatMap((step) => [`after ${step}`, `before ${step}`])
  if (CUTS >= 100) {
    expect([...points].sort()).toEqual(all.sort())
    expect(followed).toBeGreaterThan(0)
  }
  await rpc.close()
  await opened.close()
}, 3_600_000)

test(`killed by SIGKILL ${KILLS} times, at seeded moments, the indexing process has the rows of the chain`, async () => {
  const { seed } = seeded({})
  const below = numbers(seed)
  const opened = await openDatabase(database.config)
  await openIndexTables(opened.db)
  await opened.close()
  let duringWork = 0
  const started = performance.now()
  for (let kill = 1; kill <= KILLS; kill++) {
    await something(below)
    const child = indexing(1 + below(6))
    const state = { lines: '' }
    child.stdout?.on('data', (bytes) => {
      state.lines += bytes
    })
    const gone = once(child, 'exit')
    while (!state.lines.includes('begins') && child.exitCode === null) await sleep(5)
    await sleep(below(120))
    child.kill('SIGKILL')
    const [code] = (await gone) as [number | null]
    // It was killed; it did not end by itself.
    expect(code).toBeNull()
    if (!state.lines.includes('head')) duringWork++
    if (kill % 100 === 0) {
      const left = ((performance.now() - started) / kill) * (KILLS - kill)
      console.info(
        `${kill} of ${KILLS} kills, ${duringWork} of them while it worked; ${Math.ceil(left / 1000)} s left`,
      )
    }
    if (kill % COMPARE_EVERY !== 0 && kill !== KILLS) continue
    const index = await openIndex(chain, database.config)
    await expectWhole(index.db)
    index.indexer.onReorganisation(async () => {})
    await index.follow()
    expect(await dump(index.db)).toEqual(await replayed(chain))
    // From the beginning again, so that there is something to be killed in.
    await index.db.deleteFrom('blocks').execute()
    await index.db.deleteFrom('events').execute()
    await index.close()
  }
  console.info(`${duringWork} of ${KILLS} kills came while it worked`)
  expect(duringWork).toBeGreaterThan(0)
}, 10_800_000)

function indexing(range: number): ChildProcess {
  const args: KilledArgs = {
    ...{ config: database.config, rpc: chain.anvil.rpc, chainId: SANDBOX_CHAIN_ID, range },
    ...{ contracts: chain.contracts, from: chain.deployedAt },
  }
  const script = join(import.meta.dirname, 'killed-process.ts')
  return spawn(process.execPath, [script, JSON.stringify(args)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
}
