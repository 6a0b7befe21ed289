import { type Kysely, sql } from 'kysely'

/** What happened to patients' identities, and whom it concerns; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table identity_events (
      id text primary key, kind text not null, status text not null, records_from bigint not null,
      word text, first_person text, second_person text, sealed bytea not null, created_at text not null, closed_at text)`,
    "create index identity_events_open on identity_events (created_at) where status in ('open', 'confirmed')",
    `create table identity_event_patients (
      event_id text not null references identity_events, patient_id text not null references patients,
      primary key (event_id, patient_id))`,
    'create index identity_event_patients_patient on identity_event_patients (patient_id)',
    // Whose handle is closed, and how; null while it is in use.
    'alter table patients add column closed text',
    // The own patient whom a waiting message is about, so that a freeze takes it back.
    'alter table exchange_outbox add column about text',
    // What a request of a person who is nobody's patient is closed by; null where the request itself is kept.
    'alter table requests_received add column inner_hash text',
    'alter table requests_received alter column sealed drop not null',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
