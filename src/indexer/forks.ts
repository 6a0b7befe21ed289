import type { Kysely } from 'kysely'
import type { HeadWatch } from '../chain/head-watch.ts'
import type { NodeRpc } from '../chain/node-rpc.ts'
import type { Logger } from '../observe/log.ts'
import type { IndexTables } from '../store/schema.ts'
import { readBlock } from './read-range.ts'

type Checkpoint = IndexTables['blocks']

/** A reorganisation that must not be followed: the first block that it took away, as far as is known, and how many. */
export type TooDeep = { block: number; depth: number; allowed: number }

/** The chain was reorganised deeper than it may be; see docs/decisions/0090. */
class ReorganisedTooDeepError extends Error {
  override readonly name = 'ReorganisedTooDeepError'
}

/** Checkpoints that are looked at together. */
const PAGE = 100

export type Forks = ReturnType<typeof createForks>

/** Takes rows back where the chain no longer holds the blocks that they came from, and tells whoever listens. */
export function createForks(deps: {
  db: Kysely<IndexTables>
  rpc: NodeRpc
  head: Pick<HeadWatch, 'head'>
  log: Logger
  from: number
  /** How many blocks may be taken back; any number where undefined. */
  allowed: number | undefined
}) {
  const { db, rpc, head, log, from, allowed } = deps
  const listeners: ((block: number) => Promise<void>)[] = []
  let tooDeep: TooDeep | undefined

  /**
   * Whether the chain of now holds this block; `not yet` where it has fewer blocks.
   * @throws Error where the node says that it has the block and does not show it
   */
  async function standing({ number, hash }: Checkpoint): Promise<'here' | 'gone' | 'not yet'> {
    const block = await readBlock(rpc, number)
    if (block) return block.hash === hash ? 'here' : 'gone'
    // An absent block may also be a node that lags; only a node whose head is lower, or another hash, is a fork.
    if ((head.head()?.number ?? -1) >= number) throw new Error('the node hides a block that it has')
    return 'not yet'
  }

  /** The newest checkpoint that the chain still holds. */
  async function ancestorOf({ number }: Checkpoint): Promise<Checkpoint | undefined> {
    let below = number
    for (;;) {
      const page = await db
        .selectFrom('blocks')
        .selectAll()
        .where('number', '<', below)
        .orderBy('number', 'desc')
        .limit(PAGE)
        .execute()
      for (const checkpoint of page) {
        if ((await standing(checkpoint)) === 'here') return checkpoint
        below = checkpoint.number
      }
      if (page.length < PAGE) return undefined
    }
  }

  /** A node that is behind shows the same blocks, only fewer: where no block may be taken back at will, it is waited for. */
  async function isBehind(last: Checkpoint): Promise<boolean> {
    const now = head.head()
    if (allowed === undefined || !now || now.number >= last.number) return false
    const known = await db
      .selectFrom('blocks')
      .selectAll()
      .where('number', '<=', now.number)
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst()
    return known === undefined || (await standing(known)) !== 'gone'
  }

  /**
   * Whether blocks are gone, and down to where; takes nothing back.
   * @throws ReorganisedTooDeepError where more went than may
   */
  async function judge(
    last: Checkpoint | undefined,
  ): Promise<{ ancestor: Checkpoint | undefined } | undefined> {
    if (!last || (await standing(last)) === 'here' || (await isBehind(last))) {
      tooDeep = undefined
      return undefined
    }
    const ancestor = await ancestorOf(last)
    const first = (ancestor?.number ?? from - 1) + 1
    const depth = last.number - first + 1
    if (allowed !== undefined && depth > allowed) {
      if (!tooDeep)
        log.error({ block: first, count: depth }, 'the chain was reorganised deeper than it may be')
      tooDeep = { block: first, depth, allowed }
      throw new ReorganisedTooDeepError(`${depth} blocks are gone, and ${allowed} may be`)
    }
    tooDeep = undefined
    return { ancestor }
  }

  async function takeBack(ancestor: Checkpoint | undefined): Promise<void> {
    const block = (ancestor?.number ?? from - 1) + 1
    await db.transaction().execute(async (trx) => {
      await trx.deleteFrom('blocks').where('number', '>=', block).execute()
      await trx.deleteFrom('events').where('block', '>=', block).execute()
      // Kept with the deletion: a crash before the listeners have followed must not leave their rows orphaned.
      await trx
        .insertInto('forks')
        .values({ block })
        .onConflict((oc) => oc.doNothing())
        .execute()
    })
  }

  return {
    tooDeep: () => tooDeep,
    onReorganisation: (listener: (block: number) => Promise<void>) => listeners.push(listener),

    judge,

    /**
     * @param last where the index stands
     * @returns where it stands then
     * @throws ReorganisedTooDeepError where more blocks went than may; nothing is taken back then
     */
    async unwind(last: Checkpoint | undefined): Promise<Checkpoint | undefined> {
      const fork = await judge(last)
      if (!fork) return last
      await takeBack(fork.ancestor)
      return fork.ancestor
    },

    /** Has everybody follow the reorganisations that not everybody has followed. */
    async follow(): Promise<void> {
      const fork = await db.selectFrom('forks').select('block').orderBy('block').limit(1).executeTakeFirst()
      if (!fork || listeners.length === 0) return
      log.warn({ block: fork.block }, 'the chain was reorganised; the index follows')
      for (const listener of listeners) await listener(fork.block)
      await db.deleteFrom('forks').execute()
    },
  }
}
