import { type Kysely, sql } from 'kysely'

/** Programs registered while the broker runs, answers kept for calls that are sent again, changes of consents and webhooks; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table clients (
      client_id text primary key, name text not null, scopes text not null, jwks text, jwks_uri text,
      registered_by text not null, created_at text not null, removed_at text)`,
    `create table idempotency (
      key text primary key, request text not null, answer bytea, started_at text not null, expires_at text not null)`,
    'create index idempotency_expires on idempotency (expires_at)',
    `create table events (
      seq bigserial primary key, id text not null unique, change text not null, side text not null, at text not null,
      sealed bytea not null)`,
    `create table subscriptions (
      id text primary key, client_id text not null, endpoint text not null, reason text not null, cursor bigint not null,
      sent bigint not null, status text not null, attempts integer not null, next_at text not null,
      created_at text not null)`,
    'create index subscriptions_client on subscriptions (client_id)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
