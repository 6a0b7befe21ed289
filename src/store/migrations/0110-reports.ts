import { type Kysely, sql } from 'kysely'

/** An index for reports, which read the trail by time, a page after the other. Without it each page sorts the whole trail. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('create index audit_events_recorded on audit_events (recorded, seq)').execute(db)
}
