import { type Kysely, sql } from 'kysely'

/** Programs registered while the broker runs; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table clients (
      client_id text primary key, name text not null, scopes text not null, jwks text, jwks_uri text,
      registered_by text not null, created_at text not null, removed_at text)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
