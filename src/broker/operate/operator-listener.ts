import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Logger } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Readiness } from './readiness.ts'

export type OperatorListener = { base: string; close(): Promise<void> }

/**
 * What only the operator's own supervision may read, on a listener of its own: metrics in Prometheus' text format, and the same
 * health and readiness as on the public one.
 */
export async function openOperatorListener(deps: {
  host: string
  port: number
  metrics: Metrics
  readiness: () => Promise<Readiness>
  /** What waits to be sent, by outbox, and for how long. */
  outboxes: () => Promise<Outboxes>
  log: Logger
}): Promise<OperatorListener> {
  const { metrics, readiness, log } = deps
  metrics.withProcess()
  const app = Fastify({ forceCloseConnections: true })
  app.setErrorHandler((error, _request, reply) => {
    log.error({ error }, 'the operator’s listener failed')
    return reply.status(500).send({ error: 'internal' })
  })
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ error: 'not-found' }))
  app.get('/health', async () => ({ status: 'alive' }))
  app.get('/ready', async (_request, reply) => {
    const state = await readiness()
    return reply.status(state.ready ? 200 : 503).send(state)
  })
  app.get('/metrics', async (_request, reply) => {
    set(metrics, await readiness(), await deps.outboxes().catch(() => ({})))
    return reply.type(metrics.contentType).send(await metrics.text())
  })
  await app.listen({ host: deps.host, port: deps.port })
  const { address, family, port } = app.server.address() as AddressInfo
  const shown = family === 'IPv6' ? `[${address}]` : address
  return { base: `http://${shown}:${port}`, close: () => app.close() }
}

export type Outboxes = Readonly<Record<string, { depth: number; ageMs: number }>>

/** What cannot be known now is not a number, and a series with a gap; never yesterday's. */
function set({ state }: Metrics, now: Readiness, outboxes: Outboxes): void {
  const seconds = (ms: number | null) => (ms === null ? Number.NaN : ms / 1_000)
  state.ready.set(now.ready ? 1 : 0)
  state.unready.reset()
  for (const reason of now.reasons) state.unready.set({ reason }, 1)
  state.headAge.set(seconds(now.headAgeMs))
  state.indexLag.set(now.head === null ? Number.NaN : Math.max(0, now.head - now.indexed))
  state.indexLeft.set(now.building === null ? 0 : (now.building.secondsLeft ?? Number.NaN))
  state.headLive.set(now.headNotices ? 1 : 0)
  state.unanchored.set(seconds(now.unanchoredMs))
  state.registered.set(now.registered ?? Number.NaN)
  state.waiting.set(now.waiting ?? Number.NaN)
  state.outboxDepth.reset()
  state.outboxAge.reset()
  for (const [outbox, { depth, ageMs }] of Object.entries(outboxes)) {
    state.outboxDepth.set({ outbox }, depth)
    state.outboxAge.set({ outbox }, ageMs / 1_000)
  }
}
