import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { ConsentChange } from '../../domain/consent/consent-change.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'

type Db = Kysely<BrokerTables>

/** Whose consents an event is about: this hospital's own patients', or those of which it learnt by a share. */
export type EventSide = 'own' | 'received'

/** What it takes to hear of either side: to be allowed to read what the event is about. */
export const EVENT_SCOPES: readonly (readonly [scope: string, side: EventSide])[] = [
  ['system/Consent.rs', 'own'],
  ['system/DocumentReference.rs', 'received'],
]

/** References to what changed; nothing of a record, and nothing of what a consent says. */
export type EventSubject = {
  /** `Consent/ID` here; absent for a lock, and for what is kept elsewhere. */
  consent?: string
  /** `Patient/ID` at this hospital. */
  patient?: string
  /** The share by which this hospital may see records, as a URN. */
  share?: string
  custodian?: Identifier
  /** Who a share is about; told to whoever asks for the event by its id, and in no message. */
  identifiers?: Identifier[]
}

export type ConsentEvent = EventSubject & {
  /** The place in the order of all events: a cursor. */
  seq: number
  /** The same for the same change, however often it is told. */
  id: string
  change: ConsentChange
  side: EventSide
  /** An instant: when the change was mined, or the share arrived. */
  at: string
}

export type EventLog = {
  /** Adds an event in the caller's transaction, once for each source. */
  append(
    trx: Db,
    event: { source: string; change: ConsentChange; side: EventSide; at: string } & EventSubject,
  ): Promise<void>
  /** Events after a cursor, in order; only of these sides. */
  after(seq: number, sides: readonly EventSide[], limit: number): Promise<ConsentEvent[]>
  byId(id: string): Promise<ConsentEvent | undefined>
  /** The cursor of the newest event; 0 where there is none. */
  last(): Promise<number>
}

/** Held until the transaction ends, so that no event becomes visible behind a later one that somebody has read. */
const ORDER_LOCK = 0x77_61_79

export function createEventLog({ db, vault }: { db: Db; vault: Vault }): EventLog {
  const read = (row: {
    seq: number
    id: string
    change: string
    side: string
    at: string
    sealed: Uint8Array
  }) => {
    const { seq, id, at } = row
    const subject = openJson<EventSubject>(vault.storeKey, row.sealed)
    return { seq, id, at, change: row.change as ConsentChange, side: row.side as EventSide, ...subject }
  }
  return {
    async append(trx, { source, change, side, at, ...subject }) {
      await sql`select pg_advisory_xact_lock(${ORDER_LOCK})`.execute(trx)
      await trx
        .insertInto('events')
        .values({ id: idOf(source), change, side, at, sealed: sealJson(vault.storeKey, subject) })
        .onConflict((oc) => oc.column('id').doNothing())
        .execute()
    },

    async after(seq, sides, limit) {
      if (sides.length === 0) return []
      const rows = await db
        .selectFrom('events')
        .selectAll()
        .where('seq', '>', seq)
        .where('side', 'in', sides)
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(read)
    },

    async byId(id) {
      const row = await db.selectFrom('events').selectAll().where('id', '=', id).executeTakeFirst()
      return row && read(row)
    },

    async last() {
      const row = await db
        .selectFrom('events')
        .select((eb) => eb.fn.max('seq').as('last'))
        .executeTakeFirst()
      return Number(row?.last ?? 0)
    },
  }
}

/** A UUID (RFC 9562, version 8) made of where the event comes from. */
function idOf(source: string): string {
  const hex = createHash('sha256').update(source).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
