import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Outboxes } from './operator-listener.ts'

/** How much waits for the chain, for other members and for patients’ contact points, and how long the oldest has waited. */
export function createOutboxWatch(deps: { db: Kysely<BrokerTables>; clock: Clock }): () => Promise<Outboxes> {
  const { db, clock } = deps
  /** A message bears no time of its own: its age is counted from when it was first seen here to be the oldest. */
  let oldest: { id: number; since: number } | undefined

  return async () => {
    const chain = await db
      .selectFrom('chain_outbox')
      .select((eb) => [eb.fn.countAll<number>().as('depth'), eb.fn.min('created_at').as('since')])
      .where('status', 'in', ['pending', 'sent'])
      .executeTakeFirstOrThrow()
    const exchange = await db
      .selectFrom('exchange_outbox')
      .select((eb) => [eb.fn.countAll<number>().as('depth'), eb.fn.min('id').as('id')])
      .where('delivered_at', 'is', null)
      .executeTakeFirstOrThrow()
    const messages = await db
      .selectFrom('messages')
      .select((eb) => [eb.fn.countAll<number>().as('depth'), eb.fn.min('created_at').as('since')])
      .executeTakeFirstOrThrow()
    const id = exchange.id === null ? undefined : Number(exchange.id)
    if (id === undefined) oldest = undefined
    else if (oldest?.id !== id) oldest = { id, since: clock.monotonic() }
    return {
      chain: {
        depth: Number(chain.depth),
        ageMs: chain.since ? clock.now() - new Date(chain.since).getTime() : 0,
      },
      messages: {
        depth: Number(messages.depth),
        ageMs: messages.since ? clock.now() - new Date(messages.since).getTime() : 0,
      },
      exchange: { depth: Number(exchange.depth), ageMs: oldest ? clock.monotonic() - oldest.since : 0 },
    }
  }
}
