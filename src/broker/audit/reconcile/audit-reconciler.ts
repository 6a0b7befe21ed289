import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { createReport, type ReconciliationReport } from '../../../domain/audit/reconcile/findings.ts'
import type { Clock } from '../../../domain/clock.ts'
import { errorCodeOf } from '../../../domain/errors.ts'
import type { Hex } from '../../../domain/hex.ts'
import type { IndexQueries } from '../../../indexer/index.ts'
import type { Logger } from '../../../observe/log.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import { compareChainEvents } from './compare-events.ts'
import { type CompareDeps, compareLog, compareTrail } from './compare-log.ts'
import { comparePeer, type PeerDeps } from './compare-peer.ts'

export type AuditComparison = {
  /** Milliseconds, inclusive and exclusive. */
  since: number
  until: number
  /** The other members to be asked: one, all with whom there were exchanges, or none. */
  members: Hex | 'all' | 'none'
}

/** One comparison, under way or ended. */
export type AuditReconciliation = AuditComparison & {
  id: string
  step: 'log' | 'trail' | 'events' | 'members' | 'done' | 'failed'
  /** Windows, lines or events of this step so far; `of` is null where it is not known. */
  done: number
  of: number | null
  report?: ReconciliationReport
  /** Why it failed, for the auditor. */
  error?: string
}

export type AuditReconciler = {
  /** Begins a comparison, or hands back the one that is under way. */
  start(comparison: AuditComparison): AuditReconciliation
  find(id: string): AuditReconciliation | undefined
  close(): Promise<void>
}

/** What a comparison that was cut off has left behind goes after this. Milliseconds. */
const LEFTOVER = 86_400_000

/** Compares log, trail and chain, and this member's side of its exchanges with the other's. It changes nothing. */
export function createAuditReconciler(
  deps: Omit<CompareDeps, 'report' | 'run' | 'since' | 'until' | 'keptFrom' | 'now' | 'progress' | 'goOn'> &
    Omit<PeerDeps, keyof CompareDeps | 'index'> & {
      db: Kysely<BrokerTables>
      index: IndexQueries
      timeOf: (block: number) => Promise<number>
      /** From when on everything has to be there still, in milliseconds; absent: from the beginning. */
      keptFrom?: () => number
      clock: Clock
      log: Logger
    },
): AuditReconciler {
  const { db, clock, log } = deps
  let current: AuditReconciliation | undefined
  let working: Promise<void> = Promise.resolve()
  let closed = false

  async function compare(state: AuditReconciliation): Promise<void> {
    const report = createReport()
    const at = (step: AuditReconciliation['step']) => Object.assign(state, { step, done: 0, of: null })
    const with_ = {
      ...deps,
      ...{ report, run: state.id, since: state.since, until: state.until, now: () => clock.now() },
      keptFrom: deps.keptFrom?.() ?? 0,
      progress: (done: number, of: number | null) => Object.assign(state, { done, of }),
      goOn: () => {
        if (closed) throw new Error('the broker stops')
      },
    }
    try {
      at('log')
      await compareLog(with_)
      at('trail')
      await compareTrail(with_)
    } finally {
      const leftover = new Date(clock.now() - LEFTOVER).toISOString()
      await db
        .deleteFrom('compared_entries')
        .where((eb) => eb.or([eb('run', '=', state.id), eb('at', '<', leftover)]))
        .execute()
    }
    at('events')
    await compareChainEvents(with_)
    at('members')
    for (const member of await membersOf(state)) {
      try {
        await comparePeer(with_, member)
      } catch (error) {
        with_.goOn()
        report.silent.push({ member, why: errorCodeOf(error) })
      }
    }
    state.report = report.report()
    at('done')
    const { agree } = state.report
    if (agree) log.info({ agree }, 'audit trail, chain and other members were compared')
    else log.error({ agree }, 'audit trail, chain and other members do not agree')
  }

  async function membersOf({ members, since, until }: AuditComparison): Promise<Hex[]> {
    if (members === 'none') return []
    if (members !== 'all') return [members]
    const rows = await db
      .selectFrom('exchanges')
      .select('peer')
      .distinct()
      .where('at', '>=', new Date(since).toISOString())
      .where('at', '<', new Date(until).toISOString())
      .orderBy('peer')
      .execute()
    return rows.map(({ peer }) => peer as Hex)
  }

  return {
    start(comparison) {
      if (current && current.step !== 'done' && current.step !== 'failed') return current
      const state: AuditReconciliation = { ...comparison, id: randomUUID(), step: 'log', done: 0, of: null }
      current = state
      working = compare(state).catch((error: unknown) => {
        log.error({ error }, 'audit trail, chain and other members could not be compared')
        Object.assign(state, { step: 'failed', error: errorCodeOf(error) })
      })
      return state
    },
    find: (id) => (current?.id === id ? current : undefined),
    async close() {
      closed = true
      await working
    },
  }
}
