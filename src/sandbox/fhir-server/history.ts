import type { Bundle, BundleEntry } from './medplum-types.ts'
import { invalid, notSupported } from './outcomes.ts'
import { type QueryPairs, readCount } from './search-query.ts'
import { readClock, storedResource } from './store.ts'
import type { FhirDb, VersionRow } from './tables.ts'

// History is read in the order of commits, newest first (FHIR R4 §3.1.0.14). The order is that of `seq`, which nothing
// shares and nothing changes, so pages neither overlap nor leave gaps while others write. `_since` includes its instant:
// whoever asks again from the last time it saw misses nothing, and sees versions of that instant twice.

const PAGE = 100
const LARGEST_PAGE = 1_000

/** Everything, one type, or one resource. */
export type HistoryOf = { type?: string; id?: string }

export type HistoryQuery = {
  since?: number
  count: number
  before?: number
  /** Elements to which each version is cut (`_elements`), beside its type, id and meta. */
  elements?: readonly string[]
  pairs: QueryPairs
}

/** @throws OperationOutcomeError (400) */
export function parseHistory(pairs: QueryPairs): HistoryQuery {
  const query: HistoryQuery = { count: PAGE, pairs: pairs.filter(([name]) => name !== '_before') }
  for (const [name, value] of pairs) {
    if (name === '_since') query.since = readInstant(value)
    else if (name === '_count') query.count = Math.min(readCount(value), LARGEST_PAGE)
    else if (name === '_before') query.before = readCount(value)
    else if (name === '_elements') query.elements = value.split(',')
    else if (name !== '_format') throw notSupported(`The history parameter "${name}" is not supported`)
  }
  return query
}

/**
 * One page of history, with a `next` link when there is more. `meta.lastUpdated` is the time of the newest version
 * there was: a safe `_since` for the next question.
 */
export async function readHistoryBundle(
  db: FhirDb,
  of: HistoryOf,
  query: HistoryQuery,
  base: string,
): Promise<Bundle> {
  const clock = await readClock(db)
  const matching = db
    .selectFrom('versions')
    .$if(of.type !== undefined, (some) => some.where('type', '=', of.type ?? ''))
    .$if(of.id !== undefined, (some) => some.where('id', '=', of.id ?? ''))
    .where('seq', '>=', query.since === undefined ? 0 : await firstSince(db, query.since))
    .where('seq', '<=', clock.seq)
  const { total } = await matching
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const rows = await matching
    .selectAll()
    .$if(query.before !== undefined, (some) => some.where('seq', '<', query.before ?? 0))
    .orderBy('seq', 'desc')
    .limit(query.count + 1)
    .execute()
  const page = rows.slice(0, query.count)
  const last = page.at(-1)
  const url = [base, of.type, of.id, '_history'].filter(Boolean).join('/')
  return {
    resourceType: 'Bundle',
    type: 'history',
    ...(clock.at > 0 && { meta: { lastUpdated: new Date(clock.at).toISOString() } }),
    total,
    link: [
      { relation: 'self', url: pageUrl(url, query.pairs, query.before) },
      ...(rows.length > query.count && last
        ? [{ relation: 'next', url: pageUrl(url, query.pairs, last.seq) }]
        : []),
    ],
    entry: page.map((row) => historyEntry(row, base, query.elements)),
  }
}

/** `seq` of the first version at an instant or after it. Time never runs backwards along `seq`, so one bound is enough. */
async function firstSince(db: FhirDb, since: number): Promise<number> {
  const first = await db
    .selectFrom('versions')
    .where('at', '>=', since)
    .select('seq')
    .orderBy('at')
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return first?.seq ?? Number.MAX_SAFE_INTEGER
}

function historyEntry(row: VersionRow, base: string, elements?: readonly string[]): BundleEntry {
  const isNew = row.method === 'POST' || (row.method === 'PUT' && row.version === 1)
  return {
    fullUrl: `${base}/${row.type}/${row.id}`,
    ...(row.body !== null && { resource: cut(storedResource(row.body), elements) }),
    request: { method: row.method, url: row.method === 'POST' ? row.type : `${row.type}/${row.id}` },
    response: {
      status: row.method === 'DELETE' ? '204' : isNew ? '201' : '200',
      etag: `W/"${row.version}"`,
      lastModified: new Date(row.at).toISOString(),
    },
  }
}

/** Marked, so that nobody takes it for the whole (FHIR R4 §3.1.1.5.8). */
function cut<T extends { meta: object }>(resource: T, elements: readonly string[] | undefined): T {
  if (!elements) return resource
  const kept = new Set(['resourceType', 'id', ...elements])
  const parts = Object.entries(resource).filter(([name]) => kept.has(name))
  const meta = { ...resource.meta, tag: [SUBSETTED] }
  return { ...Object.fromEntries(parts), meta } as unknown as T
}

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

function pageUrl(url: string, pairs: QueryPairs, before: number | undefined): string {
  const query = new URLSearchParams(pairs.map(([name, value]) => [name, value]))
  if (before !== undefined) query.append('_before', String(before))
  return query.size === 0 ? url : `${url}?${query}`
}

/** An `instant` in milliseconds since 1970, rounded down: asking for more is safe, for less is not. */
function readInstant(text: string): number {
  // An unescaped + in a query arrives as a space.
  const instant = text.replace(' ', '+')
  const ok = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(instant)
  const at = Date.parse(instant)
  if (!ok || Number.isNaN(at)) throw invalid('_since must be an instant, such as 2026-01-31T12:00:00Z')
  return at
}
