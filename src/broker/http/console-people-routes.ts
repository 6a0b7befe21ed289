import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { People } from '../console/people.ts'
import { bodyOf } from './console-calls.ts'

/** Who may use the console, said by the operator: whoever holds the broker's own key file. */
export function consolePeopleRoutes(
  app: FastifyInstance,
  deps: { people: People; operator: (request: FastifyRequest) => Promise<void> },
): void {
  const OPERATOR = { id: 'operator', role: 'operator' }

  app.get('/operator/console/people', async (request) => {
    await deps.operator(request)
    return { people: await deps.people.list() }
  })

  app.post('/operator/console/people', async (request, reply) => {
    await deps.operator(request)
    const { name, role } = bodyOf(request.body)
    return reply.status(201).send(await deps.people.invite({ name, role }, OPERATOR))
  })

  app.delete<{ Params: { id: string } }>('/operator/console/people/:id', async (request, reply) => {
    await deps.operator(request)
    await deps.people.remove(request.params.id.slice(0, 64), OPERATOR)
    return reply.status(204).send()
  })
}
