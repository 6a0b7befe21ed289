import { randomBytes } from 'node:crypto'
import { expressionBuilder, type Kysely } from 'kysely'
import { AccessLog__factory, type Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import { windowTree } from '../../domain/evidence/window-proof.ts'
import { type Hex, toHex } from '../../domain/hex.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Lead } from '../../turns/lead.ts'
import { createTurns } from '../../turns/turns.ts'

/** A log entry must be anchored within this, or nothing is released (I4). Milliseconds. */
export const ANCHOR_WITHIN = 60_000

const registry = AccessLog__factory.createInterface()

type Oldest = { oldestOpen: string | null; oldestSent: string | null }

/**
 * When the oldest entry was written that no window on the chain holds: of those in no window yet, and of those in a window
 * that is not mined. Two columns for any query, each by an index of its own, since every release waits for them.
 */
export function oldestUnanchored() {
  const eb = expressionBuilder<BrokerTables>()
  const open = eb.selectFrom('access_log').select('at').where('window_number', 'is', null)
  // Not from the log itself, which only grows: every release waits for this.
  const sent = eb
    .selectFrom('chain_outbox')
    .innerJoin('windows', 'windows.outbox_id', 'chain_outbox.id')
    .select((w) => w.fn.min('windows.oldest').as('oldest'))
    .where('status', '!=', 'mined')
  return [open.orderBy('seq').limit(1).as('oldestOpen'), sent.as('oldestSent')] as const
}

function ageOf({ oldestOpen, oldestSent }: Oldest, clock: Clock): number {
  const [oldest] = [oldestOpen, oldestSent].filter((at) => at !== null).sort()
  return oldest ? clock.now() - Date.parse(oldest) : 0
}

/** Whether an entry is not anchored that should have been (I4). */
export const isOverdue = (oldest: Oldest, clock: Clock): boolean => ageOf(oldest, clock) > ANCHOR_WITHIN

export type Windows = {
  /** Closes the window that is open, empty or not, and sends its root. */
  close(): Promise<void>
  /** Age in milliseconds of the oldest entry that no window on the chain holds; 0 when there is none. */
  unanchoredAge(): Promise<number>
  /** Entries whose window was not mined in time. */
  overdue(): Promise<boolean>
  stop(): Promise<void>
}

/**
 * Gathers log entries into numbered windows without gap or overlap, and anchors one salted Merkle root for each. A window
 * begins where the last one ended; empty windows are sent, too, so that silence tells nothing.
 */
export function createWindows(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  contracts: Contracts
  log: Logger
  everyMs: number
  /** Two that close windows at once would have them overlap. */
  lead: Pick<Lead, 'holds'>
  /** The member's newest window on the chain: after a restore it may be ahead of the database. */
  anchored: () => Promise<{ number: number; until: number } | undefined>
  afterClose: () => void
}): Windows {
  const { db, clock, log } = deps

  async function run(): Promise<void> {
    const anchored = await deps.anchored()
    await db.transaction().execute(async (trx) => {
      await reopenRefused(trx)
      const last = await trx
        .selectFrom('windows')
        .select(['number', 'until_time'])
        .orderBy('number', 'desc')
        .limit(1)
        .forUpdate()
        .executeTakeFirst()
      const from = Math.max(last?.until_time ?? 0, anchored?.until ?? 0)
      const until = Math.floor(clock.now() / 1000)
      if (until <= from) return
      // Whatever was recorded in the second that has just begun belongs to the next window.
      const entries = await trx
        .selectFrom('access_log')
        .select(['seq', 'leaf', 'at'])
        .where('window_number', 'is', null)
        .where('at', '<', new Date(until * 1000).toISOString())
        .orderBy('seq')
        .execute()
      const number = Math.max(last?.number ?? 0, anchored?.number ?? 0) + 1
      // One random leaf in each, so that an empty window looks like any other; kept, since a proof needs all leaves.
      const padding = toHex(randomBytes(32))
      const leaves = entries.map(({ leaf }) => leaf)
      const root = windowTree(leaves, padding).root as Hex
      const data = registry.encodeFunctionData('anchor', [number, until, root]) as Hex
      const call = { contract: deps.contracts.accessLog as Hex, data, dedupeKey: `anchor/${number}` }
      // Written by several connections, so not always in the order of their numbers.
      const [oldest = null] = entries.map(({ at }) => at).sort()
      const outbox_id = await enqueueCall(trx, clock, call)
      await trx
        .insertInto('windows')
        .values({ number, from_time: from, until_time: until, root, padding, outbox_id, oldest })
        .execute()
      // Exactly the entries whose leaves are in the tree: another connection may have committed a lower number since.
      for (let i = 0; i < entries.length; i += 1_000) {
        const seqs = entries.slice(i, i + 1_000).map(({ seq }) => seq)
        await trx.updateTable('access_log').set({ window_number: number }).where('seq', 'in', seqs).execute()
      }
    })
    deps.afterClose()
  }

  /** What a refused window held goes into the next one: nothing stays without an anchor for ever. */
  async function reopenRefused(trx: Kysely<BrokerTables>): Promise<void> {
    const refused = await trx
      .selectFrom('windows')
      .innerJoin('chain_outbox', 'chain_outbox.id', 'windows.outbox_id')
      .select(['number', 'outbox_id'])
      .where('status', '=', 'failed')
      .execute()
    for (const { number, outbox_id } of refused) {
      log.error({ window: number }, 'the chain refused a window; its entries go into the next one')
      await trx
        .updateTable('access_log')
        .set({ window_number: null })
        .where('window_number', '=', number)
        .execute()
      await trx.deleteFrom('windows').where('number', '=', number).execute()
      await trx.deleteFrom('chain_outbox').where('id', '=', outbox_id).execute()
    }
  }

  async function unanchoredAge(): Promise<number> {
    const row = await db.selectNoFrom(oldestUnanchored()).executeTakeFirstOrThrow()
    return ageOf(row, clock)
  }

  const turns = createTurns({
    everyMs: deps.everyMs,
    run,
    failed: (error) => log.warn({ error }, 'the window stays open'),
    lead: deps.lead,
  })

  return {
    close: turns.flush,
    unanchoredAge,
    overdue: async () =>
      isOverdue(await db.selectNoFrom(oldestUnanchored()).executeTakeFirstOrThrow(), clock),
    stop: turns.close,
  }
}
