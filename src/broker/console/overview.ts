import { type Kysely, sql } from 'kysely'
import type { AuditKind } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { Readiness } from '../operate/readiness.ts'

/** What the overview counts by day, the alarming first, and the kinds of line behind each number. */
const COUNTED = {
  alarms: ['alarm'],
  refusals: ['refusal'],
  requests: ['request-sent', 'request-received'],
  disclosures: ['disclosure'],
} as const satisfies Record<string, readonly AuditKind[]>
export type Counted = keyof typeof COUNTED

export type Overview = {
  /** When it was counted. Days are days in UTC, as they are in a search. */
  at: string
  days: ({ day: string } & Record<Counted, number>)[]
  totals: Record<Counted, number>
  /** Exchanges that the other side's word does not match, older than a minute; `more` where it is not all that there are. */
  gaps: { count: number; more: boolean }
  /** Lines of the own log that no window on the chain holds yet, and from when the oldest is. */
  unanchored: { count: number; since: string | null; ageMs: number | null }
  head: { block: number | null; ageMs: number | null }
  ready: boolean
  reasons: Readiness['reasons']
}

const DAY = 86_400_000
const MOST_GAPS = 1_000
/** How old an exchange is before a receipt that has not come is a gap. Milliseconds. */
export const GAP_AFTER = 60_000

export function createOverview(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  books: Pick<ExchangeBooks, 'unmatched'>
  readiness: () => Promise<Readiness>
}): (days: number) => Promise<Overview> {
  const { db, clock } = deps

  async function byDay(days: string[]): Promise<Overview['days']> {
    const rows = await db
      .selectFrom('audit_events')
      .select([sql<string>`substr(recorded, 1, 10)`.as('day'), 'kind', ({ fn }) => fn.countAll().as('count')])
      .where('recorded', '>=', days[0] ?? '')
      .where('kind', 'in', Object.values(COUNTED).flat())
      .groupBy([sql`substr(recorded, 1, 10)`, 'kind'])
      .execute()
    const count = (day: string, kinds: readonly string[]) =>
      rows
        .filter((row) => row.day === day && kinds.includes(row.kind))
        .reduce((sum, row) => sum + Number(row.count), 0)
    return days.map((day) => ({ day, ...mapped((kinds) => count(day, kinds)) }))
  }

  async function unanchored(): Promise<{ count: number; since: string | null }> {
    const row = await db
      .selectFrom('access_log')
      .select(({ fn }) => [fn.countAll().as('count'), fn.min('at').as('since')])
      .where('window_number', 'is', null)
      .executeTakeFirstOrThrow()
    return { count: Number(row.count), since: row.since ?? null }
  }

  return async (count) => {
    const now = clock.now()
    const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
    const days = await byDay([...Array(count).keys()].map((i) => dayOf(now - (count - 1 - i) * DAY)))
    const open = await deps.books.unmatched({ olderThanMs: GAP_AFTER, limit: MOST_GAPS })
    const { head, headAgeMs, unanchoredMs, ready, reasons } = await deps.readiness()
    return {
      ...{ at: new Date(now).toISOString(), days, ready, reasons },
      totals: mapped((_kinds, name) => days.reduce((sum, day) => sum + day[name], 0)),
      gaps: { count: open.length, more: open.length === MOST_GAPS },
      unanchored: { ...(await unanchored()), ageMs: unanchoredMs },
      head: { block: head, ageMs: headAgeMs },
    }
  }
}

const mapped = (of: (kinds: readonly string[], name: Counted) => number) =>
  Object.fromEntries(
    Object.entries(COUNTED).map(([name, kinds]) => [name, of(kinds, name as Counted)]),
  ) as Record<Counted, number>
