import { type Kysely, sql } from 'kysely'

/** What a patient is told and what they object to; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table patient_preferences (
      patient_id text primary key references patients, channel text not null, language text, told_at text)`,
    `create table notices (
      id text primary key, seq bigserial not null, patient_id text not null references patients, source text not null,
      sealed bytea not null, read boolean not null, created_at text not null, unique (patient_id, source))`,
    'create index notices_patient on notices (patient_id, seq)',
    `create table cases (
      id text primary key, patient_id text not null references patients, state text not null, sealed bytea not null,
      created_at text not null, changed_at text not null)`,
    'create index cases_patient on cases (patient_id, created_at)',
    'create index cases_state on cases (state, created_at)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
