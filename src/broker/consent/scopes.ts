import { expressionBuilder, type Kysely } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { ConsentBody } from '../../domain/consent/body-hash.ts'
import { termsKey } from '../../domain/consent/consent-word.ts'
import type { SaltedScope } from '../../domain/consent/scope.ts'
import type { SaltedTerms } from '../../domain/consent/terms.ts'
import { scopeHash, termsHash } from '../../domain/consent/typed-data.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'
import { type Freeze, freezeIn, frozenPatient } from '../identity/freezes.ts'

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
    // A body that came later belongs to the same terms: they name its hash.
    .onConflict((oc) =>
      terms.consent
        ? oc.columns(['patient_id', 'terms_key']).doUpdateSet((eb) => ({ sealed: eb.ref('excluded.sealed') }))
        : oc.doNothing(),
    )
    .execute()
}

export async function scopesOf(db: Db, patient: StoredPatient): Promise<Map<Hex, SaltedScope>> {
  const rows = await db
    .selectFrom('scopes')
    .select(['scope_hash', 'sealed'])
    .where('patient_id', '=', patient.id)
    .orderBy('scope_hash')
    .execute()
  return openScopes(patient, rows)
}

const saltedTermsIn = ({ dataClasses, sensitivities, body, salt }: StoredTerms): SaltedTerms => ({
  ...{ dataClasses, sensitivities, body, salt },
})

export async function termsOf(db: Db, patient: StoredPatient): Promise<Map<Hex, StoredTerms>> {
  const rows = await db
    .selectFrom('terms')
    .select(['terms_key', 'sealed'])
    .where('patient_id', '=', patient.id)
    .execute()
  return openTerms(patient, rows)
}

type ScopeRow = { scope_hash: string; sealed: Uint8Array }
type TermsRow = { terms_key: string; sealed: Uint8Array }

const openScopes = ({ key }: StoredPatient, rows: readonly ScopeRow[]) =>
  new Map(rows.map((row) => [row.scope_hash as Hex, openJson<SaltedScope>(key, row.sealed)]))

const openTerms = ({ key }: StoredPatient, rows: readonly TermsRow[]) =>
  new Map(rows.map((row) => [row.terms_key as Hex, openJson<StoredTerms>(key, row.sealed)]))

/** What the patient has signed that restricts, mined or not (I5). */
export type Restrictions = {
  lockUpTo?: number
  scopes: Map<Hex, { revokedUpTo?: number; objectedUpTo?: number }>
}

/** All that a broker knows of a patient's consents, read at one moment. */
export type KnownConsents = {
  scopes: Map<Hex, SaltedScope>
  terms: Map<Hex, StoredTerms>
  /** Once mined, the version has passed "up to", and these say nothing any more. */
  signed: Restrictions
  /** Why none of them counts, if so. */
  frozen: Freeze | undefined
}

const RESTRICTING = ['Revocation', 'Objection', 'Lock']

/**
 * Columns that hold a patient's consents, for whatever query on `patients`: every decision waits for it, so it is one. Rows come
 * as JSON, in which bytes are `\\x` and hex.
 */
export function consentColumns() {
  const eb = expressionBuilder<BrokerTables, 'patients'>()
  const scopes = eb
    .selectFrom('scopes')
    .select(['scope_hash', 'sealed'])
    .whereRef('scopes.patient_id', '=', 'patients.id')
    .orderBy('scope_hash')
  const terms = eb
    .selectFrom('terms')
    .select(['terms_key', 'sealed'])
    .whereRef('terms.patient_id', '=', 'patients.id')
  const acts = eb
    .selectFrom('acts')
    .select(['act', 'scope_hash', 'up_to'])
    .whereRef('acts.patient_id', '=', 'patients.id')
    .where('act', 'in', RESTRICTING)
  return [
    jsonArrayFrom(scopes).as('knownScopes'),
    jsonArrayFrom(terms).as('knownTerms'),
    jsonArrayFrom(acts).as('knownActs'),
    eb.ref('patients.closed').as('closed'),
    frozenPatient(),
  ] as const
}

type SealedJson<T> = Omit<T, 'sealed'> & { sealed: unknown }

/** What {@link consentColumns} brought. */
export function consentsIn(
  patient: StoredPatient,
  row: {
    knownScopes: SealedJson<ScopeRow>[]
    knownTerms: SealedJson<TermsRow>[]
    knownActs: Parameters<typeof restrictionsIn>[0]
    closed: string | null
    frozen: unknown
  },
): KnownConsents {
  return {
    scopes: openScopes(patient, row.knownScopes.map(inBytes)),
    terms: openTerms(patient, row.knownTerms.map(inBytes)),
    signed: restrictionsIn(row.knownActs),
    frozen: freezeIn(row),
  }
}

/** Of a patient who is not there, nothing, and that it is closed. */
export async function knownConsentsOf(db: Db, patient: StoredPatient): Promise<KnownConsents> {
  const row = await db
    .selectFrom('patients')
    .select(consentColumns())
    .where('patients.id', '=', patient.id)
    .executeTakeFirst()
  if (row) return consentsIn(patient, row)
  return { scopes: new Map(), terms: new Map(), signed: { scopes: new Map() }, frozen: freezeIn(undefined) }
}

const inBytes = <T extends { sealed: unknown }>(of: T) => ({ ...of, sealed: bytesIn(of.sealed) })

function bytesIn(json: unknown): Uint8Array {
  if (typeof json !== 'string' || !json.startsWith('\\x')) throw new TypeError('no bytes as JSON has them')
  return Buffer.from(json.slice(2), 'hex')
}

function restrictionsIn(
  acts: readonly { act: string; scope_hash: string | null; up_to: number | null }[],
): Restrictions {
  const out: Restrictions = { scopes: new Map() }
  for (const { act, scope_hash, up_to } of acts) {
    if (up_to === null) continue
    if (act === 'Lock') out.lockUpTo = Math.max(out.lockUpTo ?? -1, up_to)
    else if (scope_hash) {
      const of = out.scopes.get(scope_hash as Hex) ?? {}
      const name = act === 'Revocation' ? 'revokedUpTo' : 'objectedUpTo'
      of[name] = Math.max(of[name] ?? -1, up_to)
      out.scopes.set(scope_hash as Hex, of)
    }
  }
  return out
}
