import { type Kysely, sql } from 'kysely'

/** The running hash over the index's rows at every hundredth block; goes with the index when that is dropped. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw('create table row_hashes (block bigint primary key, rows bigint not null, hash text not null)')
    .execute(db)
}
