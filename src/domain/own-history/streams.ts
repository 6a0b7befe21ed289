import type { AuditEntry } from '../audit/audit-entry.ts'

/** A line, and at which hospital, by its place in the list of hospitals, it stands. */
export type Told = { source: number; entry: AuditEntry }

/** What is known so far of one hospital's lines: the newest ones, newest first, without a gap. */
export type Stream = {
  source: number
  entries: readonly AuditEntry[]
  /** There is nothing older. */
  done: boolean
}

/**
 * Lines of all hospitals in one order, newest first, down to where every one of them is known: below, a line of another hospital
 * might still come between, and what has once been shown never moves.
 */
export function merged(streams: readonly Stream[]): Told[] {
  const floor = floorOf(streams)
  return streams
    .flatMap(({ source, entries }) => entries.map((entry) => ({ source, entry })))
    .filter(({ entry }) => floor === undefined || entry.recorded >= floor)
    .sort(newestFirst)
}

/** The hospitals of which older lines must be read before more can be shown; none when all is known. */
export function behind(streams: readonly Stream[]): number[] {
  const floor = floorOf(streams)
  return streams
    .filter(({ done, entries }) => !done && (oldestOf(entries) ?? floor ?? '') >= (floor ?? ''))
    .map(({ source }) => source)
}

/** The oldest instant down to which all are known; undefined where everything is. */
function floorOf(streams: readonly Stream[]): string | undefined {
  const known = streams.filter(({ done }) => !done).map(({ entries }) => oldestOf(entries) ?? NEVER)
  return known.toSorted().at(-1)
}

/** Of a hospital of which nothing is known yet, nothing is to be shown. It is later than any instant. */
const NEVER = '\uffff'

const oldestOf = (entries: readonly AuditEntry[]): string | undefined => entries.at(-1)?.recorded

/** Equal instants are told in the hospitals' order, and at one hospital in its own. */
function newestFirst(a: Told, b: Told): number {
  if (a.entry.recorded !== b.entry.recorded) return a.entry.recorded < b.entry.recorded ? 1 : -1
  return a.source - b.source
}
