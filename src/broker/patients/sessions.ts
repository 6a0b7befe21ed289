import { createHash, randomBytes } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { verifyTypedData } from 'ethers'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { fromHex, type Hex, isHex, toHex } from '../../domain/hex.ts'
import { SIGN_IN_TYPES, signInDomain } from '../../domain/identity/sign-in.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'

const CHALLENGE_LIFETIME = 60_000
const SESSION_LIFETIME = 15 * 60_000

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

export type Sessions = {
  /** A nonce for this signer, whoever it is: what is not known here is told nobody. */
  challenge(signer: unknown): Promise<{ nonce: string; origin: string; expiresAt: string }>
  /**
   * Opens a session for the bound owner key of one patient; 15 minutes.
   * @throws WayleaveError `signer-unknown` for a bad signature, a foreign key and an unknown nonce alike.
   */
  open(input: {
    signer?: unknown
    nonce?: unknown
    signature?: unknown
  }): Promise<{ session: string; expiresAt: string; patient: StoredPatient }>
  /** @throws WayleaveError `session-expired`. */
  patientOf(session: string | undefined): Promise<StoredPatient>
  /** Ends it before its time. @throws WayleaveError `session-expired` for one that is no session any more */
  end(session: string | undefined): Promise<void>
}

export function createSessions(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  clock: Clock
  chainId: number
  /** This broker's base: what the patient signs is good here and nowhere else. */
  origin: () => string
}): Sessions {
  const { db, clock } = deps
  return {
    async challenge(signer) {
      if (!isHex(signer, 20)) throw wayleaveError('signer-unknown', 'not an address')
      const nonce = randomBytes(24).toString('base64url')
      const expiresAt = new Date(clock.now() + CHALLENGE_LIFETIME).toISOString()
      await db
        .deleteFrom('challenges')
        .where('expires_at', '<', new Date(clock.now()).toISOString())
        .execute()
      await db
        .insertInto('challenges')
        .values({ nonce_hash: hash(nonce), signer: signer.toLowerCase(), expires_at: expiresAt })
        .execute()
      return { nonce, origin: deps.origin(), expiresAt }
    },

    async open({ signer, nonce, signature }) {
      if (!isHex(signer, 20) || typeof nonce !== 'string' || !isHex(signature, 65))
        throw wayleaveError('signer-unknown')
      const known = await db
        .deleteFrom('challenges')
        .where('nonce_hash', '=', hash(nonce))
        .where('signer', '=', signer.toLowerCase())
        .where('expires_at', '>=', new Date(clock.now()).toISOString())
        .returning('signer')
        .executeTakeFirst()
      if (!known || !isSignedBy(signer, deps.chainId, { origin: deps.origin(), nonce }, signature)) {
        throw wayleaveError('signer-unknown', 'no such challenge, or another signature')
      }
      const patient = await deps.patients.bySignerHash(db, toHex(keccak_256(fromHex(signer.toLowerCase()))))
      if (!patient) throw wayleaveError('signer-unknown', 'bound to nobody here')
      const session = randomBytes(32).toString('base64url')
      const expiresAt = new Date(clock.now() + SESSION_LIFETIME).toISOString()
      await db.deleteFrom('sessions').where('expires_at', '<', new Date(clock.now()).toISOString()).execute()
      await db
        .insertInto('sessions')
        .values({ token_hash: hash(session), patient_id: patient.id, expires_at: expiresAt })
        .execute()
      return { session, expiresAt, patient }
    },

    async patientOf(session) {
      if (!session) throw wayleaveError('token-missing')
      const row = await db
        .selectFrom('sessions')
        .select('patient_id')
        .where('token_hash', '=', hash(session))
        .where('expires_at', '>=', new Date(clock.now()).toISOString())
        .executeTakeFirst()
      const patient = row && (await deps.patients.byId(db, row.patient_id))
      if (!patient) throw wayleaveError('session-expired')
      return patient
    },

    async end(session) {
      if (!session) throw wayleaveError('token-missing')
      const ended = await db
        .deleteFrom('sessions')
        .where('token_hash', '=', hash(session))
        .where('expires_at', '>=', new Date(clock.now()).toISOString())
        .returning('patient_id')
        .executeTakeFirst()
      if (!ended) throw wayleaveError('session-expired')
    },
  }
}

function isSignedBy(
  signer: Hex,
  chainId: number,
  message: { origin: string; nonce: string },
  signature: Hex,
): boolean {
  try {
    return (
      verifyTypedData(signInDomain(chainId), SIGN_IN_TYPES, message, signature).toLowerCase() ===
      signer.toLowerCase()
    )
  } catch {
    return false
  }
}
