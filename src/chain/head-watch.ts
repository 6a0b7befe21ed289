import type { Provider } from 'ethers'
import type { Clock } from '../domain/clock.ts'
import { type HeadNotices, subscribeHeads } from './head-notices.ts'

export type Head = { number: number; hash: string; parent: string; time: number }

/** The newest block that this broker's own node has shown, and how long ago it came. */
export type HeadWatch = {
  /** Undefined before the first head. */
  head(): Head | undefined
  /** Milliseconds, on the monotonic clock, since a new, higher head arrived; Infinity before the first (I3). */
  age(): number
  /** Calls back with each head that differs from the last one seen, lower ones after a reorganisation too. */
  onHead(listener: (head: Head) => void): void
  /** Asks the node anew; whoever calls while another waits its turn shares that turn. */
  refresh(): Promise<void>
  /** Whether the node says by itself when there is a new head. */
  live(): boolean
  close(): Promise<void>
}

/** How often the node is asked: where it does not say by itself that there is a new head, and where it does. Milliseconds. */
const POLL_EVERY = 250
const LIVE_POLL_EVERY = 2_000

/**
 * Watches the node by polling; with `ws` by its own notices, and by polling seldom. Where the connection breaks, or the node has
 * a new head and says nothing, polling is as often as without, until notices come again. An unreachable node makes the head
 * old, never wrong.
 */
export function watchHead(deps: {
  provider: Provider
  clock: Clock
  everyMs?: number
  /** WebSocket address of the same node. */
  ws?: string | undefined
  /** How often it is asked while it gives notice. Milliseconds. */
  everyLiveMs?: number
}): HeadWatch {
  const { provider, clock, ws, everyMs = POLL_EVERY, everyLiveMs = LIVE_POLL_EVERY } = deps
  const listeners: ((head: Head) => void)[] = []
  let head: Head | undefined
  let highest = -1
  let highestAt = Number.NEGATIVE_INFINITY
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let queued: Promise<void> | undefined
  let notices: HeadNotices | undefined
  /** How many notices came so far. */
  let noticed = 0

  async function poll(): Promise<void> {
    const block = await provider.getBlock('latest')
    if (!block?.hash || closed) return
    if (block.number > highest) {
      highest = block.number
      highestAt = clock.monotonic()
    }
    if (block.hash === head?.hash) return
    head = { number: block.number, hash: block.hash, parent: block.parentHash, time: block.timestamp }
    for (const listener of listeners) listener(head)
  }

  function refresh(): Promise<void> {
    queued ??= running.then(() => {
      queued = undefined
      return poll()
    })
    running = queued.catch(() => {
      // The head simply grows old; every decision checks its age.
    })
    return running
  }

  /** By the clock. Two heads in a row that it found before any notice came are one too many. */
  let unannounced = 0
  async function look(): Promise<void> {
    const before = head?.hash
    const then = noticed
    await refresh()
    if (!notices?.live() || noticed !== then || head?.hash === before) {
      if (noticed !== then) unannounced = 0
      return
    }
    if (++unannounced < 2) return
    unannounced = 0
    notices.reconnect()
  }

  function schedule(): void {
    timer = setTimeout(
      () => {
        void look().finally(() => {
          if (!closed) schedule()
        })
      },
      notices?.live() ? everyLiveMs : everyMs,
    )
  }

  if (ws !== undefined) {
    notices = subscribeHeads({
      url: ws,
      onNotice: () => {
        noticed++
        unannounced = 0
        void refresh()
      },
      // The pause that runs is that of before.
      onChange: () => {
        if (closed) return
        clearTimeout(timer)
        schedule()
      },
    })
  }
  void refresh()
  schedule()
  return {
    head: () => head,
    age: () => clock.monotonic() - highestAt,
    onHead: (listener) => listeners.push(listener),
    refresh,
    live: () => notices?.live() ?? false,
    close: async () => {
      closed = true
      clearTimeout(timer)
      notices?.close()
      await running
    },
  }
}
