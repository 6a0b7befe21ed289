import { type Kysely, sql } from 'kysely'

/** The people who may use the console, how they sign in, and what a session of theirs has named; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table console_people (
      id text primary key, role text not null, user_handle text not null unique, sealed bytea not null,
      invited_at text not null, removed_at text)`,
    `create table console_invitations (
      code_hash text primary key, person_id text not null references console_people (id), expires_at text not null)`,
    `create table console_passkeys (
      id text primary key, person_id text not null references console_people (id), public_key bytea not null,
      counter bigint not null, made_at text not null)`,
    'create table console_challenges (hash text primary key, person_id text, expires_at text not null)',
    `create table console_sessions (
      token_hash text primary key, person_id text not null references console_people (id), idle_at text not null,
      ends_at text not null)`,
    `create table console_references (
      session text not null references console_sessions (token_hash) on delete cascade, reference text not null,
      sealed bytea not null, primary key (session, reference))`,
    `create table console_searches (
      id text primary key, person_id text not null references console_people (id), sealed bytea not null,
      saved_at text not null)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
