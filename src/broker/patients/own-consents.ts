import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import { type ConsentWord, type HandleWord, isRecovering } from '../../domain/consent/consent-word.ts'
import type { OwnConsents } from '../../domain/consent/own-consents.ts'
import type { SaltedTerms } from '../../domain/consent/terms.ts'
import { dateOfDay, dayOf } from '../../domain/days.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { scopesOf, termsOf } from '../consent/scopes.ts'
import { freezeOf } from '../identity/freezes.ts'
import type { Delegates } from './delegates.ts'
import { heldRights } from './held-rights.ts'
import type { Holder } from './sessions.ts'

/**
 * What the holder of a session may see of a patient's slots: a key that is to take over, all of them while the recovery is
 * pending, so that it can revoke; a helper, those that it may use and no others.
 * @throws WayleaveError `session-expired` for a key that may nothing; and when the node does not answer
 */
export async function readHeldConsents(
  db: Kysely<BrokerTables>,
  deps: {
    reader: ConsentReader
    signers: SignerReader
    delegates: Pick<Delegates, 'scopesFor'>
    clock: Clock
    custodian: Hex
  },
  { patient, as, signerHash }: Holder,
): Promise<OwnConsents> {
  if (as === 'owner') return readOwnConsents(db, deps, patient)
  const rights = await heldRights(db, deps.signers, patient, signerHash)
  // A key that has taken over is the patient's before the index tells of it.
  const isPatients = ['candidate', 'owner', 'guardian'].includes(rights.kind)
  if (as === 'candidate' && isPatients) return readOwnConsents(db, deps, patient)
  if (rights.kind !== 'delegate' || rights.untilDay < dayOf(deps.clock.now()))
    throw wayleaveError('session-expired', 'no rights')
  const own = await readOwnConsents(db, deps, patient)
  const scopes = await deps.delegates.scopesFor(patient, signerHash, rights)
  const { mayGrant, mayRevoke, mayObject, mayWithdrawObjections } = rights.may
  const usesScopes = mayGrant || mayRevoke || mayObject || mayWithdrawObjections
  const consents = own.consents.filter(({ scopeHash }) => usesScopes && (!scopes || scopes.has(scopeHash)))
  return { ...own, consents }
}

/** All of a patient's slots at the newest block. @throws when the node does not answer. */
export async function readOwnConsents(
  db: Kysely<BrokerTables>,
  deps: { reader: ConsentReader; custodian: Hex },
  patient: StoredPatient,
): Promise<OwnConsents> {
  const scopes = [...(await scopesOf(db, patient))]
  const terms = await termsOf(db, patient)
  const frozen = await freezeOf(db, patient)
  const { handle } = patient.secrets
  const reading = await deps.reader.read({
    handle,
    scopes: scopes.map(([hash]) => hash),
    requester: deps.custodian,
    groups: [],
  })
  const acts = await db
    .selectFrom('acts')
    .select(['act', 'scope_hash', 'up_to'])
    .where('patient_id', '=', patient.id)
    .execute()
  const signedUpTo = (hash: Hex | null, lock: boolean) =>
    acts
      .filter((a) => (a.act === 'Lock') === lock && a.scope_hash === hash)
      .reduce((top, a) => Math.max(top, a.up_to ?? -1), -1)
  return {
    handle,
    locked: reading.handle.locked,
    epoch: reading.handle.epoch,
    lockSignedUpTo: signedUpTo(null, true),
    ...(isRecovering(reading.handle) ? { recovering: true as const } : {}),
    emergency: {
      off: reading.handle.breakGlassOff,
      version: reading.handle.breakGlassVersion,
      signedUpTo: acts.reduce(
        (top, a) => (a.act === 'BreakGlassOff' ? Math.max(top, a.up_to ?? -1) : top),
        -1,
      ),
    },
    ...(frozen ? { frozen } : {}),
    consents: scopes.flatMap(([scopeHash, scope], i) => {
      const word = reading.words[i]
      if (!word) return []
      const known = terms.get(word.terms)
      const { consent: body, ...salted } = known ?? {}
      return [
        {
          scopeHash,
          scope,
          state: word.state,
          version: word.version,
          ...(word.state === 'permit'
            ? { from: dateOfDay(word.fromDay), until: dateOfDay(word.untilDay), flags: word.flags }
            : {}),
          ...(isUnconfirmed(word, reading.handle) ? { unconfirmed: true as const } : {}),
          ...(known && word.state !== 'silent' ? { terms: salted as SaltedTerms } : {}),
          ...(body && word.state !== 'silent' ? { body } : {}),
          signedUpTo: signedUpTo(scopeHash, false),
        },
      ]
    }),
  }
}

/** A permit from just before a recovery may be a thief's: it permits nothing until the patient signs it anew. */
const isUnconfirmed = ({ state, minedAt }: ConsentWord, { suspended: span }: HandleWord): boolean =>
  state === 'permit' && span !== undefined && minedAt >= span.from && minedAt <= span.until
