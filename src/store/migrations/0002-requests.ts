import { type Kysely, sql } from 'kysely'

/** Requests for access, sent and received, and grants that wait for the custodian's approval; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table requests_sent (
      commitment text primary key, custodian text not null, deadline bigint not null, sealed bytea not null,
      created_at text not null)`,
    `create table requests_received (
      commitment text primary key, requester text not null, patient_id text references patients, deadline bigint not null,
      sealed bytea not null, decision text, decided_by text, patient_refused boolean not null, answer text,
      outcome bytea, created_at text not null)`,
    'create index requests_received_patient on requests_received (patient_id)',
    'create index requests_received_open on requests_received (deadline) where outcome is null',
    `create table approvals (
      digest text primary key references acts, patient_id text not null references patients, scope_hash text not null,
      version integer not null, epoch bigint not null, deadline bigint not null, status text not null, decided_by text,
      created_at text not null)`,
    "create index approvals_waiting on approvals (created_at) where status = 'waiting'",
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
