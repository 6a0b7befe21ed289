import type { Page } from 'playwright-core'

/** What a page asked for and where it was: every address that its browser, or a server's log, has seen. */
export type Watch = {
  /** Addresses of pages and of every request, without the origin, each once. */
  addresses(): string[]
  /** What the page wrote to the console as an error, or threw. */
  errors(): string[]
  /** Resolves when nothing has been asked for during `quietMs`. */
  quiet(quietMs?: number): Promise<void>
}

/** A page that asks all the time is taken for quiet after so long. Milliseconds. */
const AT_MOST = 8_000

export function watch(page: Page): Watch {
  const seen = new Set<string>()
  const errors: string[] = []
  let open = 0
  let since = performance.now()
  const note = (address: string) => {
    const url = new URL(address)
    if (url.protocol.startsWith('http')) seen.add(`${url.pathname}${url.search}${url.hash}`)
  }
  page.on('framenavigated', (frame) => note(frame.url()))
  page.on('request', (request) => {
    note(request.url())
    open++
    since = performance.now()
  })
  const ended = () => {
    open--
    since = performance.now()
  }
  page.on('requestfinished', ended)
  page.on('requestfailed', ended)
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    // An answer that refuses is for the page to show; the browser writes a line for each by itself.
    if (message.type() !== 'error' || message.text().startsWith('Failed to load resource')) return
    errors.push(message.text())
  })
  return {
    addresses: () => [...seen].sort(),
    errors: () => [...errors],
    async quiet(quietMs = 150) {
      const began = performance.now()
      while (performance.now() - began < AT_MOST) {
        if (open <= 0 && performance.now() - since >= quietMs) return
        await new Promise((done) => setTimeout(done, 25))
      }
    },
  }
}
