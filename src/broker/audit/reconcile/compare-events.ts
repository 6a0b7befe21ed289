import type { AuditEntry } from '../../../domain/audit/audit-entry.ts'
import {
  compareEventLines,
  compareEvents,
  type ToldEvent,
} from '../../../domain/audit/reconcile/trail-lines.ts'
import type { IndexedEvent, IndexQueries } from '../../../indexer/index.ts'
import { CHAIN_KINDS } from '../chain-kinds.ts'
import { type CompareDeps, linesOf, opened } from './compare-log.ts'

const PART = 500

/** The id of an event's line in the trail, in every replay; see project-chain.ts. */
const lineIdOf = ({ transaction, logIndex }: Pick<IndexedEvent, 'transaction' | 'logIndex'>): string =>
  `${transaction.slice(2, 34)}-${logIndex}`

type EventDeps = CompareDeps & {
  index: Pick<IndexQueries, 'eventsAfter' | 'placesIn'>
  /** Of a block, in seconds. */
  timeOf: (block: number) => Promise<number>
}

/** The trail tells of every event of the contracts, as far as the chain has become a trail, and of none that is not there. */
export async function compareChainEvents(deps: EventDeps): Promise<void> {
  await eventsInTrail(deps)
  await linesOnChain(deps)
}

async function eventsInTrail(deps: EventDeps): Promise<void> {
  const { db, index, report, member } = deps
  const end = await db.selectFrom('projection').selectAll().where('name', '=', 'audit').executeTakeFirst()
  if (!end) return
  let [block, logIndex] = [-1, -1]
  for (;;) {
    deps.goOn()
    const page = await index.eventsAfter(block, logIndex, PART)
    const events = page.filter(
      (one) => one.block < end.block || (one.block === end.block && one.logIndex <= end.log_index),
    )
    const told = await toldOf(deps, events)
    const lines = await linesOf(
      deps,
      told.map(({ id }) => id),
    )
    for (const finding of compareEvents(member, told, lines)) report.found(finding)
    report.compared.events += events.length
    deps.progress(report.compared.events, null)
    const last = events.at(-1)
    if (!last || events.length < PART) return
    ;[block, logIndex] = [last.block, last.logIndex]
  }
}

/** Those that the trail has to tell of; of requests and of entries in directories, only what is the member's own. */
async function toldOf(
  { db, since, keptFrom, timeOf }: EventDeps,
  events: readonly IndexedEvent[],
): Promise<ToldEvent[]> {
  const named = (name: 'commitment' | 'tag') => events.flatMap(({ args }) => args[name] ?? [])
  const [closed, tags] = [named('commitment'), named('tag')]
  const sent =
    closed.length === 0
      ? []
      : await db.selectFrom('requests_sent').select('commitment').where('commitment', 'in', closed).execute()
  const records =
    tags.length === 0 ? [] : await db.selectFrom('records').select('tag').where('tag', 'in', tags).execute()
  const own = new Set([...sent.map(({ commitment }) => commitment), ...records.map(({ tag }) => tag)])
  const told: ToldEvent[] = []
  for (const event of events) {
    const kind = CHAIN_KINDS[event.name]
    const { block, logIndex, transaction, args } = event
    if (!kind || (kind === 'request-closed' && !own.has(args.commitment ?? ''))) continue
    if (kind === 'record-registered' && !own.has(args.tag ?? '')) continue
    const time = await timeOf(block)
    if (time * 1000 < Math.max(since, keptFrom)) continue
    told.push({ id: lineIdOf(event), kind, block, logIndex, transaction, time })
  }
  return told
}

async function linesOnChain(deps: EventDeps): Promise<void> {
  const { db, vault, index, report, member } = deps
  let last = 0
  for (;;) {
    deps.goOn()
    const rows = await db
      .selectFrom('audit_events')
      .select(['id', 'seq', 'block', 'sealed'])
      .where('block', 'is not', null)
      .where('seq', '>', last)
      .orderBy('seq')
      .limit(PART)
      .execute()
    if (rows.length === 0) return
    const places = await index.placesIn([...new Set(rows.map(({ block }) => Number(block)))])
    const there = new Set(places.map(lineIdOf))
    const lines: { id: string; entry: AuditEntry | 'unreadable' }[] = rows.map(({ id, sealed }) => ({
      id,
      entry: opened(vault, sealed),
    }))
    for (const finding of compareEventLines(member, lines, there)) report.found(finding)
    last = rows.at(-1)?.seq ?? last
  }
}
