/** Counts by key, each with the first and last instant; in an order that does not depend on how they came. */
export type Tally<C extends string> = {
  add(key: readonly string[], column: C, at: string): void
  /** The largest first, then by key. */
  rows(): { key: readonly string[]; counts: Record<C, number>; first: string; last: string; total: number }[]
}

export function createTally<const C extends string>(columns: readonly C[]): Tally<C> {
  type Line = {
    key: readonly string[]
    counts: Record<C, number>
    first: string
    last: string
    total: number
  }
  const lines = new Map<string, Line>()
  return {
    add(key, column, at) {
      const name = JSON.stringify(key)
      let line = lines.get(name)
      if (!line) {
        const counts = Object.fromEntries(columns.map((one) => [one, 0])) as Record<C, number>
        line = { key, counts, first: at, last: at, total: 0 }
        lines.set(name, line)
      }
      line.counts[column]++
      line.total++
      if (at < line.first) line.first = at
      if (at > line.last) line.last = at
    },
    rows: () =>
      [...lines]
        .sort(([a, one], [b, other]) => other.total - one.total || (a < b ? -1 : a > b ? 1 : 0))
        .map(([, line]) => line),
  }
}
