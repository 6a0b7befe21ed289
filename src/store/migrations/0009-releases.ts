import { type Kysely, sql } from 'kysely'

/** Indexes for what every release asks: is anything not anchored yet. Without them it reads the whole log. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    "create index chain_outbox_unmined on chain_outbox (id) where status <> 'mined'",
    'create index windows_outbox on windows (outbox_id)',
    'create index access_log_open on access_log (seq) where window_number is null',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
