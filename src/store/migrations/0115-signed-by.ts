import type { Kysely } from 'kysely'

/** Which of this member's keys signed a message that waits: once that key is published no more, it is said anew. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('exchange_outbox').addColumn('signed_by', 'text').execute()
}
