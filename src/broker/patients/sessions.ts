import { createHash, randomBytes } from 'node:crypto'
import { verifyTypedData } from 'ethers'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { signerHashOf } from '../../domain/consent/signers.ts'
import { dayOf } from '../../domain/days.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { SIGN_IN_TYPES, signInDomain } from '../../domain/identity/sign-in.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'

const CHALLENGE_LIFETIME = 60_000
const SESSION_LIFETIME = 15 * 60_000

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

/** What the key that signed in is to the patient: bound, about to take over, or a helper's. */
export type HolderKind = 'owner' | 'candidate' | 'delegate'

/** Who is behind a session. Beyond `owner`, what the key may do is asked of the chain at each use. */
export type Holder = { patient: StoredPatient; as: HolderKind; signerHash: Hex }

export type Sessions = {
  /** A nonce for this signer, whoever it is: what is not known here is told nobody. */
  challenge(signer: unknown): Promise<{ nonce: string; origin: string; expiresAt: string }>
  /**
   * Opens a session for a key of one patient: the bound one, the new one of a recovery, or a helper's; 15 minutes.
   * @throws WayleaveError `signer-unknown` for a bad signature, a foreign key and an unknown nonce alike.
   */
  open(input: {
    signer?: unknown
    nonce?: unknown
    signature?: unknown
  }): Promise<Holder & { session: string; expiresAt: string }>
  /**
   * The patient whose own key opened the session, while that key is the bound one.
   * @throws WayleaveError `session-expired`, for every other key's session as well
   */
  patientOf(session: string | undefined): Promise<StoredPatient>
  /** Whoever opened the session, as it stands now. @throws WayleaveError `session-expired`. */
  holderOf(session: string | undefined): Promise<Holder>
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
  const { db, clock, patients } = deps

  /** A key that signs for several patients here says not for which: it opens nothing. */
  async function holderBy(signerHash: Hex): Promise<Holder | undefined> {
    const own = await patients.bySignerHash(db, signerHash)
    if (own && hasEnded(own, clock.now())) return undefined
    if (own) return { patient: own, as: 'owner', signerHash }
    const rows = await db
      .selectFrom('patient_signers')
      .select(['patient_id', 'kind'])
      .where('signer_hash', '=', signerHash)
      .execute()
    const [row] = rows
    const patient = row && rows.length === 1 && (await patients.byId(db, row.patient_id))
    return patient ? { patient, as: row.kind, signerHash } : undefined
  }

  async function holderOf(session: string | undefined): Promise<Holder> {
    if (!session) throw wayleaveError('token-missing')
    const row = await db
      .selectFrom('sessions')
      .select(['patient_id', 'signer_hash'])
      .where('token_hash', '=', hash(session))
      .where('expires_at', '>=', new Date(clock.now()).toISOString())
      .executeTakeFirst()
    const holder = row && (await holderBy(row.signer_hash as Hex))
    // A key that was replaced, ended or appointed by somebody else since has no session any more.
    if (!holder || holder.patient.id !== row.patient_id) throw wayleaveError('session-expired')
    return holder
  }

  return {
    holderOf,
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
      const holder = await holderBy(signerHashOf(signer))
      if (!holder) throw wayleaveError('signer-unknown', 'signs for nobody here')
      const session = randomBytes(32).toString('base64url')
      const expiresAt = new Date(clock.now() + SESSION_LIFETIME).toISOString()
      await db.deleteFrom('sessions').where('expires_at', '<', new Date(clock.now()).toISOString()).execute()
      await db
        .insertInto('sessions')
        .values({
          ...{ token_hash: hash(session), expires_at: expiresAt },
          ...{ patient_id: holder.patient.id, signer_hash: holder.signerHash },
        })
        .execute()
      return { session, expiresAt, ...holder }
    },

    async patientOf(session) {
      const { patient, as } = await holderOf(session)
      if (as !== 'owner') throw wayleaveError('session-expired', 'not the patient')
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

/** Whether the guardian whose key is bound has had their last day. */
export const hasEnded = ({ guardianUntil }: StoredPatient, now: number): boolean =>
  guardianUntil !== undefined && guardianUntil < dayOf(now)

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
