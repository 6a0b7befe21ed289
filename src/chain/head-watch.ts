import type { Provider } from 'ethers'
import type { Clock } from '../domain/clock.ts'

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
  close(): Promise<void>
}

/** Watches the node by polling. An unreachable node makes the head old, never wrong. */
export function watchHead(deps: { provider: Provider; clock: Clock; everyMs?: number }): HeadWatch {
  const { provider, clock, everyMs = 250 } = deps
  const listeners: ((head: Head) => void)[] = []
  let head: Head | undefined
  let highest = -1
  let highestAt = Number.NEGATIVE_INFINITY
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let queued: Promise<void> | undefined

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

  function schedule(): void {
    timer = setTimeout(() => {
      void refresh().finally(() => {
        if (!closed) schedule()
      })
    }, everyMs)
  }

  void refresh()
  schedule()
  return {
    head: () => head,
    age: () => clock.monotonic() - highestAt,
    onHead: (listener) => listeners.push(listener),
    refresh,
    close: async () => {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
