import type { ParametersParameter } from 'fhir/r4.js'
import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Webhooks } from '../../exchange/webhook.ts'
import type { Logger } from '../../observe/log.ts'
import { isAtOrigin } from '../../outward/listed-origins.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { createTurns, type Turns } from '../../turns/turns.ts'
import { notification, signDetached, type Topic } from './notification.ts'

type Row = Selectable<BrokerTables['subscriptions']>

/** How many events one message tells, and how many endpoints are written to at a time. */
const MOST_EVENTS = 50
const SIDE_BY_SIDE = 8
/** A try that has not ended by then died with its process. Milliseconds. */
const LEASE = 30_000
const LONGEST_WAIT = 5 * 60_000

/** What one topic has to tell, in its order. */
export type EventFeed = {
  /** Events after a cursor that a program may hear of now; undefined where it may hear of none any more. */
  after(
    clientId: string,
    cursor: number,
    limit: number,
  ): Promise<{ seq: number; part: ParametersParameter }[] | undefined>
  last(): Promise<number>
}

/**
 * Tells webhooks of events, each in order and at least once: a subscription's cursor moves on only when its endpoint has
 * answered 2xx. One that does not answer is tried again, with growing pauses and for as long as it is registered; one that
 * answers 410 is off. What was told twice has the same id.
 */
export function createEventDelivery(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  log: Logger
  feeds: Readonly<Record<Topic, EventFeed>>
  webhooks: Webhooks
  origins: readonly string[]
  signing: { key: CryptoKey; kid: string }
  base: () => string
  everyMs?: number
}): Turns {
  const { db, clock, log, feeds } = deps
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()

  async function run(): Promise<void> {
    const [consent, audit] = [await feeds.consent.last(), await feeds.audit.last()]
    const due = await db
      .selectFrom('subscriptions')
      .select('id')
      .where('status', '!=', 'off')
      .where('next_at', '<=', instant())
      .where((eb) =>
        eb.or([
          eb('status', '=', 'requested'),
          eb.and([eb('topic', '=', 'consent'), eb('cursor', '<', consent)]),
          eb.and([eb('topic', '=', 'audit'), eb('cursor', '<', audit)]),
        ]),
      )
      .orderBy('next_at')
      .limit(SIDE_BY_SIDE)
      .execute()
    await Promise.all(due.map(({ id }) => claim(id).then((row) => row && deliver(row))))
  }

  /** Taken for a while, so that of two replicas one delivers. */
  const claim = (id: string): Promise<Row | undefined> =>
    db
      .updateTable('subscriptions')
      .set({ next_at: instant(LEASE) })
      .where('id', '=', id)
      .where('next_at', '<=', instant())
      .returningAll()
      .executeTakeFirst()

  async function deliver(row: Row): Promise<void> {
    const feed = feeds[row.topic]
    // Before what comes after it is read: what is written in between is for the next turn.
    const newest = await feed.last()
    const mine = await feed.after(row.client_id, row.cursor, MOST_EVENTS)
    if (mine === undefined || !isAtOrigin(row.endpoint, deps.origins)) return set(row, { status: 'off' })
    const isHandshake = row.status === 'requested'
    const found = isHandshake ? [] : mine
    const told = found.at(-1)
    // All that is left is not for this program.
    if (!isHandshake && !told) return set(row, { cursor: newest })
    const sent = row.sent + found.length
    const body = notification({
      type: isHandshake ? 'handshake' : 'event-notification',
      subscription: `${deps.base()}/fhir/Subscription/${row.id}`,
      sinceStart: sent,
      topic: row.topic,
      events: found.map(({ part }) => part),
      at: instant(),
    })
    const bytes = Buffer.from(JSON.stringify(body))
    const signature = await signDetached(bytes, deps.signing, { audience: row.endpoint, nowMs: clock.now() })
    const status = await deps.webhooks.post(row.endpoint, bytes, signature)
    if (status >= 200 && status < 300)
      return set(row, { status: 'active', attempts: 0, sent, ...(told ? { cursor: told.seq } : {}) })
    if (status === 410) return set(row, { status: 'off' })
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(row.attempts, 20))
    log.warn({ status, count: row.attempts + 1 }, 'a webhook did not take its events')
    await set(row, { attempts: row.attempts + 1 }, wait)
  }

  async function set({ id }: Row, changes: Partial<Row>, wait = 0): Promise<void> {
    await db
      .updateTable('subscriptions')
      .set({ ...changes, next_at: instant(wait) })
      .where('id', '=', id)
      .execute()
  }

  return createTurns({
    everyMs: deps.everyMs ?? 250,
    run,
    failed: (error) => log.warn({ error }, 'events wait for the next turn'),
  })
}
