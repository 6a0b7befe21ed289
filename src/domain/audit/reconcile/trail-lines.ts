import canonicalize from 'canonicalize'
import type { AuditEntry, AuditKind } from '../audit-entry.ts'
import type { Finding, FindingCode } from './findings.ts'

/** An event of the chain that the trail has to tell of; `id` is the id that its line bears in every replay. */
export type ToldEvent = {
  id: string
  kind: AuditKind
  block: number
  logIndex: number
  transaction: string
  /** Of the block, in seconds. */
  time: number
}

type Lines = ReadonlyMap<string, AuditEntry | 'unreadable'>

const told = (code: FindingCode, what: string, of: string): Finding => ({ code, what, of })

const same = (a: unknown, b: unknown) => canonicalize(a) === canonicalize(b)

/** Every entry of the log stands in the trail as it stands in the log. @param lines the trail's lines by their ids */
export function compareEntries(of: string, entries: readonly AuditEntry[], lines: Lines): Finding[] {
  return entries.flatMap((entry) => {
    const line = lines.get(entry.id)
    if (line === undefined) return [told('trail-line-missing', `entry ${entry.id}`, of)]
    return same(line, entry) ? [] : [told('trail-line-differs', `entry ${entry.id}`, of)]
  })
}

/** Every line of the broker's own stands in the log. @param logged which ids the log was found to have */
export function compareOwnLines(of: string, ids: readonly string[], logged: ReadonlySet<string>): Finding[] {
  return ids.filter((id) => !logged.has(id)).map((id) => told('log-entry-missing', `entry ${id}`, of))
}

/** Every event that the trail has to tell of stands there, as what it is; elsewhere than with a party as a bare anchor. */
export function compareEvents(of: string, events: readonly ToldEvent[], lines: Lines): Finding[] {
  return events.flatMap((event) => {
    const line = lines.get(event.id)
    const what = `event ${event.block}/${event.logIndex}`
    if (line === undefined) return [told('event-line-missing', what, of)]
    return line !== 'unreadable' && tellsOf(line, event) ? [] : [told('event-line-differs', what, of)]
  })
}

const tellsOf = ({ kind, recorded, chain }: AuditEntry, event: ToldEvent): boolean =>
  (kind === event.kind || kind === 'anchor') &&
  Date.parse(recorded) === event.time * 1000 &&
  chain?.block === event.block &&
  chain.logIndex === event.logIndex &&
  chain.transaction === event.transaction

/** Every line about an event of the chain has its event. @param events ids of those there are */
export function compareEventLines(
  of: string,
  lines: readonly { id: string; entry: AuditEntry | 'unreadable' }[],
  events: ReadonlySet<string>,
): Finding[] {
  return lines
    .filter(({ id }) => !events.has(id))
    .map(({ id, entry }) => {
      const chain = entry === 'unreadable' ? undefined : entry.chain
      const what = chain ? `event ${chain.block}/${chain.logIndex}` : `entry ${id}`
      return told('event-line-unfounded', what, of)
    })
}
