import type { HeadWatch } from '../chain/head-watch.ts'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../observe/log.ts'

/** How far the index is on its way to the head. */
export type IndexProgress = {
  /** Blocks that are in it, and that there are: both from the deployment on. */
  read: number
  inAll: number | null
  /** Events written by this process. */
  events: number
  /** Over the last half minute; null before anything was written. */
  blocksPerSecond: number | null
  eventsPerSecond: number | null
  /** Until it is at the head of now, at that pace; 0 there, null where it cannot be told. */
  secondsLeft: number | null
}

/** Over how long the pace is taken, and how often the log tells of it. Milliseconds. */
const WINDOW = 30_000
const TELL_EVERY = 10_000

/** So many blocks behind, an index is being built and not only following. */
const BUILDING = 100

export function createIndexProgress(deps: { from: number; head: HeadWatch; log: Logger; clock: Clock }) {
  const { from, head, log, clock } = deps
  let position = from - 1
  let events = 0
  let toldAt = Number.NEGATIVE_INFINITY
  let building = false
  /** When what was written, the oldest first; the first one only says when the second began. */
  let written: { at: number; block: number; events: number }[] = []

  function now(): IndexProgress {
    const newest = head.head()?.number
    const [first, last] = [written[0], written.at(-1)]
    const seconds = first && last ? (last.at - first.at) / 1_000 : 0
    const pace = (of: 'block' | 'events') =>
      first && last && seconds > 0 ? (last[of] - first[of]) / seconds : null
    const blocksPerSecond = pace('block')
    const left = newest === undefined ? null : Math.max(0, newest - position)
    const known = left !== null && (left === 0 || (blocksPerSecond !== null && blocksPerSecond > 0))
    return {
      read: position - from + 1,
      inAll: newest === undefined ? null : newest - from + 1,
      events,
      blocksPerSecond,
      eventsPerSecond: pace('events'),
      secondsLeft: known ? left / (left === 0 ? 1 : (blocksPerSecond ?? 1)) : null,
    }
  }

  function tell(): void {
    const { read, inAll, eventsPerSecond, secondsLeft } = now()
    const left = (inAll ?? read) - read
    if (left > BUILDING) {
      if (!building) toldAt = clock.monotonic()
      building = true
      if (clock.monotonic() - toldAt < TELL_EVERY) return
      toldAt = clock.monotonic()
      const round = (value: number | null) => (value === null ? null : Math.round(value))
      log.info(
        { read, inAll, perSecond: round(eventsPerSecond) ?? 0, secondsLeft: round(secondsLeft) },
        'the index is being built',
      )
    } else if (left === 0 && building) {
      building = false
      log.info({ read, count: events }, 'the index has caught up with the chain')
    }
  }

  return {
    now,
    /** Where the index stands, at a start and after a reorganisation. */
    at(block: number | undefined): void {
      const next = block ?? from - 1
      if (next === position && written.length > 0) return
      position = next
      written = [{ at: clock.monotonic(), block: position, events }]
    },
    wrote(block: number, count: number): void {
      position = block
      events += count
      const at = clock.monotonic()
      written.push({ at, block, events })
      while (written.length > 2 && at - (written[1]?.at ?? at) > WINDOW) written.shift()
      tell()
    },
  }
}
