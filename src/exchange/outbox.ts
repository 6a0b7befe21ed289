import { type Kysely, sql } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import type { Logger } from '../observe/log.ts'
import type { BrokerTables } from '../store/schema.ts'
import type { PeerClient } from './peer-client.ts'

/** Stores a sealed message for another member's broker in the caller's transaction; it is delivered at least once. */
export async function enqueueMessage(
  db: Kysely<BrokerTables>,
  clock: Clock,
  message: { member: Hex; path: string; body: string },
): Promise<void> {
  await db
    .insertInto('exchange_outbox')
    .values({ ...message, attempts: 0, next_at: new Date(clock.now()).toISOString(), delivered_at: null })
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
  endpointOf: (member: Hex) => Promise<string | undefined>
  everyMs?: number
}): ExchangeOutbox {
  const { db, clock, log } = deps
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

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
    attempts: number
  }): Promise<boolean> {
    const endpoint = await deps.endpointOf(row.member as Hex)
    const status = endpoint
      ? await deps.peers.post(`${endpoint}${row.path}`, 'application/jose', row.body).catch(() => 0)
      : 0
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

  function flush(): Promise<void> {
    running = running.then(run, run).catch((error: unknown) => log.warn({ error }, 'the outbox waits'))
    return running
  }

  function schedule(): void {
    timer = setTimeout(() => {
      void flush().finally(() => {
        if (!closed) schedule()
      })
    }, deps.everyMs ?? 250)
  }
  schedule()

  return {
    flush,
    close: async () => {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
