import { type Kysely, sql } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import { termLookup } from './file-trail.ts'

/** Where a page ended: the newest line when the first one was made, and the last line that was shown. */
export type PageMark = { upTo: number; at: string; place: number }

export type TrailQuery = {
  /** Lookups under which one patient may stand; absent: all. */
  patients?: readonly string[]
  /** Instants, inclusive and exclusive. */
  from?: string
  to?: string
  /** Terms as termOf makes them: of each list one must hold. */
  terms?: readonly (readonly string[])[]
  sort: 'date' | '-date'
  count: number
  page?: PageMark
}

export type TrailPage = { entries: AuditEntry[]; next?: PageMark }

/**
 * A page of the trail, by date. Pages show the trail as it was when the first one was made: each line once, and none that
 * came later.
 * @param upTo place of the newest line, from `Filing.file`
 */
export async function searchTrail(
  { db, vault }: { db: Kysely<BrokerTables>; vault: Vault },
  query: TrailQuery,
  upTo: number,
): Promise<TrailPage> {
  const { patients, from, to, terms = [], sort, count, page } = query
  const order = sort === 'date' ? 'asc' : 'desc'
  const newest = Math.min(page?.upTo ?? upTo, upTo)
  let rows = db
    .selectFrom('audit_events')
    .select(['recorded', 'place', 'sealed'])
    .where('place', '<=', newest)
    .orderBy('recorded', order)
    .orderBy('place', order)
    .limit(count + 1)
  if (patients) rows = rows.where('patient_lookup', 'in', [...patients])
  if (from) rows = rows.where('recorded', '>=', from)
  if (to) rows = rows.where('recorded', '<', to)
  for (const either of terms) {
    const lookups = either.map((term) => sql`${termLookup(vault, term)}::text`)
    rows = rows.where(sql<boolean>`terms ?| array[${sql.join(lookups)}]`)
  }
  if (page)
    rows = rows.where((eb) =>
      eb(eb.refTuple('recorded', 'place'), sort === 'date' ? '>' : '<', eb.tuple(page.at, page.place)),
    )
  const found = await rows.execute()
  const shown = found.slice(0, count)
  const last = shown.at(-1)
  return {
    entries: shown.map(({ sealed }) => openJson<AuditEntry>(vault.storeKey, sealed)),
    ...(found.length > count && last
      ? { next: { upTo: newest, at: last.recorded, place: last.place ?? 0 } }
      : {}),
  }
}
