import { type Kysely, sql } from 'kysely'

/** Reorganisations that the rows made from the index have not followed yet. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table forks (block bigint primary key)`.execute(db)
}
