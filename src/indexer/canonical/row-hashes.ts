import type { Kysely } from 'kysely'
import { addLine } from '../../domain/evidence/canonical-row.ts'
import { CHECKPOINT_EVERY } from '../../domain/evidence/checkpoint.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexTables } from '../../store/schema.ts'
import { linesOf } from './rows.ts'

/** What the index holds up to a block, the block included. */
export type RowHash = { block: number; rows: number; hash: Hex }

export type RowHashes = {
  /** Hashes on to the last hundredth block that is not above this one; returns the newest there is then. */
  follow(block: number): Promise<RowHash | undefined>
  /** What stands at a hundredth block; undefined where it is not hashed yet, or older than the contracts. */
  at(block: number): Promise<RowHash | undefined>
  /** Forgets what stands at this block and above: after a reorganisation, before anything new is hashed. */
  rewind(block: number): Promise<void>
}

/** Blocks without a row in between are written together. */
const BATCH = 500

/**
 * Follows the index with a running hash over its canonical rows. Each row is hashed once, and what is kept ends at a hundredth
 * block, so that a crash in between costs the rows after that and nothing else.
 *
 * @param start the hash of no rows: the view, see viewLine
 * @param from first block that can hold a row
 */
export function createRowHashes(deps: { db: Kysely<IndexTables>; start: Hex; from: number }): RowHashes {
  const { db } = deps
  const first = Math.ceil(deps.from / CHECKPOINT_EVERY) * CHECKPOINT_EVERY
  let running: Promise<unknown> = Promise.resolve()

  /** One after another: a turn that has read rows of a lost branch must not write after they were taken back. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = running.then(work, work)
    running = next.catch(() => undefined)
    return next
  }

  async function newest(): Promise<RowHash | undefined> {
    const row = await db
      .selectFrom('row_hashes')
      .selectAll()
      .orderBy('block', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && { ...row, hash: row.hash as Hex }
  }

  async function hashOn(until: number): Promise<RowHash | undefined> {
    const last = await newest()
    const target = Math.floor(until / CHECKPOINT_EVERY) * CHECKPOINT_EVERY
    if (target < (last ? last.block + CHECKPOINT_EVERY : first)) return last
    let state = last ?? { block: -1, rows: 0, hash: deps.start }
    let next = last ? last.block + CHECKPOINT_EVERY : first
    const done: RowHash[] = []
    const store = async (least: number) => {
      if (done.length >= least) await db.insertInto('row_hashes').values(done.splice(0)).execute()
    }
    for await (const page of linesOf(db, { after: state.block, to: target })) {
      for (const { block, line } of page) {
        for (; block > next; next += CHECKPOINT_EVERY) done.push({ ...state, block: next })
        state = { block, rows: state.rows + 1, hash: addLine(state.hash, line) }
      }
      await store(BATCH)
    }
    for (; next <= target; next += CHECKPOINT_EVERY) {
      done.push({ ...state, block: next })
      await store(BATCH)
    }
    await store(1)
    return newest()
  }

  return {
    follow: (block) => inTurn(() => hashOn(block)),
    async at(block) {
      const row = await db.selectFrom('row_hashes').selectAll().where('block', '=', block).executeTakeFirst()
      return row && { ...row, hash: row.hash as Hex }
    },
    rewind: (block) =>
      inTurn(async () => {
        await db.deleteFrom('row_hashes').where('block', '>=', block).execute()
      }),
  }
}
