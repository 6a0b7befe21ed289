import type { AuditEntry } from '../../../../domain/audit/audit-entry.ts'
import { behind, type Stream } from '../../../../domain/own-history/streams.ts'

/** A page of one hospital's lines, newest first, and where to go on; without `next` there is nothing older. */
export type HistoryPage = { entries: readonly AuditEntry[]; next?: string }

/** What is known so far, of every hospital. */
export type HistoryState = {
  streams: readonly Stream[]
  /** Places of hospitals that did not answer when they were asked last. */
  silent: readonly number[]
  /** Whether a hospital is being asked, for the first time or for older lines. */
  busy: boolean
  /** Whether the first answer of every hospital is in. */
  started: boolean
}

export type HistoryReader = {
  state: () => HistoryState
  onChange: (listener: () => void) => () => void
  /** Asks every hospital for its newest lines: at first, later for what is new. A silent one is asked again. */
  refresh: () => Promise<void>
  /** Asks for older lines where they are needed to show more. */
  more: () => Promise<void>
}

/** Milliseconds. */
const HELD = 2_000

/**
 * Reads the lines of several hospitals side by side. One that does not answer holds up no other: its lines are missing, and it is
 * named.
 * @param pageOf asks one hospital; `before` is the `next` of an earlier page
 */
export function createHistoryReader(
  sources: number,
  pageOf: (source: number, before?: string) => Promise<HistoryPage>,
): HistoryReader {
  const places = [...Array(sources).keys()]
  const known = new Map<number, { entries: readonly AuditEntry[]; next?: string }>()
  const silent = new Set<number>()
  const listeners = new Set<() => void>()
  let asking = 0
  let started = false
  let current = snapshot()

  function snapshot(): HistoryState {
    const streams = [...known].map(([source, { entries, next }]) => ({
      source,
      entries,
      done: next === undefined,
    }))
    return { streams, silent: [...silent].sort(), busy: asking > 0, started }
  }

  function changed(): void {
    current = snapshot()
    for (const listener of listeners) listener()
  }

  /**
   * Asks these hospitals side by side. What two of them wrote down about one thing should appear together, so what comes quietly is
   * held until all have answered, or for a moment.
   */
  async function ask(which: readonly number[], quietly: boolean, work: (source: number) => Promise<void>) {
    let isHeld = quietly
    const timer = quietly ? setTimeout(() => show(), HELD) : undefined
    const show = () => {
      isHeld = false
      changed()
    }
    if (!quietly) asking++
    if (!quietly) changed()
    await Promise.all(
      which.map(async (source) => {
        try {
          await work(source)
          silent.delete(source)
        } catch {
          silent.add(source)
        }
        if (!isHeld) changed()
      }),
    )
    clearTimeout(timer)
    if (!quietly) asking--
    started = true
    changed()
  }

  async function newest(source: number): Promise<void> {
    const old = known.get(source)
    const seen = new Set(old?.entries.map(({ id }) => id))
    const fresh: AuditEntry[] = []
    let page = await pageOf(source)
    for (;;) {
      const unseen = page.entries.filter(({ id }) => !seen.has(id))
      fresh.push(...unseen)
      const joins = !old || unseen.length < page.entries.length || page.next === undefined
      if (joins) break
      page = await pageOf(source, page.next)
    }
    const next = old ? old.next : page.next
    known.set(source, {
      entries: [...fresh, ...(old?.entries ?? [])],
      ...(next === undefined ? {} : { next }),
    })
  }

  async function older(source: number): Promise<void> {
    const old = known.get(source)
    if (old?.next === undefined) return
    const { entries, next } = await pageOf(source, old.next)
    const seen = new Set(old.entries.map(({ id }) => id))
    known.set(source, {
      entries: [...old.entries, ...entries.filter(({ id }) => !seen.has(id))],
      ...(next === undefined ? {} : { next }),
    })
  }

  return {
    state: () => current,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    refresh: async () => {
      // Before the device has opened there is nobody to ask, and so nothing to say.
      if (sources > 0) await ask(places, started, newest)
    },
    async more() {
      if (asking > 0) return
      await ask(behind(current.streams), false, older)
    },
  }
}
