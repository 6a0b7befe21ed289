import type { NodeError } from '../chain/node-rpc.ts'

/**
 * How many blocks are asked for at once. It grows while answers are small and quick, and shrinks where the node refuses, is
 * silent or answers much; nodes say why they refuse in a dozen ways (`--rpc-max-logs-range` of Besu, "query returned more than
 * 10000 results" of geth, sizes and times of proxies), so that any refusal of more than one block is taken for "too much".
 */
export type RangeSize = {
  blocks(): number
  /** A range was answered. */
  answered(range: { blocks: number; logs: number; ms: number }): void
  /** A range was refused. @returns whether a smaller one is worth asking for */
  refused(blocks: number, error: NodeError): boolean
}

/** What an answer should hold: some megabytes, parsed within a moment. */
const TARGET_LOGS = 5_000
const SLOW_MS = 5_000
const FIRST = 16
const MOST = 100_000

/** A size that was refused is tried again after so many answers: nodes change, and so does how full blocks are. */
const FORGET_AFTER = 200

/** @param most never more blocks at once than this */
export function createRangeSize({ most = MOST }: { most?: number } = {}): RangeSize {
  let size = Math.min(FIRST, most)
  /** The smallest size that was refused, and how many answers ago. */
  let ceiling = Number.POSITIVE_INFINITY
  let since = 0
  /** The largest that was answered since then. */
  let floor = 0

  const limit = (blocks: number) => Math.max(1, Math.min(most, Math.floor(blocks)))

  return {
    blocks: () => size,

    answered({ blocks, logs, ms }) {
      // The last range before the head tells nothing of larger ones.
      if (blocks < size) return
      if (++since > FORGET_AFTER) ceiling = Number.POSITIVE_INFINITY
      floor = Math.max(floor, blocks)
      const factor = Math.min(2, TARGET_LOGS / Math.max(1, logs), SLOW_MS / Math.max(1, ms))
      // What fills an answer well enough stays: each other size is a guess.
      if (factor > 0.75 && factor < 1.25) return
      const wanted = limit(blocks * Math.max(0.125, factor))
      if (wanted < ceiling) size = wanted
      // Between what went and what did not, until they are close.
      else size = ceiling - floor > Math.max(1, floor / 8) ? limit((floor + ceiling) / 2) : limit(floor)
    },

    refused(blocks, { fault, message }) {
      if (fault === 'busy' || fault === 'unreachable' || blocks <= 1) return false
      since = 0
      ceiling = Math.min(ceiling, blocks)
      if (floor >= ceiling) floor = 0
      const named = fault === 'refused' ? namedLimit(message, blocks) : undefined
      size = Math.min(size, named ?? limit(floor > 0 ? floor : blocks / 2), limit(blocks - 1))
      if (size >= ceiling) size = limit(ceiling / 2)
      return true
    },
  }
}

/** The number of blocks that a refusal names: a limit ("max block range 1000"), or a range that would do ("[0x1, 0xff]"). */
function namedLimit(message: string, refused: number): number | undefined {
  const range = /\[?\b(0x[0-9a-f]+|\d+)\b\s*(?:,|-|–|to)\s*\b(0x[0-9a-f]+|\d+)\b\]?/i.exec(message)
  const span = range ? Number(range[2]) - Number(range[1]) + 1 : Number.NaN
  if (span >= 1 && span < refused) return span
  if (!/block/i.test(message)) return undefined
  const numbers = [...message.matchAll(/\b\d{1,9}\b/g)].map(([text]) => Number(text))
  const named = numbers.filter((number) => number >= 1 && number < refused)
  return named.length > 0 ? Math.max(...named) : undefined
}
