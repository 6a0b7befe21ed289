import type { FastifyInstance, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import type { Enrolments } from '../patients/enrolment.ts'
import { guardianIn } from '../patients/guardian.ts'
import type { SelfEnrolment } from '../patients/self-enrolment.ts'
import type { HisGrant } from './his-routes.ts'
import { bodyOf } from './server.ts'

/** Requests for enrolment that one address may make in a minute, whoever they are for. */
const REQUESTS_A_MINUTE = 60

/** How a person becomes a patient whose key is known: at the enrolment desk, from home, and with the code in hand. */
export function enrolmentRoutes(
  app: FastifyInstance,
  deps: {
    enrolments: Enrolments
    selfEnrolment: SelfEnrolment
    /** Requests of any kind that one address may make in a minute. */
    perMinute: number
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { enrolments, selfEnrolment } = deps
  /** Two registrars are two persons, not two programs: whoever acts must be named. */
  const registrar = async (request: FastifyRequest) => {
    const { asker } = await deps.authorise(request, 'system/registrar')
    if (!asker) throw wayleaveError('user-missing')
    return asker.userId
  }

  app.get('/registrar/enrolments', async (request) => {
    await registrar(request)
    return { enrolments: await enrolments.waiting() }
  })

  app.post('/registrar/enrolments', async (request, reply) => {
    const person = await registrar(request)
    const { system, value, guardian } = bodyOf(request)
    if (typeof system !== 'string' || typeof value !== 'string') throw wayleaveError('identifier-invalid')
    const started = await enrolments.start({ system, value }, person, guardianIn(guardian))
    return reply.status(201).send(started)
  })

  app.post<{ Params: { id: string } }>('/registrar/enrolments/:id/confirmation', async (request, reply) => {
    await enrolments.confirm(request.params.id, await registrar(request))
    return reply.status(204).send()
  })

  app.post<{ Params: { id: string } }>('/registrar/enrolments/:id/rejection', async (request, reply) => {
    await enrolments.reject(request.params.id, await registrar(request))
    return reply.status(204).send()
  })

  app.get('/patient/enrolment/systems', async () => ({ systems: selfEnrolment.systems() }))

  app.post(
    '/patient/enrolment/requests',
    { config: { rateLimit: { max: Math.min(REQUESTS_A_MINUTE, deps.perMinute), timeWindow: 60_000 } } },
    async (request, reply) => reply.status(202).send(await selfEnrolment.request(bodyOf(request))),
  )

  app.post('/patient/enrolment/offer', async (request) => {
    const { enrolment, code } = bodyOf(request)
    return { typedData: await enrolments.offer(enrolment, code) }
  })

  app.post('/patient/enrolment', async (request, reply) => {
    await enrolments.bind(bodyOf(request))
    return reply.status(202).send({ bound: 'when mined' })
  })
}
