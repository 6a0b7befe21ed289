import type { Kysely } from 'kysely'

/** What came along with the appointment of a helper, by its version; and until when a guardian signs for a patient. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('delegations')
    .addColumn('patient_id', 'text', (c) => c.notNull())
    .addColumn('delegate', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('sealed', 'bytea', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('delegations_key', ['patient_id', 'delegate', 'version'])
    .execute()
  await db.schema.alterTable('enrolments').addColumn('guardian_until', 'text').execute()
  await db.schema.alterTable('patients').addColumn('guardian_until', 'integer').execute()
}
