import { readdirSync, readFileSync } from 'node:fs'
import { JsonRpcProvider } from 'ethers'
import { type Kysely, sql } from 'kysely'
import { watchHead } from '../../src/chain/head-watch.ts'
import { createNodeRpc, type RawLog } from '../../src/chain/node-rpc.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { createIndexer } from '../../src/indexer/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { type DatabaseConfig, openDatabase } from '../../src/store/database.ts'
import { openIndexTables } from '../../src/store/migrate.ts'
import type { IndexTables } from '../../src/store/schema.ts'
import type { BenchChain } from './chain.ts'

/** One backfill, from an empty database to ready. */
export type Backfill = {
  database: string
  events: number
  seconds: number
  /** Seconds of the first and of the last tenth of the blocks. */
  firstTenth: number
  lastTenth: number
  /** CPU seconds of each process; none where the system does not tell. */
  cpu: Readonly<Record<string, number>>
  /** Of all rows of `events` in total order. */
  md5: string
}

/** What the node's own answers take, parsed and thrown away: no indexer on this node is quicker. */
export type Bound = { events: number; seconds: number; bytes: number }

/** Blocks at once for the bound: ten times the events of a transaction and of a block, as the indexer settles on. */
const BOUND_RANGE = 10

const TICKS_A_SECOND = 100

/** CPU seconds of a process and its children, living and dead (proc(5)); 0 where there is no /proc. */
function cpuSeconds(pid: number): number {
  const statOf = (id: number | string) => {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  }
  try {
    const [, , , , , , , , , , , user = 0, system = 0, deadUser = 0, deadSystem = 0] = statOf(pid)
    let ticks = user + system + deadUser + deadSystem
    for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const [, parent, , , , , , , , , , childUser = 0, childSystem = 0] = statOf(id)
        if (parent === pid) ticks += childUser + childSystem
      } catch {
        // It ended meanwhile; its parent has its time.
      }
    }
    return ticks / TICKS_A_SECOND
  } catch {
    return 0
  }
}

export async function rawBound(chain: BenchChain): Promise<Bound> {
  const rpc = createNodeRpc({ url: chain.rpc })
  const address = Object.values(chain.contracts)
  const started = performance.now()
  let [events, bytes] = [0, 0]
  for (let from = chain.deployedAt; from <= chain.head; from += BOUND_RANGE) {
    const [fromBlock, toBlock] = [from, Math.min(from + BOUND_RANGE - 1, chain.head)].map(
      (n) => `0x${n.toString(16)}`,
    )
    const logs = await rpc.call<RawLog[]>('eth_getLogs', [{ address, fromBlock, toBlock }])
    events += logs.length
    bytes += logs.length * JSON.stringify(logs[0] ?? '').length
  }
  const seconds = (performance.now() - started) / 1000
  await rpc.close()
  return { events, seconds, bytes }
}

/**
 * Times the real indexer on an empty database.
 * @param watched processes whose CPU time is told, by name
 */
export async function backfill(args: {
  chain: BenchChain
  database: string
  config: DatabaseConfig
  watched: Readonly<Record<string, number>>
  tell: (line: string) => void
}): Promise<Backfill> {
  const { chain, config, watched, tell } = args
  const { contracts, deployedAt } = chain
  const opened = await openDatabase(config)
  const db = await openIndexTables(opened.db)
  const provider = new JsonRpcProvider(chain.rpc, undefined, { cacheTimeout: -1 })
  const head = watchHead({ provider, clock: systemClock, everyMs: 3_600_000 })
  await head.refresh()
  const rpc = createNodeRpc({ url: chain.rpc })
  const log = createLog({ level: 'warn', hospital: 'bench' })
  const before = Object.entries({ ...watched, indexer: 0 }).map(
    ([name, pid]) => [name, pid, cpuNow(pid)] as const,
  )
  const started = performance.now()
  const indexer = await createIndexer({
    ...{ db, rpc, contracts, from: deployedAt, head, log, lead: { holds: () => true } },
  })
  const times: { block: number; at: number }[] = [{ block: deployedAt - 1, at: 0 }]
  let told = started
  indexer.onAdvance((block) => {
    const now = performance.now()
    times.push({ block, at: (now - started) / 1000 })
    if (now - told < 5_000) return
    told = now
    const { read, inAll, eventsPerSecond, secondsLeft } = indexer.progress()
    tell(
      `  block ${read} of ${inAll}; ${Math.round(eventsPerSecond ?? 0)} events a second; ${Math.ceil(secondsLeft ?? 0)} s left`,
    )
  })
  await indexer.catchUp()
  const seconds = (performance.now() - started) / 1000
  const cpu = Object.fromEntries(before.map(([name, pid, was]) => [name, cpuNow(pid) - was]))
  if (indexer.position() !== chain.head) throw new Error('The index did not reach the head')
  const { events } = indexer.progress()
  const digest = await md5(db)
  await indexer.close()
  await rpc.close()
  await head.close()
  provider.destroy()
  await opened.close()
  return { database: args.database, events, seconds, cpu, md5: digest, ...tenths(times, chain) }
}

/** Of this process where there is no pid. */
function cpuNow(pid: number): number {
  if (pid !== 0) return cpuSeconds(pid)
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** When the index stood at a block, in between by the straight line. */
function tenths(times: readonly { block: number; at: number }[], { deployedAt, head }: BenchChain) {
  const at = (block: number) => {
    const after = times.findIndex((time) => time.block >= block)
    const [a, b] = [times[after - 1], times[after]]
    if (!a || !b) return b?.at ?? 0
    return a.at + ((block - a.block) / (b.block - a.block)) * (b.at - a.at)
  }
  const blocks = head - deployedAt + 1
  const tenth = deployedAt - 1 + blocks / 10
  return { firstTenth: at(tenth), lastTenth: at(head) - at(head - blocks / 10) }
}

/** Of each row, and of these in total order: one indexer's rows can be held against another's. */
async function md5(db: Kysely<IndexTables>): Promise<string> {
  const { rows } = await sql<{ md5: string }>`
    select md5(string_agg(md5(concat_ws('|', block, log_index, transaction, contract, name, key1, key2, args)), ''
      order by block, log_index)) as md5 from chain_index.events`.execute(db)
  return rows[0]?.md5 ?? ''
}
