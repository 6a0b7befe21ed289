import { createHash, randomInt, randomUUID } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { JsonRpcProvider } from 'ethers'
import type { Patient } from 'fhir/r4.js'
import { type Kysely, sql } from 'kysely'
import { actCall, signerOf } from '../../chain/act-calls.ts'
import type { Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import { actDomain, hashedMessage, type TypedData, typedData } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { fromHex, type Hex, isHex, toHex } from '../../domain/hex.ts'
import { isEnded, pictureOf, sightingOf } from '../../domain/identity/identity-events.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { FhirSource } from '../../fhir/source.ts'
import { type PatientStore, type StoredPatient, storedPicture } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson } from '../../store/vault.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import type { IdentityWatch } from '../identity/identity-watch.ts'
import type { ContactSender } from './contact-sender.ts'
import type { GuardianProof } from './guardian.ts'

const CODE_LIFETIME = 30 * 60_000
const MAX_ATTEMPTS = 5
/** The binding must reach the chain within this. Seconds. */
const BIND_WITHIN = 15 * 60

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

export type Enrolments = {
  /**
   * A registrar finds the patient and has a one-time code sent to the contact on file.
   * @throws WayleaveError `identifier-system-unknown`, `identifier-invalid`, `not-available` for nobody, several, or a
   * file for which nobody can sign; `identity-frozen`; `patient-bound`, since a bound key is replaced by recovery alone
   * @param guardian who signs for somebody who cannot, until when, and what was shown of that right
   */
  start(identifier: Identifier, registrar: string, guardian?: GuardianProof): Promise<{ enrolment: string }>
  /** A second registrar, another person, confirms. @throws WayleaveError `enrolment-needs-second-registrar`. */
  confirm(enrolment: string, registrar: string): Promise<void>
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
  source: FhirSource
  identity: Pick<IdentityWatch, 'admit' | 'observe'>
  /** Told when a freeze may have been stored. */
  afterFreeze: () => void
  contact: ContactSender
  provider: JsonRpcProvider
  contracts: Contracts
  chainId: number
  custodian: Hex
  clock: Clock
  afterBind: () => void
}): Enrolments {
  const { db, clock, patients } = deps
  const domain = actDomain('Bind', deps.chainId, deps.contracts.patientRegistry as Hex)

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
      .where('expires_at', '>', new Date(clock.now()).toISOString())
      .returningAll()
      .executeTakeFirst()
    if (!row || row.code_hash !== hash(`${enrolment}/${code}`)) throw wayleaveError('enrolment-code-wrong')
    await db.updateTable('enrolments').set({ attempts: sql`attempts - 1` }).where('id', '=', row.id).execute()
    if (!row.second_registrar) throw wayleaveError('enrolment-needs-second-registrar')
    const patient = await patients.byId(db, row.patient_id)
    if (!patient) throw wayleaveError('internal', 'an enrolment without a patient')
    await assertNotFrozen(db, patient)
    return { row, patient }
  }

  /** The desk looks at the file before the feed may have: what it says of the identity is taken in first. */
  async function rowOf(fhirId: string, resource: Patient): Promise<StoredPatient> {
    const seen = { picture: pictureOf(resource, deps.source.base), at: sightingOf(resource) }
    const row = await db.transaction().execute(async (trx) => {
      if (!(await patients.byFhirId(trx, fhirId))) return deps.identity.admit(trx, fhirId, seen)
      await deps.identity.observe(trx, fhirId, seen.picture, seen.at)
      return patients.byFhirId(trx, fhirId)
    })
    deps.afterFreeze()
    if (!row) throw wayleaveError('internal', 'a patient that went')
    return row
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
      const patient = await rowOf(found.id, found)
      await assertNotFrozen(db, patient)
      if (isEnded(storedPicture(patient)))
        throw wayleaveError('not-available', 'nobody can sign for this file')
      if (patient.signerHash) throw wayleaveError('patient-bound')
      const contact = contactOf(found)
      if (!contact) throw wayleaveError('not-available', 'no contact on file')
      const id = randomUUID()
      const code = String(randomInt(100_000_000)).padStart(8, '0')
      await db
        .insertInto('enrolments')
        .values({
          id,
          patient_id: patient.id,
          guardian_until: guardian?.until ?? null,
          sealed: guardian ? sealJson(patient.key, guardian) : null,
          code_hash: hash(`${id}/${code}`),
          first_registrar: registrar,
          second_registrar: null,
          attempts: 0,
          used: false,
          expires_at: new Date(clock.now() + CODE_LIFETIME).toISOString(),
        })
        .execute()
      await deps.contact.send(contact, { enrolment: id, code })
      return { enrolment: id }
    },

    async confirm(enrolment, registrar) {
      const row = await db.selectFrom('enrolments').selectAll().where('id', '=', enrolment).executeTakeFirst()
      if (!row) throw wayleaveError('not-available', 'no such enrolment')
      if (row.first_registrar === registrar) throw wayleaveError('enrolment-needs-second-registrar')
      await db
        .updateTable('enrolments')
        .set({ second_registrar: registrar })
        .where('id', '=', enrolment)
        .execute()
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

/** Where a one-time code goes: a phone before an e-mail address. */
export function contactOf(patient: Patient): string | undefined {
  const { telecom = [] } = patient
  return (
    telecom.find((t) => t.system === 'phone' || t.system === 'sms') ??
    telecom.find((t) => t.system === 'email')
  )?.value
}
