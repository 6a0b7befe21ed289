import type { FastifyInstance } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'

/** What patients' devices call. */
export function isForDevices(url: string): boolean {
  const { pathname } = new URL(url, 'http://broker')
  return pathname.startsWith('/patient/') || pathname === '/relay'
}

/**
 * A browser says which page a call comes from (RFC 6454 §7). What patients' devices call is for pages of this broker and of the
 * listed portals; that a browser would not show another page the answer is not enough, since the call would have been made.
 * @param deps.base where the broker is reached, known once it listens
 */
export function refuseStrangePages(
  app: FastifyInstance,
  deps: { base: () => string; portalOrigins: readonly string[] },
): void {
  app.addHook('onRequest', async ({ headers: { origin }, url }) => {
    if (origin === undefined || !isForDevices(url)) return
    if (deps.portalOrigins.includes(origin) || origin === new URL(deps.base()).origin) return
    throw wayleaveError('origin-refused')
  })
}
