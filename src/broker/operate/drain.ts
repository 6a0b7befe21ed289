import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import type { Logger } from '../../observe/log.ts'

export type Drain = {
  /** From the first moment of a drain on. */
  draining: () => boolean
  /**
   * Leaves in good order: not ready at once; after `delayMs` new requests are refused with 503 and Retry-After; resolves when
   * those under way have ended, or after another `withinMs`, when they are cut off.
   */
  run: () => Promise<void>
}

/** What supervision asks must be answered to the end. */
const ALWAYS_ANSWERED = new Set(['/health', '/ready'])

/** Hooks on a server; before its routes. */
export function createDrain(
  app: FastifyInstance,
  deps: { log: Logger; delayMs: number; withinMs: number },
): Drain {
  const { log, delayMs, withinMs } = deps
  const retryAfter = String(Math.max(1, Math.ceil(withinMs / 1_000)))
  const ended = new EventTarget()
  let draining = false
  let refusing = false
  let underWay = 0

  app.addHook('onRequest', async (request, reply) => {
    if (draining) reply.header('connection', 'close')
    if (refusing && !ALWAYS_ANSWERED.has(request.routeOptions.url ?? '')) {
      reply.header('retry-after', retryAfter)
      throw wayleaveError('not-ready', 'draining')
    }
    underWay++
    reply.raw.once('close', () => {
      underWay--
      if (underWay === 0) ended.dispatchEvent(new Event('idle'))
    })
  })

  return {
    draining: () => draining,
    async run() {
      draining = true
      log.info({}, 'the broker drains: it is no longer ready')
      await new Promise((done) => setTimeout(done, delayMs))
      refusing = true
      log.info({ count: underWay }, 'the broker refuses new requests and lets those under way end')
      const until = AbortSignal.timeout(withinMs)
      while (underWay > 0 && !until.aborted)
        await once(ended, 'idle', { signal: until }).catch(() => undefined)
      if (underWay === 0) return
      log.warn({ count: underWay }, 'requests under way were cut off at the end of the drain')
      app.server.closeAllConnections()
    },
  }
}
