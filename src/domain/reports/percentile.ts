/**
 * The value below or at which so many per cent of the values lie, by nearest rank: always one that was measured. Undefined where
 * there is none.
 * @param sorted the smallest first
 */
export const percentile = (sorted: readonly number[], percent: number): number | undefined =>
  sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
