import { type Kysely, sql } from 'kysely'

/** The first form of a broker's tables; see schema.ts for what each column holds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table patients (
      id text primary key, wrapped_key bytea not null, sealed bytea not null, handle_lookup text not null unique,
      fhir_lookup text not null unique, signer_hash text, opened jsonb not null default '[]', created_at text not null)`,
    'create index patients_signer on patients (signer_hash)',
    `create table patient_identifiers (
      lookup text not null, patient_id text not null references patients, primary key (lookup, patient_id))`,
    `create table scopes (
      scope_hash text primary key, patient_id text not null references patients, sealed bytea not null)`,
    'create index scopes_patient on scopes (patient_id)',
    `create table terms (
      patient_id text not null references patients, terms_key text not null, sealed bytea not null,
      primary key (patient_id, terms_key))`,
    `create table acts (
      digest text primary key, patient_id text not null references patients, act text not null, scope_hash text,
      up_to integer, terms_key text, sealed bytea not null, received_at text not null)`,
    'create index acts_patient on acts (patient_id)',
    `create table chain_outbox (
      id bigserial primary key, dedupe_key text not null unique, contract text not null, data text not null,
      status text not null, tx_hash text, block bigint, attempts integer not null, error text, created_at text not null)`,
    "create index chain_outbox_open on chain_outbox (id) where status in ('pending', 'sent')",
    'create index chain_outbox_block on chain_outbox (block)',
    `create table records (
      tag text primary key, seq bigserial not null, patient_id text not null references patients, key_number integer not null,
      compartment text not null, position integer not null, kind text not null, commitment text not null,
      pointer bytea not null, record_lookup text, version_lookup text unique, sealed bytea not null,
      outbox_id bigint references chain_outbox, created_at text not null,
      unique (patient_id, key_number, compartment, position))`,
    'create index records_record on records (record_lookup, seq)',
    'create index records_unsent on records (tag) where outbox_id is null',
    `create table compartments (
      patient_id text not null references patients, key_number integer not null, compartment text not null,
      next integer not null, primary key (patient_id, key_number, compartment))`,
    'create table feed (name text primary key, since text not null)',
    `create table shares_sent (
      patient_id text not null references patients, grantee text not null, scope_hash text not null,
      reference text not null, sequence integer not null, digest text not null,
      primary key (patient_id, grantee, scope_hash))`,
    `create table exchange_outbox (
      id bigserial primary key, member text not null, path text not null, body text not null, attempts integer not null,
      next_at text not null, delivered_at text)`,
    'create index exchange_outbox_open on exchange_outbox (member, id) where delivered_at is null',
    `create table shares_received (
      id text primary key, custodian text not null, reference text not null, sequence integer not null,
      ended boolean not null, sealed bytea not null, unique (custodian, reference))`,
    `create table share_identifiers (
      lookup text not null, share_id text not null references shares_received, primary key (lookup, share_id))`,
    `create table received_records (
      record_id text not null, share_id text not null references shares_received, tag text not null,
      sealed bytea not null, primary key (record_id, share_id))`,
    'create table replay (key text primary key, expires_at text not null)',
    'create index replay_expiry on replay (expires_at)',
    `create table sessions (
      token_hash text primary key, patient_id text not null references patients, expires_at text not null)`,
    'create table challenges (nonce_hash text primary key, signer text not null, expires_at text not null)',
    `create table enrolments (
      id text primary key, patient_id text not null references patients, code_hash text not null unique,
      first_registrar text not null, second_registrar text, attempts integer not null, used boolean not null,
      expires_at text not null)`,
    `create table access_log (
      seq bigserial primary key, at text not null, salt bytea not null, leaf text not null, window_number bigint,
      patient_lookup text, sealed bytea not null)`,
    'create index access_log_window on access_log (window_number)',
    `create table windows (
      number bigint primary key, from_time bigint not null, until_time bigint not null, root text not null,
      padding text not null, outbox_id bigint not null references chain_outbox)`,
    `create table audit_events (
      id text primary key, seq bigserial not null unique, recorded text not null, kind text not null,
      patient_lookup text, block bigint, sealed bytea not null)`,
    'create index audit_events_patient on audit_events (patient_lookup, seq)',
    'create index audit_events_block on audit_events (block)',
    'create table projection (name text primary key, block bigint not null, log_index integer not null)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
