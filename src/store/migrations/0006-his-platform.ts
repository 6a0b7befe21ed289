import { type Kysely, sql } from 'kysely'

/** Programs registered while the broker runs, and answers kept for calls that are sent again; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table clients (
      client_id text primary key, name text not null, scopes text not null, jwks text, jwks_uri text,
      registered_by text not null, created_at text not null, removed_at text)`,
    `create table idempotency (
      key text primary key, request text not null, answer bytea, started_at text not null, expires_at text not null)`,
    'create index idempotency_expires on idempotency (expires_at)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
