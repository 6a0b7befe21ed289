import { type Kysely, sql } from 'kysely'

/** Enrolments that patients ask for themselves, and what they are told outside of the portal; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `alter table enrolments
      alter column first_registrar drop not null, alter column code_hash drop not null,
      add column started_by text not null default 'registrar', add column sealed bytea,
      add column rejected_by text, add column created_at text not null default ''`,
    `create table enrolment_requests (
      id text primary key, identifier_lookup text not null, sealed bytea, attempts integer not null,
      next_at text not null, created_at text not null)`,
    'create index enrolment_requests_due on enrolment_requests (next_at) where sealed is not null',
    'create index enrolment_requests_lookup on enrolment_requests (identifier_lookup)',
    `create table messages (
      id text primary key, patient_id text not null references patients, kind text not null, sealed bytea not null,
      attempts integer not null, next_at text not null, expires_at text not null, created_at text not null)`,
    'create index messages_due on messages (next_at)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
