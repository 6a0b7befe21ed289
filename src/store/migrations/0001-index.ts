import { type Kysely, sql } from 'kysely'

/** The chain-derived index; dropping it and replaying the chain gives the same rows (I10). */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'create table blocks (number bigint primary key, hash text not null, parent text not null, time bigint not null)',
    `create table events (
      block bigint not null, log_index integer not null, transaction text not null, contract text not null,
      name text not null, key1 text not null, key2 text not null, args text not null, primary key (block, log_index))`,
    'create index events_keys on events (name, key1, key2, block, log_index)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
