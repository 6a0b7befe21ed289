import { type Kysely, sql } from 'kysely'

/**
 * Recoveries that the desk has begun, and the keys other than the owner's that sign for a handle. Sessions say which key
 * signed in; those that were open before end.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('recoveries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('patient_id', 'text', (c) => c.notNull())
    .addColumn('overrides', 'boolean', (c) => c.notNull())
    .addColumn('guardian_until', 'text')
    .addColumn('sealed', 'bytea')
    .addColumn('code_hash', 'text', (c) => c.notNull())
    .addColumn('first_registrar', 'text', (c) => c.notNull())
    .addColumn('second_registrar', 'text')
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('used', 'boolean', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer')
    .addColumn('new_signer', 'text')
    .addColumn('calldata', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('recoveries_patient').on('recoveries').column('patient_id').execute()
  await db.schema
    .createTable('patient_signers')
    .addColumn('patient_id', 'text', (c) => c.notNull())
    .addColumn('signer_hash', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('patient_signers_key', ['patient_id', 'signer_hash'])
    .execute()
  await db.schema.createIndex('patient_signers_hash').on('patient_signers').column('signer_hash').execute()
  await sql`delete from sessions`.execute(db)
  await db.schema
    .alterTable('sessions')
    .addColumn('signer_hash', 'text', (c) => c.notNull())
    .execute()
}
