import { type Kysely, sql } from 'kysely'

/** Webhooks hear of changes of consents, as before, or of the audit trail. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statement = "alter table subscriptions add column topic text not null default 'consent'"
  await sql.raw(statement).execute(db)
}
