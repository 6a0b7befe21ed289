import { randomUUID } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { JsonRpcProvider } from 'ethers'
import { type Kysely, sql } from 'kysely'
import { actCall, signerOf } from '../../chain/act-calls.ts'
import type { Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import { actDomain, hashedMessage, type TypedData, typedData } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { fromHex, type Hex, isHex, toHex } from '../../domain/hex.ts'
import { contactsOf, type Language, languageOf, maskedContact } from '../../domain/identity/contact-points.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson } from '../../store/vault.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import type { Admission } from './admit-patient.ts'
import { CODE_HOURS, codeLifetime, drawCode, type EnrolmentBody, hashOfCode } from './enrolment-code.ts'
import type { GuardianProof } from './guardian.ts'
import type { Messages } from './message-outbox.ts'

const MAX_ATTEMPTS = 5
/** The binding must reach the chain within this. Seconds. */
const BIND_WITHIN = 15 * 60
/** How long whoever starts at the desk is kept waiting for the message to be on its way. Milliseconds. */
const SENT_WITHIN = 2_000

/** An enrolment that waits for a registrar, as the desk sees it. */
export type OpenEnrolment = {
  id: string
  startedBy: 'registrar' | 'patient'
  at: string
  expiresAt: string
  /** The Patient in this hospital's own record system. */
  patient: { reference: string }
  /** Enough of the contact on file to recognise it. */
  contact: string
  /** Who has confirmed it; whoever started it counts. */
  confirmedBy: string[]
  /** How many more persons it needs. */
  needs: number
}

export type Enrolments = {
  /**
   * A registrar finds the patient and has a one-time code sent to the contact on file.
   * @throws WayleaveError `identifier-system-unknown`, `identifier-invalid`, `not-available` for nobody, several, or a
   * file for which nobody can sign; `identity-frozen`; `patient-bound`, since a bound key is replaced by recovery alone
   * @param guardian who signs for somebody who cannot, until when, and what was shown of that right
   */
  start(identifier: Identifier, registrar: string, guardian?: GuardianProof): Promise<{ enrolment: string }>
  /** What waits for a confirmation, the oldest first. */
  waiting(): Promise<OpenEnrolment[]>
  /**
   * A registrar confirms. It takes two persons: of what a registrar started one more, of what the patient asked for both; then
   * the code goes to the contact on file.
   * @throws WayleaveError `not-available` for none that waits; `enrolment-needs-second-registrar` for the same person again;
   * `identity-frozen`; `patient-bound`
   */
  confirm(enrolment: string, registrar: string): Promise<void>
  /** A registrar says that it is not to be. @throws WayleaveError `not-available` */
  reject(enrolment: string, registrar: string): Promise<void>
  /** The device shows the code and is told what to sign. @throws WayleaveError `enrolment-code-wrong`. */
  offer(enrolment: unknown, code: unknown): Promise<TypedData<'Bind' | 'BindGuardian'>>
  /**
   * The device proves possession of its key; the binding goes to the chain.
   * @throws WayleaveError `patient-bound`; `key-taken` where the key is another patient's here, or was this one's at a
   * handle that is closed
   */
  bind(input: {
    enrolment?: unknown
    code?: unknown
    signer?: unknown
    signature?: unknown
    deadline?: unknown
  }): Promise<void>
}

/** Design §3: two persons, a message to the patient, and proof of the device's key, before C binds handle and signer. */
export function createEnrolments(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  source: Pick<FhirSource, 'findPatients'>
  admission: Admission
  messages: Messages
  /** Of those whose own is not on file, or not one of ours. */
  language: Language
  provider: JsonRpcProvider
  contracts: Contracts
  chainId: number
  custodian: Hex
  clock: Clock
  afterBind: () => void
}): Enrolments {
  const { db, clock, patients } = deps
  const domain = actDomain('Bind', deps.chainId, deps.contracts.patientRegistry as Hex)
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()

  const unfinished = (at: Kysely<BrokerTables>) =>
    at
      .selectFrom('enrolments')
      .selectAll()
      .where('used', '=', false)
      .where('rejected_by', 'is', null)
      .where('expires_at', '>', instant())

  const sendCode = (
    trx: Kysely<BrokerTables>,
    patient: StoredPatient,
    { to, language }: EnrolmentBody,
    { id, code, by }: { id: string; code: string; by: 'registrar' | 'patient' },
  ) =>
    deps.messages.enqueue(trx, patient, to, language, {
      ...{ kind: 'enrolment-code', code, hours: CODE_HOURS[by], enrolment: id },
    })

  /** What the device signs: its own binding, or a guardian's until a day. */
  function bindingOf(row: { guardian_until: string | null }, handle: Hex, deadline: number) {
    const message = { handle, custodian: deps.custodian, deadline }
    return row.guardian_until === null
      ? typedData('Bind', domain, message)
      : typedData('BindGuardian', domain, { ...message, until: row.guardian_until })
  }

  async function redeem(enrolment: unknown, code: unknown) {
    if (typeof enrolment !== 'string' || typeof code !== 'string') throw wayleaveError('enrolment-code-wrong')
    // Counted before it is looked at, in one statement, so that guesses made at the same time are counted each.
    const row = await db
      .updateTable('enrolments')
      .set({ attempts: sql`attempts + 1` })
      .where('id', '=', enrolment)
      .where('used', '=', false)
      .where('attempts', '<', MAX_ATTEMPTS)
      .where('expires_at', '>', instant())
      .returningAll()
      .executeTakeFirst()
    if (!row || row.code_hash !== hashOfCode(enrolment, code)) throw wayleaveError('enrolment-code-wrong')
    await db.updateTable('enrolments').set({ attempts: sql`attempts - 1` }).where('id', '=', row.id).execute()
    if (!row.second_registrar || row.rejected_by) throw wayleaveError('enrolment-needs-second-registrar')
    const patient = await patients.byId(db, row.patient_id)
    if (!patient) throw wayleaveError('internal', 'an enrolment without a patient')
    await assertNotFrozen(db, patient)
    return { row, patient }
  }

  /** One key for one patient here, and one owner for one handle: also where the chain does not show it yet. */
  async function assertFree(trx: Kysely<BrokerTables>, patient: StoredPatient, signer: Hex): Promise<void> {
    const { handle } = patient.secrets
    const bindings = await trx
      .selectFrom('chain_outbox')
      .select('dedupe_key')
      .where('status', '!=', 'failed')
      .where((eb) =>
        eb.or([eb('dedupe_key', 'like', `bind/${handle}/%`), eb('dedupe_key', 'like', `bind/%/${signer}`)]),
      )
      .execute()
    const [here, there] = [`bind/${handle}/`, `/${signer}`]
    if (patient.signerHash || bindings.some(({ dedupe_key }) => dedupe_key.startsWith(here)))
      throw wayleaveError('patient-bound')
    const other = await patients.bySignerHash(trx, toHex(keccak_256(fromHex(signer))))
    if (other || bindings.some(({ dedupe_key }) => dedupe_key.endsWith(there)))
      throw wayleaveError('key-taken')
  }

  return {
    async start(given, registrar, guardian) {
      const checked = checkNationalId(given)
      if (!checked.ok) throw wayleaveError(checked.code)
      const [found, ...others] = await deps.source.findPatients(checked.identifier)
      if (!found?.id || others.length > 0) throw wayleaveError('not-available', 'nobody, or more than one')
      const patient = await deps.admission(found.id, found)
      if (patient.signerHash) throw wayleaveError('patient-bound')
      const to = contactsOf(found, clock.now()).find(({ system }) => deps.messages.canReach(system))
      if (!to) throw wayleaveError('not-available', 'no contact on file')
      const id = randomUUID()
      const code = drawCode()
      const body: EnrolmentBody = {
        ...{ to, language: languageOf(found) ?? deps.language },
        ...(guardian ? { guardian } : {}),
      }
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('enrolments')
          .values({
            ...{ id, patient_id: patient.id, code_hash: hashOfCode(id, code), first_registrar: registrar },
            ...{
              started_by: 'registrar',
              second_registrar: null,
              rejected_by: null,
              attempts: 0,
              used: false,
            },
            ...{ guardian_until: guardian?.until ?? null, sealed: sealJson(patient.key, body) },
            created_at: instant(),
            expires_at: instant(codeLifetime('registrar')),
          })
          .execute()
        await sendCode(trx, patient, body, { id, code, by: 'registrar' })
      })
      await soon(deps.messages.flush())
      return { enrolment: id }
    },

    async waiting() {
      const rows = await unfinished(db).where('second_registrar', 'is', null).orderBy('created_at').execute()
      const found = await Promise.all(
        rows.map(async (row): Promise<OpenEnrolment[]> => {
          const patient = await patients.byId(db, row.patient_id)
          if (!patient || !row.sealed) return []
          const confirmedBy = row.first_registrar ? [row.first_registrar] : []
          return [
            {
              ...{ id: row.id, startedBy: row.started_by, at: row.created_at, expiresAt: row.expires_at },
              patient: { reference: `Patient/${patient.secrets.fhirId}` },
              contact: maskedContact(openJson<EnrolmentBody>(patient.key, row.sealed).to),
              confirmedBy,
              needs: 2 - confirmedBy.length,
            },
          ]
        }),
      )
      return found.flat()
    },

    async confirm(enrolment, registrar) {
      await db.transaction().execute(async (trx) => {
        const row = await unfinished(trx).where('id', '=', enrolment).forUpdate().executeTakeFirst()
        if (!row) throw wayleaveError('not-available', 'no such enrolment')
        if (row.first_registrar === registrar) throw wayleaveError('enrolment-needs-second-registrar')
        if (row.second_registrar) return
        const set = (values: Partial<typeof row>) =>
          trx.updateTable('enrolments').set(values).where('id', '=', row.id).execute()
        if (!row.first_registrar) return set({ first_registrar: registrar })
        if (row.started_by === 'registrar') return set({ second_registrar: registrar })
        const patient = await patients.byId(trx, row.patient_id)
        if (!patient || !row.sealed) throw wayleaveError('internal', 'an enrolment without a patient')
        await assertNotFrozen(trx, patient)
        if (patient.signerHash) throw wayleaveError('patient-bound')
        const code = drawCode()
        await set({
          second_registrar: registrar,
          code_hash: hashOfCode(row.id, code),
          expires_at: instant(codeLifetime('patient')),
        })
        const body = openJson<EnrolmentBody>(patient.key, row.sealed)
        await sendCode(trx, patient, body, { id: row.id, code, by: 'patient' })
      })
      await soon(deps.messages.flush())
    },

    async reject(enrolment, registrar) {
      const { numUpdatedRows } = await db
        .updateTable('enrolments')
        .set({ rejected_by: registrar })
        .where('id', '=', enrolment)
        .where('used', '=', false)
        .where('rejected_by', 'is', null)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw wayleaveError('not-available', 'no such enrolment')
    },

    async offer(enrolment, code) {
      const { row, patient } = await redeem(enrolment, code)
      const deadline = Math.floor(clock.now() / 1000) + BIND_WITHIN
      return bindingOf(row, patient.secrets.handle, deadline)
    },

    async bind({ enrolment, code, signer, signature, deadline }) {
      const { row, patient } = await redeem(enrolment, code)
      if (!isHex(signer, 20) || !isHex(signature, 65) || !Number.isSafeInteger(deadline))
        throw wayleaveError('signature-invalid')
      const { primaryType: act, message } = bindingOf(row, patient.secrets.handle, deadline as number)
      const hashed = hashedMessage(act, message)
      if (signerOf(act, domain, hashed, signature) !== signer.toLowerCase())
        throw wayleaveError('signature-invalid')
      const call = actCall(act, deps.contracts, hashed, signer.toLowerCase() as Hex, signature)
      await db.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('enrolments')
          .set({ used: true })
          .where('id', '=', row.id)
          .where('used', '=', false)
          .executeTakeFirstOrThrow()
        if (numUpdatedRows === 0n) throw wayleaveError('enrolment-code-wrong', 'used meanwhile')
        await patients.lock(trx, patient.id)
        await assertNotFrozen(trx, patient)
        await assertFree(trx, patient, signer.toLowerCase() as Hex)
        await enqueueCall(trx, clock, {
          ...call,
          dedupeKey: `bind/${patient.secrets.handle}/${signer.toLowerCase()}`,
        })
      })
      deps.afterBind()
    },
  }
}

/** Waits for it a while, and no longer: what is stored goes out all the same. */
async function soon(work: Promise<void>): Promise<void> {
  await Promise.race([work, new Promise<void>((done) => setTimeout(done, SENT_WITHIN).unref())])
}
