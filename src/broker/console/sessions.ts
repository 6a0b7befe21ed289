import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { hashOf, type People, type Person } from './people.ts'

type Db = Kysely<BrokerTables>

/** Whose session it is, and how it is named in the database. */
export type Staff = Omit<Person, 'removed' | 'userHandle'> & {
  session: string
  endsAt: string
  idleAt: string
}

export type ConsoleSessions = {
  /** @returns the secret for the browser's cookie; only its hash is kept */
  open(trx: Db, personId: string): Promise<string>
  /** Goes on for another half hour. @throws WayleaveError `session-expired` */
  staffOf(secret: string | undefined): Promise<Staff>
  end(secret: string | undefined): Promise<void>
}

/** Without a call, and at most. Milliseconds. */
const IDLE = 30 * 60_000
const LIFETIME = 8 * 3_600_000

/** Sessions at the console: a row that a cookie names, so that one can be ended at once. */
export function createConsoleSessions(deps: {
  db: Db
  clock: Clock
  people: Pick<People, 'find'>
}): ConsoleSessions {
  const { db, clock } = deps
  const at = (ms: number) => new Date(clock.now() + ms).toISOString()
  return {
    async open(trx, personId) {
      const secret = randomBytes(32).toString('base64url')
      await trx
        .deleteFrom('console_sessions')
        .where((eb) => eb.or([eb('idle_at', '<', at(0)), eb('ends_at', '<', at(0))]))
        .execute()
      await trx
        .insertInto('console_sessions')
        .values({ token_hash: hashOf(secret), person_id: personId, idle_at: at(IDLE), ends_at: at(LIFETIME) })
        .execute()
      return secret
    },

    async staffOf(secret) {
      if (!secret) throw wayleaveError('session-expired', 'no cookie')
      const row = await db
        .updateTable('console_sessions')
        .set({ idle_at: at(IDLE) })
        .where('token_hash', '=', hashOf(secret))
        .where('idle_at', '>=', at(0))
        .where('ends_at', '>=', at(0))
        .returning(['person_id', 'token_hash', 'ends_at', 'idle_at'])
        .executeTakeFirst()
      const person = row && (await deps.people.find(db, row.person_id))
      if (!person || person.removed) throw wayleaveError('session-expired')
      const { id, name, role } = person
      return { id, name, role, session: row.token_hash, endsAt: row.ends_at, idleAt: row.idle_at }
    },

    async end(secret) {
      if (secret) await db.deleteFrom('console_sessions').where('token_hash', '=', hashOf(secret)).execute()
    },
  }
}
