import { type Kysely, sql } from 'kysely'

/**
 * The order in which the trail is searched and told, and what each line is found by. Lines from before get both as soon as
 * the broker runs.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table audit_events add column place bigint, add column terms jsonb',
    'create index audit_events_unfiled on audit_events (seq) where place is null',
    'create unique index audit_events_place on audit_events (place)',
    'create index audit_events_order on audit_events (recorded, place)',
    'create index audit_events_terms on audit_events using gin (terms)',
    'create table audit_marks (name text primary key, place bigint not null, busy_until text not null)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
