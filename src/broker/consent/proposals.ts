import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { ConsentWish } from '../../domain/consent/fhir/consent-wish.ts'
import type { OwnProposal } from '../../domain/consent/own-proposals.ts'
import { type SaltedScope, saltedScope } from '../../domain/consent/scope.ts'
import { scopeHash } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'

type Db = Kysely<BrokerTables>
type Filed = Pick<OwnProposal, 'wish' | 'filedBy'>

/** The id of the FHIR Consent that stands for a slot: half of the slot's hash. */
export const consentIdOf = (slot: Hex): string => slot.slice(2, 34)

/** The slot that a party and purpose have at this patient's handle. */
function slotOf(patient: StoredPatient, { to, purpose }: ConsentWish): { scope: SaltedScope; hash: Hex } {
  const secret = Buffer.from(patient.secrets.scopeSecret, 'base64url')
  const scope = saltedScope(secret, { ...to, purpose })
  return { scope, hash: scopeHash(scope) }
}

/**
 * Consents that a hospital's programs have filed. They change nothing: they wait for the patient's signature (I2), and go
 * when the patient has signed anything for their slot, or has said no. Of several for one slot the last one stands.
 */
export function createProposals({ clock }: { clock: Clock }) {
  return {
    /** @returns the ids of the Consents that they become, in order */
    async file(
      db: Db,
      patient: StoredPatient,
      proposals: readonly Pick<OwnProposal, 'effect' | 'wish'>[],
      filedBy: OwnProposal['filedBy'],
    ): Promise<string[]> {
      const ids: string[] = []
      for (const { effect, wish } of proposals) {
        const consent_id = consentIdOf(slotOf(patient, wish).hash)
        const row = {
          patient_id: patient.id,
          effect,
          sealed: sealJson(patient.key, { wish, filedBy } satisfies Filed),
          created_at: new Date(clock.now()).toISOString(),
        }
        await db
          .insertInto('proposals')
          .values({ consent_id, ...row })
          .onConflict((oc) => oc.column('consent_id').doUpdateSet(row))
          .execute()
        ids.push(consent_id)
      }
      return ids
    },

    async of(db: Db, patient: StoredPatient): Promise<OwnProposal[]> {
      const rows = await db
        .selectFrom('proposals')
        .selectAll()
        .where('patient_id', '=', patient.id)
        .orderBy('created_at')
        .orderBy('consent_id')
        .execute()
      return rows.map(({ consent_id: id, effect, sealed, created_at: filedAt }) => ({
        ...{ id, effect, filedAt },
        ...openJson<Filed>(patient.key, sealed),
      }))
    },

    /** Changes whenever what is filed for a Consent does; empty while nothing is. */
    async mark(db: Db, id: string): Promise<string> {
      const row = await db
        .selectFrom('proposals')
        .select('sealed')
        .where('consent_id', '=', id)
        .executeTakeFirst()
      return row ? Buffer.from(row.sealed).toString('base64') : ''
    },

    /** The patient has signed something for the slot: whatever was filed for it is answered. */
    async answered(db: Db, slot: Hex): Promise<void> {
      await db.deleteFrom('proposals').where('consent_id', '=', consentIdOf(slot)).execute()
    },

    /** The patient says no. @throws WayleaveError `consent-unknown` */
    async refuse(db: Db, patient: StoredPatient, id: string): Promise<void> {
      const { numDeletedRows } = await db
        .deleteFrom('proposals')
        .where('consent_id', '=', id)
        .where('patient_id', '=', patient.id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw wayleaveError('consent-unknown')
    },
  }
}

export type Proposals = ReturnType<typeof createProposals>
