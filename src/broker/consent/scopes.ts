import type { Kysely } from 'kysely'
import type { ConsentBody } from '../../domain/consent/body-hash.ts'
import { termsKey } from '../../domain/consent/consent-word.ts'
import type { SaltedScope } from '../../domain/consent/scope.ts'
import type { SaltedTerms } from '../../domain/consent/terms.ts'
import { scopeHash, termsHash } from '../../domain/consent/typed-data.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'

type Db = Kysely<BrokerTables>

/** Keeps a scope in clear, sealed with the patient's key. Its hash is computed here, never taken on trust. */
export async function keepScope(db: Db, patient: StoredPatient, scope: SaltedScope): Promise<void> {
  await db
    .insertInto('scopes')
    .values({ scope_hash: scopeHash(scope), patient_id: patient.id, sealed: sealJson(patient.key, scope) })
    .onConflict((oc) => oc.doNothing())
    .execute()
}

/** Terms as they are kept: with the FHIR Consent body that they name, if any. */
export type StoredTerms = SaltedTerms & { consent?: ConsentBody }

export async function keepTerms(db: Db, patient: StoredPatient, terms: StoredTerms): Promise<void> {
  await db
    .insertInto('terms')
    .values({
      patient_id: patient.id,
      terms_key: termsKey(termsHash(saltedTermsIn(terms))),
      sealed: sealJson(patient.key, terms),
    })
    .onConflict((oc) => oc.doNothing())
    .execute()
}

export async function scopesOf(db: Db, patient: StoredPatient): Promise<Map<Hex, SaltedScope>> {
  const rows = await db
    .selectFrom('scopes')
    .selectAll()
    .where('patient_id', '=', patient.id)
    .orderBy('scope_hash')
    .execute()
  return new Map(rows.map((row) => [row.scope_hash as Hex, openJson<SaltedScope>(patient.key, row.sealed)]))
}

const saltedTermsIn = ({ dataClasses, sensitivities, body, salt }: StoredTerms): SaltedTerms => ({
  ...{ dataClasses, sensitivities, body, salt },
})

export async function termsOf(db: Db, patient: StoredPatient): Promise<Map<Hex, StoredTerms>> {
  const rows = await db.selectFrom('terms').selectAll().where('patient_id', '=', patient.id).execute()
  return new Map(rows.map((row) => [row.terms_key as Hex, openJson<StoredTerms>(patient.key, row.sealed)]))
}
