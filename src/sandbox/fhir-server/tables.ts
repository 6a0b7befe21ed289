import { type Kysely, sql, type Transaction } from 'kysely'

/** One row a version, deletions included: never changed, never removed. `seq` orders all of them as they were committed. */
export type VersionRow = {
  seq: number
  type: string
  id: string
  version: number
  /** `meta.lastUpdated` in milliseconds since 1970. */
  at: number
  method: 'POST' | 'PUT' | 'DELETE'
  /** The resource as JSON text, handed out byte for byte; null for a deletion. */
  body: string | null
}

/** One row a resource, deleted ones included: which version is current, and what it is found by. */
export type CurrentRow = {
  type: string
  id: string
  version: number
  seq: number
  at: number
  deleted: boolean
  /** SHA-256 over the content without what the server sets: tells an unchanged update. */
  digest: string
  /** Exact-match search terms. */
  terms: string[]
  /** Text search values, one a line, in lower case. */
  words: string
}

/** The one row that every writer locks first: so versions are numbered and dated in the order of their commits. */
export type ClockRow = { one: boolean; seq: number; at: number }

/** Where the delivery of a REST-hook stands: every version up to `position` is delivered, or was given up. */
export type HookRow = { id: string; position: number }

export type FhirTables = { versions: VersionRow; current: CurrentRow; clock: ClockRow; hooks: HookRow }
export type FhirDb = Kysely<FhirTables>
export type FhirTrx = Transaction<FhirTables>

/** Creates what is missing of the tables, and hands out the database with `schema` as its default. */
export async function openFhirTables(db: Kysely<unknown>, schema: string): Promise<FhirDb> {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) throw new RangeError(`not a schema name: ${schema}`)
  const at = sql.id(schema)
  await db.transaction().execute(async (trx) => {
    await sql`create schema if not exists ${at}`.execute(trx)
    await sql`create table if not exists ${at}.versions (
      seq bigint primary key, type text not null, id text not null, version integer not null,
      at bigint not null, method text not null, body text, unique (type, id, version))`.execute(trx)
    await sql`create index if not exists versions_by_type on ${at}.versions (type, seq)`.execute(trx)
    await sql`create index if not exists versions_by_time on ${at}.versions (at, seq)`.execute(trx)
    await sql`create table if not exists ${at}.current (
      type text not null, id text not null, version integer not null, seq bigint not null, at bigint not null,
      deleted boolean not null, digest text not null, terms text[] not null, words text not null,
      primary key (type, id))`.execute(trx)
    // Without fastupdate: a search would have to read through the list of pending entries each time.
    await sql`create index if not exists current_by_term on ${at}.current using gin (terms)
      with (fastupdate = off)`.execute(trx)
    await sql`create table if not exists ${at}.clock (
      one boolean primary key check (one), seq bigint not null, at bigint not null)`.execute(trx)
    await sql`insert into ${at}.clock values (true, 0, 0) on conflict do nothing`.execute(trx)
    await sql`create table if not exists ${at}.hooks (
      id text primary key, position bigint not null)`.execute(trx)
  })
  return db.withSchema(schema)
}
