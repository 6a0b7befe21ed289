import { type Kysely, sql } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import { errorCodeOf } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import type { Logger } from '../observe/log.ts'
import type { BrokerTables } from '../store/schema.ts'
import type { Lead } from '../turns/lead.ts'
import { createTurns } from '../turns/turns.ts'
import type { PeerClient } from './peer-client.ts'
import type { Peer } from './peer-connections.ts'

/**
 * Stores a sealed message for another member's broker in the caller's transaction; it is delivered at least once, unless
 * it is about a patient and taken back before.
 */
export async function enqueueMessage(
  db: Kysely<BrokerTables>,
  clock: Clock,
  message: { member: Hex; path: string; body: string; about?: string; signed_by?: string },
): Promise<void> {
  await db
    .insertInto('exchange_outbox')
    .values({
      about: null,
      signed_by: null,
      ...message,
      attempts: 0,
      next_at: new Date(clock.now()).toISOString(),
      delivered_at: null,
    })
    .execute()
}

/** Takes back, in the caller's transaction, what is about this patient and not delivered yet. */
export async function takeBackMessages(db: Kysely<BrokerTables>, about: string): Promise<void> {
  await db
    .deleteFrom('exchange_outbox')
    .where('about', '=', about)
    .where('delivered_at', 'is', null)
    .execute()
}

/** Refused for what it says, and so for ever; the rest passes. */
const isFinal = (status: number) => status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status)

export type ExchangeOutbox = { flush(): Promise<void>; close(): Promise<void> }

const LONGEST_WAIT = 30_000

/** Delivers messages in order for each member, with growing pauses while it does not answer. */
export function createExchangeOutbox(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  log: Logger
  peers: PeerClient
  /** The broker of a member; undefined where it has no profile yet. */
  peerOf: (member: Hex) => Promise<Peer | undefined>
  lead: Pick<Lead, 'holds'>
  everyMs?: number
}): ExchangeOutbox {
  const { db, clock, log } = deps
  let closed = false

  async function run(): Promise<void> {
    const members = await db
      .selectFrom('exchange_outbox')
      .select('member')
      .distinct()
      .where('delivered_at', 'is', null)
      .execute()
    // Side by side, so that a member that hangs or is down keeps nothing from the others.
    await Promise.all(members.map(({ member }) => deliverAll(member)))
  }

  /** Order matters only within one member: a later share must not be overtaken by an earlier one. */
  async function deliverAll(member: string): Promise<void> {
    const rows = await db
      .selectFrom('exchange_outbox')
      .selectAll()
      .where('member', '=', member)
      .where('delivered_at', 'is', null)
      .orderBy('id')
      .limit(50)
      .execute()
    for (const row of rows) {
      if (closed || row.next_at > new Date(clock.now()).toISOString()) return
      if (!(await deliver(row))) return
    }
  }

  async function deliver(row: {
    id: number
    member: string
    path: string
    body: string
    about: string | null
    attempts: number
  }): Promise<boolean> {
    if (row.about !== null && !(await isStillWaiting(row.id))) return true
    const peer = await deps.peerOf(row.member as Hex)
    const status = peer ? await post(peer, row) : 0
    const now = clock.now()
    // A message that the other side will never take is not tried for ever, lest it hold up a revocation behind it.
    if ((status >= 200 && status < 300) || isFinal(status)) {
      if (status >= 400) log.warn({ outbox: row.id, status }, 'a member refused a message')
      await db
        .updateTable('exchange_outbox')
        .set({ delivered_at: new Date(now).toISOString() })
        .where('id', '=', row.id)
        .execute()
      return true
    }
    const wait = Math.min(LONGEST_WAIT, 250 * 2 ** Math.min(row.attempts, 10))
    await db
      .updateTable('exchange_outbox')
      .set({ attempts: sql`attempts + 1`, next_at: new Date(now + wait).toISOString() })
      .where('id', '=', row.id)
      .execute()
    return false
  }

  /** What was taken back since the rows were read is not sent. */
  async function isStillWaiting(id: number): Promise<boolean> {
    const row = await db.selectFrom('exchange_outbox').select('id').where('id', '=', id).executeTakeFirst()
    return row !== undefined
  }

  /** No status where it could not be sent. What must not be called is for the operator to see; it may come right. */
  async function post(
    peer: Peer,
    { path, body, attempts }: { path: string; body: string; attempts: number },
  ) {
    try {
      return await deps.peers.post(peer, path, 'application/jose', body)
    } catch (error) {
      const code = errorCodeOf(error)
      if (attempts === 0 && code !== 'peer-unavailable')
        log.warn({ code, member: peer.id }, 'a member must not be called; its messages wait')
      return 0
    }
  }

  const turns = createTurns({
    everyMs: deps.everyMs ?? 250,
    run,
    failed: (error) => log.warn({ error }, 'the outbox waits'),
    lead: deps.lead,
  })

  return {
    flush: turns.flush,
    close: async () => {
      closed = true
      await turns.close()
    },
  }
}
