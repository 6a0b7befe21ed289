import { type Kysely, sql } from 'kysely'

/** Entries whose body is deleted keep their leaf, so that every root can still be computed; holds keep bodies. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table access_log alter column sealed drop not null, alter column salt drop not null',
    'create index access_log_kept on access_log (at) where sealed is not null',
    `create table audit_holds (
      id text primary key, from_at text, until_at text, everybody boolean not null, sealed bytea not null,
      placed_by text not null, placed_at text not null, lift_asked_by text, lifted_by text, lifted_at text)`,
    'create table audit_hold_patients (hold_id text not null references audit_holds, lookup text not null)',
    'create index audit_hold_patients_lookup on audit_hold_patients (lookup)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
