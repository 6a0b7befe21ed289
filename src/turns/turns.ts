import type { Lead } from './lead.ts'

/** Work that is done by the clock and whenever somebody asks for it, one run after another. */
export type Turns = {
  /** Runs once what is to be done now, after whatever runs already; never throws. */
  flush: () => Promise<void>
  /** No more by the clock. Waits for what runs; it should look whether it is to stop. */
  close: () => Promise<void>
}

/**
 * Runs, and then again `everyMs` after a run has ended, so that slow runs never pile up.
 * @param lead where only one replica may do it: any other passes its turn
 */
export function createTurns(deps: {
  everyMs: number
  run: () => Promise<unknown>
  failed: (error: unknown) => void
  lead?: Pick<Lead, 'holds'>
}): Turns {
  const { everyMs, run, failed, lead } = deps
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function turn(): Promise<void> {
    if (lead && !lead.holds()) return
    try {
      await run()
    } catch (error) {
      failed(error)
    }
  }

  function flush(): Promise<void> {
    running = running.then(turn)
    return running
  }

  function schedule(): void {
    timer = setTimeout(() => {
      void flush().finally(() => {
        if (!closed) schedule()
      })
    }, everyMs)
  }
  schedule()

  return {
    flush,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
