import { type Kysely, sql } from 'kysely'

/** With each window the time of its oldest entry, which every release asks for, and which stood in the whole log only. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table windows add column oldest text`.execute(db)
  await sql`update windows set oldest = (select min(at) from access_log where window_number = windows.number)`.execute(
    db,
  )
}
