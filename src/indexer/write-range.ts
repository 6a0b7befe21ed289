import { type Kysely, sql } from 'kysely'
import { copyRows } from '../store/copy-rows.ts'
import type { IndexTables } from '../store/schema.ts'
import { EVENT_COLUMNS, type ReadRange } from './read-range.ts'

/** How many blocks back every checkpoint is kept, at least, to find where a fork begins. */
const KEPT = 512

/** Of the older ones those at multiples of this stay: a deeper fork takes back no more than it must. */
export const SPARSE = 128

/** The last block whose events are in the index. */
export async function lastCheckpoint(db: Kysely<IndexTables>): Promise<IndexTables['blocks'] | undefined> {
  return db.selectFrom('blocks').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
}

/**
 * Writes a range and its checkpoint in one transaction.
 * @param deps.kept how deep a reorganisation may be
 */
export function createRangeWriter(deps: { db: Kysely<IndexTables>; kept: number | undefined }) {
  const kept = Math.max(KEPT, deps.kept ?? 0)

  /** @param before the checkpoint that it follows */
  return async ({ lines, checkpoint }: ReadRange, before: number | undefined): Promise<void> => {
    await deps.db.transaction().execute(async (trx) => {
      await copyRows(trx, 'chain_index.events', EVENT_COLUMNS, lines)
      await trx.insertInto('blocks').values(checkpoint).execute()
      // Those below were looked at when the range before was written.
      await trx
        .deleteFrom('blocks')
        .where('number', '>=', (before ?? 0) - kept)
        .where('number', '<', checkpoint.number - kept)
        .where(sql<boolean>`number % ${sql.lit(SPARSE)} <> 0`)
        .execute()
    })
  }
}
