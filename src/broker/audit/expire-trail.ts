import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import { keptFrom, type Retention } from '../../domain/audit/retention.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from './access-log.ts'
import type { Holds } from './holds.ts'
import { oldestUnanchored } from './windows.ts'

type Db = Kysely<BrokerTables>

const AT_ONCE = 1_000
const EVERY = 60 * 60_000
const FIRST = 60_000

export type Expiry = {
  /** Deletes what need not be kept any longer. @returns how many lines went */
  run(): Promise<number>
  close(): Promise<void>
}

/**
 * Deletes lines at the end of their retention: the AuditEvent, and the body and the salt of the log's entry. The entry's leaf
 * stays with its window, so that the root on the chain can be computed as before: whoever was given an entry with its proof
 * can have it checked for ever, and of the neighbours nothing is lost. The books of exchanges that old go as well. Nothing goes that a hold covers, that no window on the
 * chain holds yet, or that a sink has not got.
 */
export function createExpiry(deps: {
  db: Db
  clock: Clock
  log: Logger
  accessLog: AccessLog
  holds: Pick<Holds, 'refresh'>
  own: AuditParty
  /** Absent: nothing is deleted, ever. */
  retention: Retention | undefined
}): Expiry {
  const { db, clock, log, retention } = deps
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()

  async function run(): Promise<number> {
    if (!retention) return 0
    let all = 0
    for (let gone = AT_ONCE; gone >= AT_ONCE && !closed; all += gone) gone = await turn(retention)
    if (all > 0)
      log.info({ count: all }, 'lines of the audit trail were deleted at the end of their retention')
    return all
  }

  /** One transaction, its own line included: nothing is deleted that the trail does not say was deleted. */
  const turn = (kept: Retention): Promise<number> =>
    db.transaction().execute(async (trx) => {
      await deps.holds.refresh(trx)
      const { oldestOpen, oldestSent } = await trx.selectNoFrom(oldestUnanchored()).executeTakeFirstOrThrow()
      const [until = ''] = [keptFrom(kept, clock.now()), oldestOpen, oldestSent]
        .flatMap((at) => at ?? [])
        .sort()
      const { told } = await trx
        .selectFrom('audit_marks')
        .select((eb) => eb.fn.min('place').as('told'))
        .where('name', 'like', 'sink/%')
        .executeTakeFirstOrThrow()
      const bodies = await trx
        .updateTable('access_log')
        .set({ sealed: null, salt: null })
        .where('seq', 'in', (eb) =>
          eb
            .selectFrom('access_log')
            .select('seq')
            .where('sealed', 'is not', null)
            .where('window_number', 'is not', null)
            .where('at', '<', until)
            .where((inner) => inner.not(isHeld(inner as never, 'access_log.at', 'access_log.patient_lookup')))
            // An AuditEvent that a sink has not got yet keeps its entry as well.
            .where(
              sql<boolean>`at < coalesce((select min(e.recorded) from broker.audit_events e
                where e.place is null or e.place > ${told ?? Number.MAX_SAFE_INTEGER}), '9999')`,
            )
            .orderBy('at')
            .limit(AT_ONCE),
        )
        .executeTakeFirst()
      const events = await trx
        .deleteFrom('audit_events')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('audit_events')
            .select('id')
            .where('recorded', '<', until)
            .where('place', '<=', told ?? Number.MAX_SAFE_INTEGER)
            .where((inner) =>
              inner.not(isHeld(inner as never, 'audit_events.recorded', 'audit_events.patient_lookup')),
            )
            .orderBy('recorded')
            .limit(AT_ONCE),
        )
        .executeTakeFirst()
      for (const book of ['exchanges', 'receipts'] as const)
        await trx
          .deleteFrom(book)
          .where('at', '<', until)
          .where((eb) => eb.not(isHeldTime(eb as never, `${book}.at` as 'exchanges.at')))
          .execute()
      const gone = Math.max(Number(bodies.numUpdatedRows), Number(events.numDeletedRows))
      if (gone > 0)
        await deps.accessLog.append(trx, {
          ...{ kind: 'trail-expired', outcome: '0', custodian: deps.own },
          note: `${events.numDeletedRows} lines from before ${until}, after ${kept.years} years (${kept.jurisdiction}).`,
        })
      return gone
    })

  function schedule(after: number): void {
    timer = setTimeout(() => {
      running = run()
        .catch((error: unknown) =>
          log.warn({ error }, 'old lines of the audit trail stay until the next turn'),
        )
        .finally(() => {
          if (!closed) schedule(EVERY)
        })
    }, after).unref()
  }
  if (retention) schedule(FIRST)

  return {
    run,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}

/** Whether a standing hold covers an instant, for whomever: the books of exchanges do not say whom they are about. */
const isHeldTime = (eb: ExpressionBuilder<BrokerTables, 'exchanges'>, at: 'exchanges.at') =>
  eb.exists(
    eb
      .selectFrom('audit_holds as hold')
      .select('hold.id')
      .where('hold.lifted_at', 'is', null)
      .where((h) => h.or([h('hold.from_at', 'is', null), h('hold.from_at', '<=', h.ref(at))]))
      .where((h) => h.or([h('hold.until_at', 'is', null), h('hold.until_at', '>', h.ref(at))])),
  )

/** Whether a standing hold covers a line, by its instant and by whom it is about. */
function isHeld(
  eb: ExpressionBuilder<BrokerTables, 'audit_events' | 'access_log'>,
  at: 'audit_events.recorded' | 'access_log.at',
  lookup: 'audit_events.patient_lookup' | 'access_log.patient_lookup',
) {
  return eb.exists(
    eb
      .selectFrom('audit_holds as hold')
      .select('hold.id')
      .where('hold.lifted_at', 'is', null)
      .where((h) => h.or([h('hold.from_at', 'is', null), h('hold.from_at', '<=', h.ref(at))]))
      .where((h) => h.or([h('hold.until_at', 'is', null), h('hold.until_at', '>', h.ref(at))]))
      .where((h) =>
        h.or([
          h('hold.everybody', '=', true),
          h.exists(
            h
              .selectFrom('audit_hold_patients as covered')
              .select('covered.lookup')
              .whereRef('covered.hold_id', '=', 'hold.id')
              .whereRef('covered.lookup', '=', lookup),
          ),
        ]),
      ),
  )
}
