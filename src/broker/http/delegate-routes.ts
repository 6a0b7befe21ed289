import type { FastifyInstance, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import type { Delegates } from '../patients/delegates.ts'
import type { Sessions } from '../patients/sessions.ts'
import { credential } from './server.ts'

/** Whom a patient has appointed, and what a helper may do. What either signs goes to `/relay`. */
export function delegateRoutes(
  app: FastifyInstance,
  deps: { delegates: Delegates; sessions: Pick<Sessions, 'patientOf' | 'holderOf'> },
): void {
  const { delegates, sessions } = deps

  app.get('/patient/delegates', async (request: FastifyRequest) => ({
    delegates: await delegates.of(await sessions.patientOf(credential(request, 'Bearer'))),
  }))

  app.get('/patient/helping', async (request: FastifyRequest) => {
    const { patient, as, signerHash } = await sessions.holderOf(credential(request, 'Bearer'))
    if (as !== 'delegate') throw wayleaveError('not-within-bounds', 'no helper')
    return delegates.helping(patient, signerHash)
  })
}
