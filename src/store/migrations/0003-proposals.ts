import { type Kysely, sql } from 'kysely'

/** Consents that were filed for a patient to sign; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table proposals (
      consent_id text primary key, patient_id text not null references patients, effect text not null,
      sealed bytea not null, created_at text not null)`,
    'create index proposals_patient on proposals (patient_id)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
