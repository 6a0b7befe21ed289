import type { Kysely } from 'kysely'
import { signersOf } from '../../domain/consent/signers.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'

type Db = Kysely<BrokerTables>

const NAMES: ReadonlySet<string> = new Set([
  ...['HandleBound', 'GuardianSet', 'DelegateSet', 'DelegateEnded'],
  ...['RecoveryStarted', 'RecoveryVetoed', 'RecoveryCancelled', 'RecoveryCompleted'],
])

export type SignerFollower = {
  /** After an event of the chain about this patient; others than those of signers change nothing. */
  follow(event: string, patient: StoredPatient): Promise<void>
  /** Blocks were taken back: all that rests on events is made anew from those that are left. */
  rewind(): Promise<void>
}

/**
 * Keeps which keys sign for each patient here: the owner as the chain bound it last, and where delegates and new keys are to be
 * looked for. All of it is made from the index each time, so that neither order nor repetition matters.
 */
export function createSignerFollower(deps: {
  db: Db
  index: Pick<IndexQueries, 'signerEvents'>
  patients: PatientStore
  custodian: Hex
  /** A key of this patient signs for another one here, too. */
  sharedKey: (patient: StoredPatient, other: StoredPatient) => Promise<void>
}): SignerFollower {
  const { db, index, patients } = deps

  async function rebuild(patient: StoredPatient): Promise<void> {
    const { master, guardianUntil, candidate, delegates } = signersOf(
      await index.signerEvents(patient.secrets.handle),
      deps.custodian,
    )
    if (master && (master !== patient.signerHash || guardianUntil !== patient.guardianUntil)) {
      // A key signs for one patient here, or the hospital does not know who signs.
      const other = await patients.bySignerHash(db, master)
      if (other && other.id !== patient.id) await deps.sharedKey(patient, other)
      else await patients.setSigner(db, patient.id, master, guardianUntil)
    }
    const row = (kind: 'candidate' | 'delegate') => (signer: Hex) => ({
      patient_id: patient.id,
      signer_hash: signer,
      kind,
    })
    const rows = [
      ...(candidate ? [candidate].map(row('candidate')) : []),
      ...[...delegates].map(row('delegate')),
    ]
    await db.transaction().execute(async (trx) => {
      await trx.deleteFrom('patient_signers').where('patient_id', '=', patient.id).execute()
      if (rows.length === 0) return
      await trx
        .insertInto('patient_signers')
        .values(rows)
        .onConflict((oc) => oc.doNothing())
        .execute()
    })
  }

  return {
    async follow(event, patient) {
      if (NAMES.has(event)) await rebuild(patient)
    },

    async rewind() {
      const touched = await db
        .selectFrom('recoveries')
        .select('patient_id')
        .union(db.selectFrom('patient_signers').select('patient_id'))
        .execute()
      for (const { patient_id } of touched) {
        const patient = await patients.byId(db, patient_id)
        if (patient) await rebuild(patient)
      }
    },
  }
}
