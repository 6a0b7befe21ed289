import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type { Kysely } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { WayleaveError, wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import { CONSOLE_CLIENT, hashOf, type People, type Person } from './people.ts'
import type { ConsoleSessions } from './sessions.ts'

type Db = Kysely<BrokerTables>

export type Passkeys = {
  /** What a browser needs to make a passkey. @throws WayleaveError `sign-in-refused` for a code that is not good */
  invited(code: unknown): Promise<{ options: object; name: string; role: Person['role'] }>
  /**
   * Takes the passkey; the code is used up. @returns the secret of a session. @throws WayleaveError `sign-in-refused`, and the code
   * stays good
   */
  make(code: unknown, response: unknown): Promise<string>
  /** What a browser needs to ask for a passkey, whosever it is. */
  asked(): Promise<object>
  /** @returns the secret of a session. @throws WayleaveError `sign-in-refused`, whatever was wrong */
  signIn(response: unknown): Promise<string>
}

const CHALLENGE_LIFETIME = 5 * 60_000
/** ES256, EdDSA and RS256 of the IANA COSE registry: every authenticator knows one of them. */
const ALGORITHMS = [-7, -8, -257]

/**
 * Signing in by passkey alone (WebAuthn Level 3): a discoverable credential, and the person verified by their device. Each challenge
 * is good once, whatever becomes of it.
 */
export function createPasskeys(deps: {
  db: Db
  clock: Clock
  people: Pick<People, 'find'>
  sessions: Pick<ConsoleSessions, 'open'>
  accessLog: AccessLog
  own: AuditParty
  /** Under which browsers reach the console. */
  origin: string
}): Passkeys {
  const { db, clock, people, origin, own } = deps
  const rpID = new URL(origin).hostname
  const at = (ms: number) => new Date(clock.now() + ms).toISOString()

  async function remember(challenge: string, personId: string | null): Promise<void> {
    await db.deleteFrom('console_challenges').where('expires_at', '<', at(0)).execute()
    await db
      .insertInto('console_challenges')
      .values({ hash: hashOf(challenge), person_id: personId, expires_at: at(CHALLENGE_LIFETIME) })
      .execute()
  }

  /** Whether it is one of ours, for this person or for whoever it turns out to be; it is never good again. */
  async function take(challenge: string, personId: string | null): Promise<boolean> {
    const row = await db
      .deleteFrom('console_challenges')
      .where('hash', '=', hashOf(challenge))
      .where('expires_at', '>=', at(0))
      .returning('person_id')
      .executeTakeFirst()
    return row !== undefined && row.person_id === personId
  }

  async function personInvited(code: unknown): Promise<Person> {
    const row =
      typeof code === 'string' && code.length <= 64
        ? await db
            .selectFrom('console_invitations')
            .select('person_id')
            .where('code_hash', '=', hashOf(code.trim()))
            .where('expires_at', '>=', at(0))
            .executeTakeFirst()
        : undefined
    const person = row && (await people.find(db, row.person_id))
    if (!person || person.removed) throw wayleaveError('sign-in-refused', 'no such invitation')
    return person
  }

  const note = (
    trx: Db,
    { id, name, role }: Person,
    entry: Pick<LogEntry, 'kind' | 'outcome' | 'note' | 'reason'>,
  ) =>
    deps.accessLog.append(trx, {
      ...entry,
      ...(entry.kind === 'alarm' ? { requester: own } : { custodian: own }),
      user: { id, name, role },
      client: CONSOLE_CLIENT,
    })

  /** A copy of a passkey counts on its own: the one that falls behind gives it away (WebAuthn Level 3 §6.1.1). */
  async function copied(person: Person, credential: string): Promise<never> {
    await db.transaction().execute(async (trx) => {
      await trx.deleteFrom('console_passkeys').where('id', '=', credential).execute()
      await trx.deleteFrom('console_sessions').where('person_id', '=', person.id).execute()
      await note(trx, person, { kind: 'alarm', outcome: '8', reason: 'passkey-copied' })
    })
    throw wayleaveError('sign-in-refused', 'its counter went back')
  }

  async function signedIn(trx: Db, person: Person, how: string): Promise<string> {
    await note(trx, person, { kind: 'staff-signed-in', outcome: '0', note: how })
    return deps.sessions.open(trx, person.id)
  }

  return {
    async invited(code) {
      const { id, name, role, userHandle } = await personInvited(code)
      const options = await generateRegistrationOptions({
        ...{ rpName: `Wayleave, ${own.name}`, rpID, userName: name, userDisplayName: name },
        userID: new Uint8Array(Buffer.from(userHandle, 'base64url')),
        attestationType: 'none',
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: ALGORITHMS,
      })
      await remember(options.challenge, id)
      return { options, name, role }
    },

    async make(code, response) {
      const person = await personInvited(code)
      const { verified, registrationInfo } = await refusing(() =>
        verifyRegistrationResponse({
          response: response as RegistrationResponseJSON,
          expectedChallenge: (challenge) => take(challenge, person.id),
          ...{ expectedOrigin: origin, expectedRPID: rpID },
          ...{ requireUserVerification: true, supportedAlgorithmIDs: ALGORITHMS },
        }),
      )
      if (!verified) throw wayleaveError('sign-in-refused', 'no passkey')
      const { credential } = registrationInfo
      return db.transaction().execute(async (trx) => {
        const used = await trx
          .deleteFrom('console_invitations')
          .where('code_hash', '=', hashOf(String(code).trim()))
          .executeTakeFirst()
        // Another one was quicker with the same code.
        if (used.numDeletedRows !== 1n) throw wayleaveError('sign-in-refused', 'the invitation is used up')
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('console_passkeys')
          .values({
            ...{ id: credential.id, person_id: person.id, public_key: credential.publicKey },
            ...{ counter: credential.counter, made_at: at(0) },
          })
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows !== 1n) throw wayleaveError('sign-in-refused', 'the passkey is known')
        return signedIn(trx, person, 'A passkey was made by invitation.')
      })
    },

    async asked() {
      const options = await generateAuthenticationOptions({ rpID, userVerification: 'required' })
      await remember(options.challenge, null)
      return options
    },

    async signIn(response) {
      const given = response as AuthenticationResponseJSON
      const id = typeof given?.id === 'string' ? given.id : ''
      const known = await db
        .selectFrom('console_passkeys')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      const person = known && (await people.find(db, known.person_id))
      if (!person || person.removed) throw wayleaveError('sign-in-refused', 'no such passkey')
      if (given.response?.userHandle !== person.userHandle)
        throw wayleaveError('sign-in-refused', 'the passkey names another person')
      const { verified, authenticationInfo } = await refusing(() =>
        verifyAuthenticationResponse({
          response: given,
          expectedChallenge: (challenge) => take(challenge, null),
          ...{ expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true },
          // How it counts is compared below, in one statement with what is written.
          credential: { id, publicKey: new Uint8Array(known.public_key), counter: 0 },
        }),
      )
      if (!verified) throw wayleaveError('sign-in-refused', 'the signature does not verify')
      const { newCounter } = authenticationInfo
      const counted = await db
        .updateTable('console_passkeys')
        .set({ counter: newCounter })
        .where('id', '=', id)
        .where((eb) =>
          // Those that do not count say 0 for good.
          eb.or([eb('counter', '<', newCounter), eb.and([eb('counter', '=', 0), eb.val(newCounter === 0)])]),
        )
        .executeTakeFirst()
      if (counted.numUpdatedRows !== 1n) return copied(person, id)
      return db.transaction().execute((trx) => signedIn(trx, person, 'By passkey.'))
    },
  }
}

/** What a stranger sent is judged by a library that says in its own words what is wrong; outside it is one refusal. */
async function refusing<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('sign-in-refused', 'WebAuthn does not verify', cause)
  }
}
