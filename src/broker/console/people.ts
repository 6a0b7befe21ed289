import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['console_people']>

export const CONSOLE_ROLES = ['auditor', 'compliance'] as const
export type ConsoleRole = (typeof CONSOLE_ROLES)[number]

/** The console, as the trail names what a person did something by. */
export const CONSOLE_CLIENT = { id: 'wayleave-console' }

export type Person = { id: string; name: string; role: ConsoleRole; userHandle: string; removed: boolean }

/** A person, as whoever runs the broker sees them. */
export type ListedPerson = Omit<Person, 'userHandle'> & {
  invitedAt: string
  /** `invited` until a passkey is made; `lapsed` where the invitation ended before. */
  state: 'invited' | 'lapsed' | 'active' | 'removed'
}

export type People = {
  /** @returns a code that is good once and for 24 hours; only its hash is kept. @throws WayleaveError `request-invalid` */
  invite(
    wish: { name?: unknown; role?: unknown },
    by: LogEntry['user'],
  ): Promise<{ code: string; id: string; expiresAt: string }>
  list(): Promise<ListedPerson[]>
  /** Passkeys and sessions end at once. @throws WayleaveError `staff-unknown` */
  remove(id: string, by: LogEntry['user']): Promise<void>
  /** Whether removed or not. */
  find(db: Db, id: string): Promise<Person | undefined>
}

const INVITATION_LIFETIME = 24 * 3_600_000
const LONGEST_NAME = 100

/** What is drawn at random and kept as its hash. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

/** The people of this hospital who may use its console. */
export function createPeople(deps: {
  db: Db
  vault: Vault
  clock: Clock
  accessLog: AccessLog
  own: AuditParty
}): People {
  const { db, vault, clock } = deps
  const now = () => new Date(clock.now()).toISOString()
  const nameIn = ({ sealed }: Pick<Row, 'sealed'>) => openJson<{ name: string }>(vault.storeKey, sealed).name
  const personIn = (row: Row): Person => ({
    ...{ id: row.id, role: row.role, userHandle: row.user_handle },
    ...{ name: nameIn(row), removed: row.removed_at !== null },
  })

  const note = (trx: Db, by: LogEntry['user'], text: string) =>
    deps.accessLog.append(trx, {
      ...{ kind: 'staff-changed', outcome: '0', custodian: deps.own, note: text },
      ...(by ? { user: by } : {}),
    })

  return {
    async invite(wish, by) {
      const name = typeof wish.name === 'string' ? wish.name.normalize('NFKC').trim() : ''
      const role = CONSOLE_ROLES.find((one) => one === wish.role)
      if (name === '' || name.length > LONGEST_NAME || !name.isWellFormed() || /\p{C}/u.test(name))
        throw wayleaveError('request-invalid', 'name')
      if (!role) throw wayleaveError('request-invalid', 'role')
      const code = randomBytes(20).toString('base64url')
      const id = randomUUID()
      const expiresAt = new Date(clock.now() + INVITATION_LIFETIME).toISOString()
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('console_people')
          .values({
            ...{ id, role, user_handle: randomBytes(32).toString('base64url') },
            ...{ sealed: sealJson(vault.storeKey, { name }), invited_at: now(), removed_at: null },
          })
          .execute()
        await trx
          .insertInto('console_invitations')
          .values({ code_hash: hashOf(code), person_id: id, expires_at: expiresAt })
          .execute()
        await note(trx, by, `${name} was invited as ${role}.`)
      })
      return { code, id, expiresAt }
    },

    async list() {
      const rows = await db.selectFrom('console_people').selectAll().orderBy('invited_at').execute()
      const keyed = await db.selectFrom('console_passkeys').select('person_id').execute()
      const invited = await db
        .selectFrom('console_invitations')
        .select('person_id')
        .where('expires_at', '>=', now())
        .execute()
      const stateOf = ({ id, removed_at }: Row) => {
        if (removed_at) return 'removed'
        if (keyed.some(({ person_id }) => person_id === id)) return 'active'
        return invited.some(({ person_id }) => person_id === id) ? 'invited' : 'lapsed'
      }
      return rows.map((row) => {
        const { userHandle: _handle, ...person } = personIn(row)
        return { ...person, invitedAt: row.invited_at, state: stateOf(row) }
      })
    },

    async remove(id, by) {
      await db.transaction().execute(async (trx) => {
        const row = await trx
          .updateTable('console_people')
          .set({ removed_at: now() })
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .returningAll()
          .executeTakeFirst()
        if (!row) throw wayleaveError('staff-unknown')
        for (const table of ['console_invitations', 'console_passkeys', 'console_sessions'] as const)
          await trx.deleteFrom(table).where('person_id', '=', id).execute()
        await note(trx, by, `${nameIn(row)} was removed.`)
      })
    },

    async find(trx, id) {
      const row = await trx.selectFrom('console_people').selectAll().where('id', '=', id).executeTakeFirst()
      return row && personIn(row)
    },
  }
}
