import type { FastifyInstance } from 'fastify'
import type { HeadWatch } from '../../chain/head-watch.ts'
import type { Sender } from '../../chain/sender.ts'
import type { Indexer } from '../../indexer/index.ts'
import { ANCHOR_WITHIN, type Windows } from '../audit/windows.ts'
import { MAX_HEAD_AGE } from '../consent/consent-state.ts'
import type { Registration } from '../register/registration.ts'

/** Whether the process lives, whether it can serve, and the FHIR server's hook. */
export function healthRoutes(
  app: FastifyInstance,
  deps: {
    head: HeadWatch
    indexer: Indexer
    registration: Registration
    windows: Windows
    sender: Sender
    nudge: () => void
  },
): void {
  app.get('/health', async () => ({ status: 'alive' }))

  app.get('/ready', async (_request, reply) => {
    const head = deps.head.head()
    const { registered, waiting, backlog } = await deps.registration.progress()
    const state = {
      head: head?.number ?? null,
      headAgeMs: Number.isFinite(deps.head.age()) ? Math.round(deps.head.age()) : null,
      indexed: deps.indexer.position(),
      registered,
      waiting,
      backlog,
      unsent: await deps.sender.pending(),
      unanchoredMs: await deps.windows.unanchoredAge(),
    }
    const fresh =
      head !== undefined && deps.head.age() <= MAX_HEAD_AGE && deps.indexer.position() >= head.number - 2
    const ready = fresh && state.unanchoredMs <= ANCHOR_WITHIN
    return reply.status(ready ? 200 : 503).send({ ready, ...state })
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
