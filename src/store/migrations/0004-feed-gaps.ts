import { type Kysely, sql } from 'kysely'

/** What of the FHIR server's history is still to be read, and what a comparison has seen there; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table feed_gaps (
      id bigserial primary key, since text, next text, versions_read integer not null, versions_in_all integer,
      begun_at text not null)`,
    'create table reconciled (version_lookup text primary key)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
