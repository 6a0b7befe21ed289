import { type Kysely, sql } from 'kysely'

/** What a comparison of log, trail and chain has met so far; and who resolved handles when, for the limit. See schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'create table compared_entries (run text not null, id text not null, at text not null, primary key (run, id))',
    `create table resolutions (
      id text primary key, at text not null, client_id text not null, person_lookup text not null)`,
    'create index resolutions_at on resolutions (at)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
