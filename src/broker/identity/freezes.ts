import { expressionBuilder, type Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'

type Db = Kysely<BrokerTables>

/** Why nothing of a patient's is shared or widened: the identity is in doubt, or the handle is closed for good. */
export type Freeze = 'identity-frozen' | 'handle-closed'

/** Whether an event about a patient is undecided, in whatever query on `patients`. */
export const frozenPatient = () => {
  const eb = expressionBuilder<BrokerTables, 'patients'>()
  return eb
    .exists(
      eb
        .selectFrom('identity_event_patients')
        .innerJoin('identity_events', 'identity_events.id', 'identity_event_patients.event_id')
        .select('identity_events.id')
        .whereRef('identity_event_patients.patient_id', '=', 'patients.id')
        .where('identity_events.status', 'in', ['open', 'confirmed']),
    )
    .as('frozen')
}

/** A row that is not there is nobody to share anything of. */
export function freezeIn(row: { closed: string | null; frozen: unknown } | undefined): Freeze | undefined {
  if (!row || row.closed !== null) return 'handle-closed'
  return row.frozen ? 'identity-frozen' : undefined
}

/** Read each time it matters, in the transaction of what it decides: a freeze counts from when it is stored. */
export async function freezeOf(db: Db, patient: { id: string }): Promise<Freeze | undefined> {
  const row = await db
    .selectFrom('patients')
    .select(['closed', frozenPatient()])
    .where('patients.id', '=', patient.id)
    .executeTakeFirst()
  return freezeIn(row)
}

/**
 * For everything that widens; what narrows never asks.
 * @throws WayleaveError `identity-frozen`, `handle-closed`
 */
export async function assertNotFrozen(db: Db, patient: { id: string }): Promise<void> {
  const freeze = await freezeOf(db, patient)
  if (freeze) throw wayleaveError(freeze)
}
