import type { Kysely } from 'kysely'
import type { Contracts } from '../chain/contracts.ts'
import type { HeadWatch } from '../chain/head-watch.ts'
import { NodeError, type NodeRpc } from '../chain/node-rpc.ts'
import { type Clock, systemClock } from '../domain/clock.ts'
import type { Logger } from '../observe/log.ts'
import type { IndexTables } from '../store/schema.ts'
import type { Lead } from '../turns/lead.ts'
import { createDecoder, type Predecessors } from './decode.ts'
import { createForks, type TooDeep } from './forks.ts'
import { createIndexProgress, type IndexProgress } from './index-progress.ts'
import { createRangeSize } from './range-size.ts'
import { ChainChangedError, type ReadRange, readRange } from './read-range.ts'
import { createRangeWriter, lastCheckpoint, SPARSE } from './write-range.ts'

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
  /** Set while the node shows a chain that this index must not follow: reorganised deeper than it may. */
  tooDeep(): TooDeep | undefined
  /** How far it is, and how long the rest will take. */
  progress(): IndexProgress
  close(): Promise<void>
}

/** How many ranges are read while one is written. */
const AHEAD = 2

/** The newest blocks are read one by one, each held against its header, unless a deeper reorganisation is to be followed. */
const SINGLY = 16

/** How soon one that follows looks again for what is not written yet. Milliseconds. */
const FOLLOW_EVERY = 100

/** How often one run begins anew where the chain changes while it is read. */
const ATTEMPTS = 3

/**
 * Turns contract events into rows in total order (block, log index). One range is one SQL transaction that ends with its
 * checkpoint, so that a crash anywhere loses or doubles nothing; a reorganisation takes rows back to the common ancestor
 * before anything new is written (I10). While a range is written, the next ones are read.
 */
export async function createIndexer(deps: {
  db: Kysely<IndexTables>
  /** The member's own node. It stays open when the indexer closes. */
  rpc: NodeRpc
  contracts: Contracts
  /** What each contract took over from: its events are the same. */
  predecessors?: Predecessors
  /** Block of the deployment: nothing of ours is older. */
  from: number
  head: HeadWatch
  log: Logger
  /** Of several brokers on one database one writes the index, and the others follow it. */
  lead: Pick<Lead, 'holds'>
  /** At most so many blocks at once; 1 holds every block against its header. */
  range?: number
  /**
   * How many blocks a reorganisation may take back: 0 on a chain whose blocks are final at once; any number where absent.
   * A deeper one is not followed.
   */
  reorganisationDepth?: number | undefined
  clock?: Clock
}): Promise<Indexer> {
  const { db, rpc, head, log, range, reorganisationDepth, clock = systemClock } = deps
  const decoder = createDecoder(deps.contracts, deps.predecessors)
  const size = createRangeSize(range === undefined ? {} : { most: range })
  const forks = createForks({ db, rpc, head, log, from: deps.from, allowed: reorganisationDepth })
  const write = createRangeWriter({ db, kept: reorganisationDepth })
  const progress = createIndexProgress({ from: deps.from, head, log, clock })
  const singly = Math.max(SINGLY, reorganisationDepth ?? 0)
  const advance: ((block: number) => void)[] = []
  let last = await lastCheckpoint(db)
  let closed = false
  let soon: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  progress.at(last?.number)

  /** The last block of a range that begins here. */
  function endOf(from: number, target: number): number {
    if (from > target - singly) return from
    const end = Math.min(from + size.blocks() - 1, target - singly)
    const aligned = end - (end % SPARSE)
    return aligned >= from ? aligned : end
  }

  async function run(): Promise<void> {
    if (!deps.lead.holds()) return followOther()
    for (let attempt = 1; ; attempt++) {
      // What is written is known by the database alone: a commit may have counted although its answer was lost.
      last = await lastCheckpoint(db)
      progress.at(last?.number)
      try {
        last = await forks.unwind(last)
        progress.at(last?.number)
        await forks.follow()
        return await pass()
      } catch (error) {
        if (closed || attempt === ATTEMPTS || !(error instanceof ChainChangedError)) throw error
      }
    }
  }

  /** What another process has written, until it is at the head. */
  async function followOther(): Promise<void> {
    clearTimeout(soon)
    const before = last
    last = await lastCheckpoint(db)
    progress.at(last?.number)
    if (last && last.hash !== before?.hash) for (const listener of advance) listener(last.number)
    if (!closed && (last?.number ?? -1) < (head.head()?.number ?? -1))
      soon = setTimeout(() => void catchUp(), FOLLOW_EVERY)
    // That the chain was reorganised too deep is for each to see; only one takes rows back.
    await forks.judge(last)
  }

  /** From where the index stands to the head of now. */
  async function pass(): Promise<void> {
    let next = last ? last.number + 1 : deps.from
    const ahead: { from: number; to: number; read: Promise<ReadRange> }[] = []
    const begin = () => {
      const target = head.head()?.number
      while (
        !closed &&
        deps.lead.holds() &&
        target !== undefined &&
        next <= target &&
        ahead.length <= AHEAD
      ) {
        const to = endOf(next, target)
        const read = readRange({ rpc, decoder }, next, to)
        // Whoever waits for it hears of a failure; until then nobody does.
        read.catch(() => {})
        ahead.push({ from: next, to, read })
        next = to + 1
      }
    }
    try {
      for (;;) {
        begin()
        const [first] = ahead
        if (closed || !first) return
        let read: ReadRange
        try {
          read = await first.read
        } catch (error) {
          const blocks = first.to - first.from + 1
          if (!(error instanceof NodeError) || !size.refused(blocks, error)) throw error
          await Promise.allSettled(ahead.splice(0).map((other) => other.read))
          next = first.from
          continue
        }
        ahead.shift()
        size.answered({ blocks: first.to - first.from + 1, logs: read.logs, ms: read.ms })
        begin()
        await take(read)
      }
    } finally {
      await Promise.allSettled(ahead.map((other) => other.read))
    }
  }

  async function take(read: ReadRange): Promise<void> {
    // Two branches must never be mixed: what is written is the parent of what comes.
    if (last && read.parent !== last.hash)
      throw new ChainChangedError('a range does not follow the one before it')
    if (closed || !deps.lead.holds()) return
    await write(read, last?.number)
    last = read.checkpoint
    progress.wrote(read.checkpoint.number, read.events)
    for (const listener of advance) listener(read.checkpoint.number)
  }

  function catchUp(): Promise<void> {
    running = running.then(run, run).catch((error: unknown) => {
      if (!closed) log.warn({ error }, 'indexing stopped short; it goes on with the next head')
    })
    return running
  }

  head.onHead(() => void catchUp())
  return {
    position: () => last?.number ?? -1,
    catchUp,
    onAdvance: (listener) => advance.push(listener),
    onReorganisation: forks.onReorganisation,
    tooDeep: forks.tooDeep,
    progress: progress.now,
    close: async () => {
      closed = true
      clearTimeout(soon)
      await running
    },
  }
}
