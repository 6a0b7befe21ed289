import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Webhooks } from '../../exchange/webhook.ts'
import type { Logger } from '../../observe/log.ts'
import { isAtOrigin } from '../../outward/listed-origins.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { createTurns, type Turns } from '../../turns/turns.ts'
import type { EventLog, EventSide } from './event-log.ts'
import { notification, signDetached } from './notification.ts'

type Row = Selectable<BrokerTables['subscriptions']>

/** How many events one message tells, and how many endpoints are written to at a time. */
const MOST_EVENTS = 50
const SIDE_BY_SIDE = 8
/** A try that has not ended by then died with its process. Milliseconds. */
const LEASE = 30_000
const LONGEST_WAIT = 5 * 60_000

/**
 * Tells webhooks of events, each in order and at least once: a subscription's cursor moves on only when its endpoint has
 * answered 2xx. One that does not answer is tried again, with growing pauses and for as long as it is registered; one that
 * answers 410 is off. What was told twice has the same id.
 */
export function createEventDelivery(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  log: Logger
  events: EventLog
  webhooks: Webhooks
  origins: readonly string[]
  signing: { key: CryptoKey; kid: string }
  base: () => string
  /** What a program may hear of now; nothing once it is gone. */
  sidesOf: (clientId: string) => Promise<EventSide[]>
  everyMs?: number
}): Turns {
  const { db, clock, log, events } = deps
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()

  async function run(): Promise<void> {
    const last = await events.last()
    const due = await db
      .selectFrom('subscriptions')
      .select('id')
      .where('status', '!=', 'off')
      .where('next_at', '<=', instant())
      .where((eb) => eb.or([eb('status', '=', 'requested'), eb('cursor', '<', last)]))
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
    const sides = await deps.sidesOf(row.client_id)
    if (sides.length === 0 || !isAtOrigin(row.endpoint, deps.origins)) return set(row, { status: 'off' })
    const isHandshake = row.status === 'requested'
    const found = isHandshake ? [] : await events.after(row.cursor, sides, MOST_EVENTS)
    const told = found.at(-1)
    // All that is left is not for this program.
    if (!isHandshake && !told) return set(row, { cursor: await events.last() })
    const sent = row.sent + found.length
    const body = notification({
      type: isHandshake ? 'handshake' : 'event-notification',
      subscription: `${deps.base()}/fhir/Subscription/${row.id}`,
      sinceStart: sent,
      events: found,
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
