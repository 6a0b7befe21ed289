import type { Kysely } from 'kysely'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Rights } from '../../domain/consent/rights.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'

const NONE: Rights['kind'] = 'none'

/**
 * What a key may do for a patient now: by the chain, less what the patient or the helper has ended by a signature that the chain
 * does not show yet (I5).
 * @throws WayleaveError `head-stale` where the node does not answer
 */
export async function heldRights(
  db: Kysely<BrokerTables>,
  signers: Pick<SignerReader, 'rightsOf'>,
  patient: StoredPatient,
  signerHash: Hex,
): Promise<Rights> {
  const { rights } = await signers.rightsOf(patient.secrets.handle, signerHash).catch((cause: unknown) => {
    throw wayleaveError('head-stale', 'the node did not answer', cause)
  })
  if (rights.kind !== 'delegate') return rights
  const ended = await endedUpTo(db, patient, signerHash)
  return ended >= rights.version ? { ...rights, kind: NONE } : rights
}

/** The highest "up to" of an end of this delegation that is stored here; -1 for none. */
export async function endedUpTo(
  db: Kysely<BrokerTables>,
  patient: StoredPatient,
  delegate: Hex,
): Promise<number> {
  const row = await db
    .selectFrom('acts')
    .select((eb) => eb.fn.max('up_to').as('top'))
    .where('patient_id', '=', patient.id)
    .where('act', '=', 'DelegationEnd')
    .where('scope_hash', '=', delegate.toLowerCase())
    .executeTakeFirst()
  return row?.top ?? -1
}
