import type { Page } from 'playwright-core'

type Router = {
  routesByPath: Record<string, unknown>
  history: { push(path: string): void }
  state: { status: string }
}

/** Every address that the application itself knows, as its router has them (`/$` for a part that varies). */
export function pathsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { __TSR_ROUTER__: router } = window as unknown as { __TSR_ROUTER__: Router }
    return Object.keys(router.routesByPath).sort()
  })
}

/** Goes to another page of the application as a link does, without loading it anew: what is open stays open. */
export async function open(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    const { __TSR_ROUTER__: router } = window as unknown as { __TSR_ROUTER__: Router }
    router.history.push(to)
  }, path)
  await page.waitForFunction(() => {
    const { __TSR_ROUTER__: router } = window as unknown as { __TSR_ROUTER__: Router }
    return router.state.status === 'idle' && document.querySelector('h1') !== null
  })
}
