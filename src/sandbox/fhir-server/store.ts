import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { jsonText, parseJson, sortedText, withText } from './json.ts'
import type { Resource, StoredResource } from './medplum-types.ts'
import { searchIndexOf } from './search-terms.ts'
import type { CurrentRow, FhirDb, FhirTrx, VersionRow } from './tables.ts'

/** Rows in one INSERT: a statement may hold 65,535 parameters. */
const ROWS_AT_ONCE = 500

/** What is to become of one resource. */
export type Change =
  | { method: 'POST' | 'PUT'; resource: Resource & { id: string } }
  | { method: 'DELETE'; type: string; id: string }

/** What became of it. `changed` is false when it already was as asked for: then no version was made. */
export type Written = {
  type: string
  id: string
  version: number
  lastUpdated: string
  changed: boolean
  /** True when it did not exist, or was deleted, before. */
  created: boolean
  /** Absent after a deletion. */
  resource?: StoredResource
}

/** Takes the one lock of all writers, held until the transaction ends. */
export async function lockForWriting(trx: FhirTrx): Promise<{ seq: number; at: number }> {
  return trx.selectFrom('clock').select(['seq', 'at']).forUpdate().executeTakeFirstOrThrow()
}

/** How far the history goes that everybody can see: `seq` of the last version, and its time. */
export async function readClock(db: FhirDb): Promise<{ seq: number; at: number }> {
  return db.selectFrom('clock').select(['seq', 'at']).executeTakeFirstOrThrow()
}

/** The current row of one resource, with its body. Deleted ones have none. */
export async function readCurrent(db: FhirDb, type: string, id: string) {
  return db
    .selectFrom('current as c')
    .innerJoin('versions as v', (join) =>
      join.onRef('v.type', '=', 'c.type').onRef('v.id', '=', 'c.id').onRef('v.version', '=', 'c.version'),
    )
    .where('c.type', '=', type)
    .where('c.id', '=', id)
    .select(['c.version', 'c.deleted', 'v.body'])
    .executeTakeFirst()
}

/**
 * Writes changes in one transaction, each resource at most once. All get the same time, which never runs backwards, and
 * consecutive numbers in the order given. An update that changes nothing and a deletion of what is not there make no
 * version.
 */
export async function writeChanges(
  trx: FhirTrx,
  changes: readonly Change[],
  { now, base }: { now: Date; base: string },
): Promise<Written[]> {
  const clock = await lockForWriting(trx)
  const at = Math.max(now.getTime(), clock.at)
  const lastUpdated = new Date(at).toISOString()
  const existing = await readExisting(trx, changes)
  const versions: VersionRow[] = []
  const currents: CurrentRow[] = []
  let seq = clock.seq

  const written: Written[] = []
  for (const change of changes) {
    const { type, id } = identityOf(change)
    const before = existing.get(`${type}/${id}`)
    const version = (before?.version ?? 0) + 1
    const gone = before === undefined || before.deleted
    if (change.method === 'DELETE') {
      if (gone) {
        written.push({ type, id, version: version - 1, lastUpdated, changed: false, created: false })
        continue
      }
      seq += 1
      versions.push({ seq, type, id, version, at, method: 'DELETE', body: null })
      currents.push({ type, id, version, seq, at, deleted: true, digest: '', terms: [], words: '' })
      written.push({ type, id, version, lastUpdated, changed: true, created: false })
      continue
    }
    const digest = digestOf(change.resource)
    if (before !== undefined && !gone && before.digest === digest) {
      const unchanged = await readCurrent(trx, type, id)
      const resource = storedResource(unchanged?.body ?? '')
      const { lastUpdated } = resource.meta
      written.push({
        type,
        id,
        version: before.version,
        lastUpdated,
        changed: false,
        created: false,
        resource,
      })
      continue
    }
    seq += 1
    const resource = stamp(change.resource, version, lastUpdated)
    const body = jsonText(resource)
    versions.push({ seq, type, id, version, at, method: change.method, body })
    currents.push({ type, id, version, seq, at, deleted: false, digest, ...searchIndexOf(resource, base) })
    written.push({
      type,
      id,
      version,
      lastUpdated,
      changed: true,
      created: gone,
      resource: withText(resource, body),
    })
  }

  for (const rows of chunks(versions)) await trx.insertInto('versions').values(rows).execute()
  for (const rows of chunks(currents)) {
    await trx
      .insertInto('current')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['type', 'id']).doUpdateSet((row) => ({
          version: row.ref('excluded.version'),
          seq: row.ref('excluded.seq'),
          at: row.ref('excluded.at'),
          deleted: row.ref('excluded.deleted'),
          digest: row.ref('excluded.digest'),
          terms: row.ref('excluded.terms'),
          words: row.ref('excluded.words'),
        })),
      )
      .execute()
  }
  if (seq !== clock.seq) await trx.updateTable('clock').set({ seq, at }).execute()
  return written
}

/** A stored body as an object that is written out again byte for byte. */
export function storedResource(body: string): StoredResource {
  return withText(parseJson(body) as StoredResource, body)
}

function identityOf(change: Change): { type: string; id: string } {
  return change.method === 'DELETE' ? change : { type: change.resource.resourceType, id: change.resource.id }
}

async function readExisting(trx: FhirTrx, changes: readonly Change[]) {
  const keys = changes.map(identityOf)
  const rows = await trx
    .selectFrom('current')
    .where((eb) =>
      eb(
        eb.refTuple('type', 'id'),
        'in',
        sql<
          [string, string]
        >`(select * from unnest(${keys.map((key) => key.type)}::text[], ${keys.map((key) => key.id)}::text[]))`,
      ),
    )
    .select(['type', 'id', 'version', 'deleted', 'digest'])
    .execute()
  return new Map(rows.map((row) => [`${row.type}/${row.id}`, row]))
}

function stamp(resource: Resource & { id: string }, version: number, lastUpdated: string): StoredResource {
  const { resourceType, id, meta, ...content } = resource
  const stamped = { resourceType, id, meta: { ...meta, versionId: String(version), lastUpdated }, ...content }
  return stamped as unknown as StoredResource
}

function digestOf(resource: Resource): string {
  const { versionId, lastUpdated, ...meta } = resource.meta ?? {}
  const { meta: _, ...content } = resource
  const compared = Object.keys(meta).length === 0 ? content : { ...content, meta }
  return createHash('sha256').update(sortedText(compared)).digest('hex')
}

function* chunks<T>(rows: readonly T[]): Generator<T[]> {
  for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) yield rows.slice(i, i + ROWS_AT_ONCE)
}
