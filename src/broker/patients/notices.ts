import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { ENDING_WITHIN_DAYS, type NoticeBody, type OwnNotices } from '../../domain/portal/notices.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { readOwnConsents } from './own-consents.ts'

type Db = Kysely<BrokerTables>

const PAGE = 50
const MOST = 200
const DAY = 24 * 3_600_000

export type Notices = {
  /** Keeps a notice in the caller's transaction; one of the same source is kept once. */
  add(db: Db, patient: StoredPatient, source: string, body: NoticeBody): Promise<void>
  /** Consents that end soon are noticed. Nothing where the chain does not answer: then the next time. */
  noticeEndings(patient: StoredPatient): Promise<void>
  /** Newest first. @throws WayleaveError `request-invalid` for a `before` that is no notice of this patient's */
  of(patient: StoredPatient, query: { before?: unknown; count?: unknown }): Promise<OwnNotices>
  /** All up to a notice are read, it included. @throws WayleaveError `request-invalid` */
  markRead(patient: StoredPatient, upTo: unknown): Promise<void>
}

export function createNotices(deps: {
  db: Db
  vault: Vault
  clock: Clock
  reader: ConsentReader
  custodian: Hex
}): Notices {
  const { db, vault, clock } = deps

  const add: Notices['add'] = async (trx, patient, source, body) => {
    await trx
      .insertInto('notices')
      .values({
        ...{ id: randomUUID(), patient_id: patient.id, read: false },
        source: vault.lookup('notice', `${patient.id}|${source}`),
        sealed: sealJson(patient.key, body),
        created_at: new Date(clock.now()).toISOString(),
      })
      .onConflict((oc) => oc.doNothing())
      .execute()
  }

  /** @throws WayleaveError `request-invalid` for one that is not this patient's */
  async function placeOf(patient: StoredPatient, id: unknown): Promise<number> {
    const row =
      typeof id === 'string'
        ? await db
            .selectFrom('notices')
            .select('seq')
            .where('id', '=', id)
            .where('patient_id', '=', patient.id)
            .executeTakeFirst()
        : undefined
    if (!row) throw wayleaveError('request-invalid', 'no such notice')
    return row.seq
  }

  return {
    add,

    async noticeEndings(patient) {
      const own = await readOwnConsents(db, deps, patient).catch(() => undefined)
      if (!own || own.frozen) return
      const today = new Date(clock.now()).toISOString().slice(0, 10)
      const last = new Date(clock.now() + ENDING_WITHIN_DAYS * DAY).toISOString().slice(0, 10)
      for (const { scopeHash, scope, state, version, until } of own.consents) {
        if (state !== 'permit' || !until || until < today || until > last) continue
        const { granteeType, grantee, purpose } = scope
        await add(db, patient, `ending|${scopeHash}|${version}`, {
          ...{ kind: 'consent-ending', at: new Date(clock.now()).toISOString(), until, purpose },
          grantee: { granteeType, grantee },
        })
      }
    },

    async of(patient, { before, count }) {
      const limit = Math.min(Math.max(Number(count ?? PAGE) || PAGE, 1), MOST)
      let rows = db
        .selectFrom('notices')
        .select(['id', 'sealed', 'read'])
        .where('patient_id', '=', patient.id)
        .orderBy('seq', 'desc')
        .limit(limit + 1)
      if (before !== undefined) rows = rows.where('seq', '<', await placeOf(patient, before))
      const found = await rows.execute()
      const { unread } = await db
        .selectFrom('notices')
        .select((eb) => eb.fn.countAll<number>().as('unread'))
        .where('patient_id', '=', patient.id)
        .where('read', '=', false)
        .executeTakeFirstOrThrow()
      const shown = found.slice(0, limit)
      const last = shown.at(-1)
      return {
        notices: shown.map(({ id, sealed, read }) => ({
          ...{ id, read },
          ...openJson<NoticeBody>(patient.key, sealed),
        })),
        unread: Number(unread),
        ...(found.length > limit && last ? { next: last.id } : {}),
      }
    },

    async markRead(patient, upTo) {
      await db
        .updateTable('notices')
        .set({ read: true })
        .where('patient_id', '=', patient.id)
        .where('seq', '<=', await placeOf(patient, upTo))
        .execute()
    },
  }
}
