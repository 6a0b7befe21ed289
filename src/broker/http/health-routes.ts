import type { FastifyInstance } from 'fastify'
import type { Readiness } from '../operate/readiness.ts'

/** Whether the process lives, whether it can serve, and the FHIR server's hook. */
export function healthRoutes(
  app: FastifyInstance,
  deps: { readiness: () => Promise<Readiness>; nudge: () => void },
): void {
  // Asks nothing of anything: a process that is ended for what it depends on comes back to the same.
  app.get('/health', async () => ({ status: 'alive' }))

  app.get('/ready', async (_request, reply) => {
    const state = await deps.readiness()
    return reply.status(state.ready ? 200 : 503).send(state)
  })

  // REST-hooks carry nothing that is believed: whatever they say, the history is read.
  const hook = async () => {
    deps.nudge()
    return {}
  }
  app.post('/hooks/fhir', hook)
  app.put('/hooks/fhir/*', hook)
  app.delete('/hooks/fhir/*', hook)
}
