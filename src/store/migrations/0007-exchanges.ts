import { type Kysely, sql } from 'kysely'

/** What was exchanged with whom, and the other side's receipts, to be held against each other; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'create table receipts (digest text primary key, peer text not null, at text not null, sealed bytea not null)',
    `create table exchanges (
      id text not null, side text not null, peer text not null, at text not null, sealed bytea not null,
      state text not null, receipt text references receipts, primary key (id, side))`,
    "create index exchanges_open on exchanges (at) where state <> 'matched'",
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
