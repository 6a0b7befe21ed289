import type { FindingCode } from './findings.ts'
import { type KeptEntry, LOG_BOUNDS } from './kept.ts'

/** What is remembered of an exchange, and for so long after its last line; a release takes minutes at most. Milliseconds. */
const REMEMBERED = 3_600_000

type Remembered = { last: number; intent: boolean; refused: boolean; told: Set<string> }

/**
 * Whether entries tell a story that can be true: in order of time, intent before disclosure, nothing released unanchored.
 * @param since disclosures from before it may have their intent in a window that is not looked at; milliseconds
 */
export function createEntryOrder(
  tell: (code: FindingCode, what: string, note?: string) => void,
  since: number,
) {
  const exchanges = new Map<string, Remembered>()
  /** Times in which a release was not allowed, since an entry from before had no anchor. */
  let overdue: { from: number; until: number }[] = []
  let before: { at: number; name: string } | undefined

  function inSequence(entry: KeptEntry, name: string): void {
    const at = Date.parse(entry.at)
    if (before && before.at > at + LOG_BOUNDS.order)
      tell('entry-out-of-order', before.name, `followed by ${name}`)
    before = { at, name }
  }

  function exchange({ body, at: recorded }: KeptEntry): void {
    if (body === undefined || body === 'unreadable') return
    const { kind, exchange: name, record } = body.entry
    const at = Date.parse(recorded)
    if (kind === 'intent' && overdue.some(({ from, until }) => at > from && at < until))
      tell('released-while-overdue', `entry ${body.entry.id}`)
    if (name === undefined) return
    const one = exchanges.get(name) ?? { last: at, intent: false, refused: false, told: new Set() }
    // At the end of the map, so that those at its beginning are the oldest.
    exchanges.delete(name)
    exchanges.set(name, { ...one, last: at })
    const about = exchanges.get(name) as Remembered
    if (kind === 'intent') about.intent = true
    if (kind === 'refusal') about.refused = true
    if (kind !== 'disclosure' && kind !== 'receipt') return
    const what = `exchange ${name}`
    const line = `${kind} ${record?.id ?? ''}`
    const isDouble = about.told.has(line)
    about.told.add(line)
    if (isDouble) tell('exchange-doubled', what)
    else if (kind === 'receipt') return
    else if (about.refused) tell('disclosed-after-refusal', what)
    else if (!about.intent && at >= since) tell('disclosure-without-intent', what)
  }

  function forget(now: number): void {
    for (const [name, { last }] of exchanges) {
      if (last >= now - REMEMBERED) return
      exchanges.delete(name)
    }
  }

  return {
    /** @param anchoredAt the block's time in seconds; absent where the window has no anchor */
    window(entries: readonly KeptEntry[], anchoredAt?: number): void {
      const inOrder = entries.toSorted((a, b) => a.seq - b.seq)
      const oldest = inOrder.reduce(
        (least, { at }) => Math.min(least, Date.parse(at)),
        Number.POSITIVE_INFINITY,
      )
      const due = oldest + LOG_BOUNDS.anchorWithin + LOG_BOUNDS.clocks
      if (anchoredAt !== undefined && anchoredAt * 1000 > due)
        overdue.push({ from: due, until: anchoredAt * 1000 - LOG_BOUNDS.clocks })
      for (const entry of inOrder) {
        const name =
          entry.body === undefined || entry.body === 'unreadable'
            ? `line ${entry.seq}`
            : `entry ${entry.body.entry.id}`
        inSequence(entry, name)
        exchange(entry)
      }
      if (before) forget(before.at)
      overdue = overdue.filter(({ until }) => before === undefined || until > before.at - REMEMBERED)
    },
    end: () => exchanges.clear(),
  }
}
