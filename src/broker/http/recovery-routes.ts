import type { FastifyInstance, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import { guardianIn } from '../patients/guardian.ts'
import type { Recoveries } from '../patients/recovery.ts'
import type { Sessions } from '../patients/sessions.ts'
import type { HisGrant } from './his-routes.ts'
import { credential } from './server.ts'

/** The desk gives a patient who lost the key another one; both keys look at where that stands. */
export function recoveryRoutes(
  app: FastifyInstance,
  deps: {
    recoveries: Recoveries
    sessions: Pick<Sessions, 'holderOf'>
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { recoveries } = deps
  const body = (request: FastifyRequest) => {
    if (typeof request.body !== 'object' || request.body === null)
      throw wayleaveError('malformed-json', 'no object')
    return request.body as Record<string, unknown>
  }
  /** Two registrars are two persons, not two programs: whoever acts must be named. */
  const registrar = async (request: FastifyRequest) => {
    const { asker } = await deps.authorise(request, 'system/registrar')
    if (!asker) throw wayleaveError('user-missing')
    return asker.userId
  }

  app.post('/registrar/recoveries', async (request, reply) => {
    const person = await registrar(request)
    const { system, value, overrides = false, guardian } = body(request)
    if (typeof system !== 'string' || typeof value !== 'string') throw wayleaveError('identifier-invalid')
    if (typeof overrides !== 'boolean') throw wayleaveError('request-invalid', 'overrides')
    const shown = guardianIn(guardian)
    const input = { identifier: { system, value }, overrides, ...(shown ? { guardian: shown } : {}) }
    return reply.status(201).send(await recoveries.start(input, person))
  })

  app.get<{ Params: { id: string } }>('/registrar/recoveries/:id', async (request) => {
    await registrar(request)
    return recoveries.look(request.params.id)
  })

  app.post<{ Params: { id: string } }>('/registrar/recoveries/:id/confirmation', async (request, reply) => {
    await recoveries.confirm(request.params.id, await registrar(request))
    return reply.status(204).send()
  })

  app.post<{ Params: { id: string } }>('/registrar/recoveries/:id/cancellation', async (request, reply) => {
    await registrar(request)
    await recoveries.cancel(request.params.id)
    return reply.status(202).send({ cancelled: 'when mined' })
  })

  app.post('/patient/recovery/offer', async (request) => {
    const { recovery, code } = body(request)
    return { typedData: await recoveries.offer(recovery, code) }
  })

  app.post('/patient/recovery', async (request, reply) => {
    await recoveries.prove(body(request))
    return reply.status(202).send({ recovering: 'when mined' })
  })

  app.get('/patient/recovery', async (request) =>
    recoveries.of(await deps.sessions.holderOf(credential(request, 'Bearer'))),
  )
}
