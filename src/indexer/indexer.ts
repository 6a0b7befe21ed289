import type { JsonRpcProvider, Log } from 'ethers'
import type { Kysely } from 'kysely'
import type { Contracts } from '../chain/contracts.ts'
import type { HeadWatch } from '../chain/head-watch.ts'
import type { Logger } from '../observe/log.ts'
import type { IndexTables } from '../store/schema.ts'
import type { Lead } from '../turns/lead.ts'
import { createDecoder, type Predecessors } from './decode.ts'

export type Indexer = {
  /** Number of the last block whose events are in the index; -1 before the first. */
  position(): number
  /** Brings the index to the newest head; returns when it is there. */
  catchUp(): Promise<void>
  /** Called after events were added, with the newest block. */
  onAdvance(listener: (block: number) => void): void
  /**
   * Called after rows from `block` on were taken back. Called again, after a restart as well, until all listeners have
   * followed without an error; so a listener has to bear being called twice.
   */
  onReorganisation(listener: (block: number) => Promise<void>): void
  close(): Promise<void>
}

/** How many blocks are asked for at once where nothing else is said, and how far back hashes are kept to find a fork. */
const RANGE = 2_000
const KEPT_HASHES = 512

/** How soon one that follows looks again for what is not written yet. Milliseconds. */
const FOLLOW_EVERY = 100

/**
 * Turns contract events into rows in total order (block, log index). One range is one SQL transaction that ends with its
 * checkpoint, so that a crash anywhere loses or doubles nothing; a reorganisation takes rows back to the common ancestor
 * before anything new is written (I10).
 */
export async function createIndexer(deps: {
  db: Kysely<IndexTables>
  provider: JsonRpcProvider
  contracts: Contracts
  /** What each contract took over from: its events are the same. */
  predecessors?: Predecessors
  /** Block of the deployment: nothing of ours is older. */
  from: number
  head: HeadWatch
  log: Logger
  /** Of several brokers on one database one writes the index, and the others follow it. */
  lead: Pick<Lead, 'holds'>
  /** Blocks asked for at once. */
  range?: number
}): Promise<Indexer> {
  const { db, provider, head, log, range = RANGE } = deps
  const decoder = createDecoder(deps.contracts, deps.predecessors)
  const advance: ((block: number) => void)[] = []
  const reorganisation: ((block: number) => Promise<void>)[] = []
  let last = await lastBlock()
  let closed = false
  let following = false
  let soon: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function lastBlock() {
    return db.selectFrom('blocks').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
  }

  async function run(): Promise<void> {
    if (!deps.lead.holds()) return follow()
    if (following) last = await lastBlock()
    following = false
    await unwind()
    await followForks()
    for (;;) {
      const target = head.head()
      const next = last ? last.number + 1 : deps.from
      if (closed || !target || next > target.number) return
      await take(next, Math.min(next + range - 1, target.number))
    }
  }

  /** What another process has written, until it is at the head. */
  async function follow(): Promise<void> {
    following = true
    clearTimeout(soon)
    const before = last
    last = await lastBlock()
    if (last && last.hash !== before?.hash) for (const listener of advance) listener(last.number)
    const target = head.head()?.number ?? -1
    if (!closed && (last?.number ?? -1) < target) soon = setTimeout(() => void catchUp(), FOLLOW_EVERY)
  }

  /** Takes rows back while the chain no longer holds the block that they came from. */
  async function unwind(): Promise<void> {
    while (last) {
      const block = await provider.getBlock(last.number)
      if (block?.hash === last.hash) break
      // An absent block may also be a node that lags; only a node whose head is lower, or another hash, is a fork.
      if (!block && (head.head()?.number ?? -1) >= last.number)
        throw new Error('the node hides a block that it has')
      const number = last.number
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('blocks').where('number', '>=', number).execute()
        const before = await trx
          .selectFrom('blocks')
          .select('number')
          .orderBy('number', 'desc')
          .limit(1)
          .executeTakeFirst()
        await trx
          .deleteFrom('events')
          .where('block', '>', before?.number ?? -1)
          .execute()
        // Kept with the deletion: a crash before the listeners have followed must not leave their rows orphaned.
        const block = (before?.number ?? deps.from - 1) + 1
        await trx
          .insertInto('forks')
          .values({ block })
          .onConflict((oc) => oc.doNothing())
          .execute()
      })
      last = await lastBlock()
    }
  }

  async function followForks(): Promise<void> {
    const fork = await db.selectFrom('forks').select('block').orderBy('block').limit(1).executeTakeFirst()
    if (!fork || reorganisation.length === 0) return
    log.warn({ block: fork.block }, 'the chain was reorganised; the index follows')
    for (const listener of reorganisation) await listener(fork.block)
    await db.deleteFrom('forks').execute()
  }

  async function take(from: number, to: number): Promise<void> {
    const before = await provider.getBlock(to)
    const logs = await provider.getLogs({ address: decoder.addresses, fromBlock: from, toBlock: to })
    const end = await provider.getBlock(to)
    // The last block's hash pins all before it; logs of two branches must never be mixed.
    if (!end?.hash || end.hash !== before?.hash) throw new Error('the chain changed while it was being read')
    const rows = logs.flatMap((entry) => row(entry))
    rows.sort((a, b) => a.block - b.block || a.log_index - b.log_index)
    const checkpoint = { number: to, hash: end.hash, parent: end.parentHash, time: end.timestamp }
    await db.transaction().execute(async (trx) => {
      for (let i = 0; i < rows.length; i += 500) {
        await trx
          .insertInto('events')
          .values(rows.slice(i, i + 500))
          .execute()
      }
      await trx.insertInto('blocks').values(checkpoint).execute()
      await trx
        .deleteFrom('blocks')
        .where('number', '<', to - KEPT_HASHES)
        .execute()
    })
    last = checkpoint
    for (const listener of advance) listener(to)
  }

  function row(entry: Log): IndexTables['events'][] {
    const decoded = decoder.decode(entry)
    if (!decoded) return []
    return [
      { block: entry.blockNumber, log_index: entry.index, transaction: entry.transactionHash, ...decoded },
    ]
  }

  function catchUp(): Promise<void> {
    running = running.then(run, run).catch((error: unknown) => {
      log.warn({ error }, 'indexing stopped short; it goes on with the next head')
    })
    return running
  }

  head.onHead(() => void catchUp())
  return {
    position: () => last?.number ?? -1,
    catchUp,
    onAdvance: (listener) => advance.push(listener),
    onReorganisation: (listener) => reorganisation.push(listener),
    close: async () => {
      closed = true
      clearTimeout(soon)
      await running
    },
  }
}
