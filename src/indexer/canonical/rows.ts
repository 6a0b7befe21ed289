import type { Kysely } from 'kysely'
import { type CanonicalRow, canonicalLine } from '../../domain/evidence/canonical-row.ts'
import type { IndexTables } from '../../store/schema.ts'

/** No log has a higher index: the column’s greatest. */
const LAST_LOG = 2 ** 31 - 1

/** Rows read at once: enough to be quick, few enough to be held. */
const PAGE = 2_000

/** A row of the index with its line. */
export type Line = { block: number; logIndex: number; line: string }

/** The index's rows after a block and up to another, in the order of (block, log index), in pages. */
export async function* linesOf(
  db: Kysely<IndexTables>,
  { after, to }: { after: number; to: number },
): AsyncGenerator<Line[]> {
  let place = { block: after, logIndex: LAST_LOG }
  for (;;) {
    const rows = await db
      .selectFrom('events')
      .select(['block', 'log_index', 'transaction', 'contract', 'name', 'args'])
      .where((eb) => eb(eb.refTuple('block', 'log_index'), '>', eb.tuple(place.block, place.logIndex)))
      .where('block', '<=', to)
      .orderBy('block')
      .orderBy('log_index')
      .limit(PAGE)
      .execute()
    const last = rows.at(-1)
    if (!last) return
    yield rows.map((row) => ({ block: row.block, logIndex: row.log_index, line: lineOf(row) }))
    if (rows.length < PAGE) return
    place = { block: last.block, logIndex: last.log_index }
  }
}

/** The line of a row. Its keys for look-ups are not in it: they are in the arguments. */
export function lineOf(row: Omit<IndexTables['events'], 'key1' | 'key2'>): string {
  return canonicalLine({
    block: row.block,
    logIndex: row.log_index,
    transaction: row.transaction,
    contract: row.contract,
    event: row.name,
    args: JSON.parse(row.args) as CanonicalRow['args'],
  })
}

/** The last block that is in the index; undefined for an empty one. */
export async function lastIndexed(db: Kysely<IndexTables>): Promise<number | undefined> {
  const row = await db
    .selectFrom('blocks')
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.number
}
