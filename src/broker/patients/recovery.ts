import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { actCall, cancelRecoveryCall, overrideCall, signerOf } from '../../chain/act-calls.ts'
import type { Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import { signerHashOf } from '../../domain/consent/signers.ts'
import { actDomain, hashedMessage, type TypedData, typedData } from '../../domain/consent/typed-data.ts'
import { dateOfDay } from '../../domain/days.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { contactsOf, type Language, languageOf } from '../../domain/identity/contact-points.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { type OwnRecovery, RECOVERY_STATES } from '../../domain/identity/own-recovery.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson } from '../../store/vault.ts'
import { rehearseAs } from '../consent/rehearse.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import type { Admission } from './admit-patient.ts'
import { CODE_HOURS, codeLifetime, drawCode, hashOfCode } from './enrolment-code.ts'
import type { GuardianProof } from './guardian.ts'
import type { Messages } from './message-outbox.ts'
import type { Holder } from './sessions.ts'

const MAX_ATTEMPTS = 5
/** The new key's proof must reach the chain within this. Seconds. */
const START_WITHIN = 15 * 60

/** One recovery as the desk sees it. */
export type DeskRecovery = Pick<OwnRecovery, 'state' | 'attempt' | 'startedAt' | 'readyAt'> & {
  recovery: string
  confirmed: boolean
  /** Whether the new device has shown its code and its key. */
  offered: boolean
}

export type Recoveries = {
  /**
   * A registrar has found out anew who somebody is who has lost the key: a one-time code goes to the contact on file.
   * @param input.overrides to go on against the old key's veto, which two registrars answer for
   * @throws WayleaveError `identifier-system-unknown`, `identifier-invalid`, `not-available` for nobody, several, no contact, or
   * a file for which nobody can sign; `identity-frozen`, `handle-closed`; `recovery-not-open` where no key is bound, one is being
   * replaced already, or a veto stands and is not to be overridden
   */
  start(
    input: { identifier: Identifier; overrides: boolean; guardian?: GuardianProof },
    registrar: string,
  ): Promise<{ recovery: string }>
  /** A second registrar, another person. @throws WayleaveError `not-available`, `enrolment-needs-second-registrar`. */
  confirm(recovery: string, registrar: string): Promise<void>
  /** Takes a pending recovery back; a veto that was spent stays spent. @throws WayleaveError `not-available`, `recovery-not-open`. */
  cancel(recovery: string): Promise<void>
  /** Where it stands. @throws WayleaveError `not-available`. */
  look(recovery: string): Promise<DeskRecovery>
  /** The new device shows the code and is told what to sign. @throws WayleaveError `enrolment-code-wrong`. */
  offer(recovery: unknown, code: unknown): Promise<TypedData<'Recovery'>>
  /**
   * The new device proves possession of its key; the recovery goes to the chain.
   * @throws WayleaveError `enrolment-code-wrong`, `signature-invalid`, `key-taken`, `recovery-not-open`, `deadline-passed`
   */
  prove(input: {
    recovery?: unknown
    code?: unknown
    signer?: unknown
    signature?: unknown
    deadline?: unknown
  }): Promise<void>
  /** What the holder of a session is told of it. */
  of(holder: Holder): Promise<OwnRecovery>
}

/** Design §3, recovery: two persons, a code to the contact on file, and proof of the new key; what follows is the contract's. */
export function createRecoveries(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  source: FhirSource
  admission: Admission
  messages: Messages
  /** In which messages are written where the file says none. */
  language: Language
  signers: SignerReader
  provider: Parameters<typeof rehearseAs>[0]
  contracts: Contracts
  chainId: number
  custodian: Hex
  /** The account that sends: a registrar of the custodian's. */
  registrar: Hex
  clock: Clock
  afterStore: () => void
}): Recoveries {
  const { db, clock, patients, signers } = deps
  const domain = actDomain('Recovery', deps.chainId, deps.contracts.patientRegistry.toLowerCase() as Hex)
  const now = () => new Date(clock.now()).toISOString()

  async function rowOf(recovery: string) {
    const row = await db.selectFrom('recoveries').selectAll().where('id', '=', recovery).executeTakeFirst()
    const patient = row && (await patients.byId(db, row.patient_id))
    if (!patient) throw wayleaveError('not-available', 'no such recovery')
    return { row, patient }
  }

  async function redeem(recovery: unknown, code: unknown) {
    if (typeof recovery !== 'string' || typeof code !== 'string') throw wayleaveError('enrolment-code-wrong')
    // Counted before it is looked at, in one statement, so that guesses made at the same time are counted each.
    const row = await db
      .updateTable('recoveries')
      .set({ attempts: sql`attempts + 1` })
      .where('id', '=', recovery)
      .where('used', '=', false)
      .where('attempts', '<', MAX_ATTEMPTS)
      .where('expires_at', '>', now())
      .returningAll()
      .executeTakeFirst()
    if (!row || row.code_hash !== hashOfCode(recovery, code)) throw wayleaveError('enrolment-code-wrong')
    await db.updateTable('recoveries').set({ attempts: sql`attempts - 1` }).where('id', '=', row.id).execute()
    if (!row.second_registrar) throw wayleaveError('enrolment-needs-second-registrar')
    const patient = await patients.byId(db, row.patient_id)
    if (!patient) throw wayleaveError('internal', 'a recovery without a patient')
    await assertNotFrozen(db, patient)
    return { row, patient }
  }

  async function stateOf(patient: StoredPatient) {
    const { handle } = patient.secrets
    const [word, recovery] = await Promise.all([signers.handleOf(handle), signers.recoveryOf(handle)]).catch(
      (cause: unknown) => {
        throw wayleaveError('head-stale', 'the node did not answer', cause)
      },
    )
    const state = RECOVERY_STATES[word.recovery]
    if (!state) throw wayleaveError('internal', 'a recovery that stands as no contract of ours says')
    return { word, recovery, state }
  }

  /** Whether one can be started now, by the chain and by what is on its way there. */
  async function assertOpen(patient: StoredPatient, overrides: boolean): Promise<number> {
    if (!patient.signerHash) throw wayleaveError('recovery-not-open', 'no key is bound')
    const { state, recovery } = await stateOf(patient)
    if (state !== (overrides ? 'vetoed' : 'none')) throw wayleaveError('recovery-not-open', state)
    return recovery.attempt + 1
  }

  /** One key for one patient here. */
  async function assertFree(patient: StoredPatient, signerHash: Hex): Promise<void> {
    const other = await patients.bySignerHash(db, signerHash)
    const elsewhere = await db
      .selectFrom('patient_signers')
      .select('patient_id')
      .where('signer_hash', '=', signerHash)
      .where('patient_id', '!=', patient.id)
      .executeTakeFirst()
    if (other || elsewhere) throw wayleaveError('key-taken')
  }

  async function isMaster(patient: StoredPatient, signerHash: Hex): Promise<boolean> {
    const { rights } = await signers.rightsOf(patient.secrets.handle, signerHash)
    return rights.kind === 'owner' || rights.kind === 'guardian'
  }

  const instant = (seconds: number) => new Date(seconds * 1_000).toISOString()

  return {
    async start({ identifier, overrides, guardian }, registrar) {
      const checked = checkNationalId(identifier)
      if (!checked.ok) throw wayleaveError(checked.code)
      const [found, ...others] = await deps.source.findPatients(checked.identifier)
      if (!found?.id || others.length > 0) throw wayleaveError('not-available', 'nobody, or more than one')
      const patient = await deps.admission(found.id, found)
      await assertOpen(patient, overrides)
      const to = contactsOf(found, clock.now()).find(({ system }) => deps.messages.canReach(system))
      if (!to) throw wayleaveError('not-available', 'no contact on file')
      const id = randomUUID()
      const code = drawCode()
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('recoveries')
          .values({
            ...{ id, patient_id: patient.id, overrides, code_hash: hashOfCode(id, code) },
            guardian_until: guardian?.until ?? null,
            sealed: guardian ? sealJson(patient.key, guardian) : null,
            ...{ first_registrar: registrar, second_registrar: null, attempts: 0, used: false },
            expires_at: new Date(clock.now() + codeLifetime('registrar')).toISOString(),
            ...{ attempt: null, new_signer: null, calldata: null, created_at: now() },
          })
          .execute()
        await deps.messages.enqueue(trx, patient, to, languageOf(found) ?? deps.language, {
          ...{ kind: 'enrolment-code', code, hours: CODE_HOURS.registrar, enrolment: id },
        })
      })
      void deps.messages.flush()
      return { recovery: id }
    },

    async confirm(recovery, registrar) {
      const { row } = await rowOf(recovery)
      if (row.first_registrar === registrar) throw wayleaveError('enrolment-needs-second-registrar')
      await db
        .updateTable('recoveries')
        .set({ second_registrar: registrar })
        .where('id', '=', recovery)
        .execute()
    },

    async cancel(recovery) {
      const { patient } = await rowOf(recovery)
      const { handle } = patient.secrets
      const { state, recovery: found } = await stateOf(patient)
      if (state !== 'pending' && state !== 'overriding') throw wayleaveError('recovery-not-open', state)
      await enqueueCall(db, clock, {
        ...cancelRecoveryCall(deps.contracts, handle),
        dedupeKey: `recovery-cancel/${handle}/${found.attempt}`,
      })
      deps.afterStore()
    },

    async look(recovery) {
      const { row, patient } = await rowOf(recovery)
      const { state, recovery: found } = await stateOf(patient)
      const waits = state === 'pending' || state === 'overriding'
      return {
        ...{ recovery, confirmed: row.second_registrar !== null, offered: row.used, state },
        attempt: found.attempt,
        ...(waits ? { startedAt: instant(found.startedAt), readyAt: instant(found.readyAt) } : {}),
      }
    },

    async offer(recovery, code) {
      const { row, patient } = await redeem(recovery, code)
      return typedData('Recovery', domain, {
        handle: patient.secrets.handle,
        custodian: deps.custodian,
        attempt: await assertOpen(patient, row.overrides),
        until: row.guardian_until ?? '',
        deadline: Math.floor(clock.now() / 1000) + START_WITHIN,
      })
    },

    async prove({ recovery, code, signer, signature, deadline }) {
      const { row, patient } = await redeem(recovery, code)
      if (!isHex(signer, 20) || !isHex(signature, 65) || !Number.isSafeInteger(deadline))
        throw wayleaveError('signature-invalid')
      const { handle } = patient.secrets
      const key = signer.toLowerCase() as Hex
      const attempt = await assertOpen(patient, row.overrides)
      const hashed = hashedMessage('Recovery', {
        ...{ handle, custodian: deps.custodian, attempt },
        until: row.guardian_until ?? '',
        deadline: deadline as number,
      })
      if (signerOf('Recovery', domain, hashed, signature) !== key) throw wayleaveError('signature-invalid')
      await assertFree(patient, signerHashOf(key))
      const call = row.overrides
        ? overrideCall(deps.contracts, hashed, key, signature)
        : actCall('Recovery', deps.contracts, hashed, key, signature)
      await rehearseAs(deps.provider, call, deps.registrar)
      await db.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('recoveries')
          .set({ used: true, attempt, new_signer: signerHashOf(key), calldata: call.data })
          .where('id', '=', row.id)
          .where('used', '=', false)
          .executeTakeFirstOrThrow()
        if (numUpdatedRows === 0n) throw wayleaveError('enrolment-code-wrong', 'used meanwhile')
        await patients.lock(trx, patient.id)
        await assertNotFrozen(trx, patient)
        await enqueueCall(trx, clock, { ...call, dedupeKey: `recovery/${row.id}` })
      })
      deps.afterStore()
    },

    async of({ patient, as: was, signerHash }) {
      if (was === 'delegate') throw wayleaveError('session-expired', 'not the patient')
      const { word, recovery, state } = await stateOf(patient)
      // The chain may have let the new key take over before the index tells of it.
      const as = word.suspended && (await isMaster(patient, signerHash)) ? 'owner' : was
      const waits = state === 'pending' || state === 'overriding'
      // A key that is not the one of the attempt that stands is told of none of it.
      const isConcerned = as === 'owner' || recovery.newSigner === signerHash
      if (!isConcerned) throw wayleaveError('session-expired', 'another key took its place')
      return {
        ...{ state, as, attempt: recovery.attempt },
        ...(waits ? { startedAt: instant(recovery.startedAt), readyAt: instant(recovery.readyAt) } : {}),
        ...(waits && recovery.untilDay > 0 ? { guardianUntil: dateOfDay(recovery.untilDay) } : {}),
        mayVeto: as === 'owner' && state === 'pending',
        ...(word.suspended ? { completedAt: instant(word.suspended.until) } : {}),
      }
    },
  }
}
