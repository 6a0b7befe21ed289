import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readResolutionRequest } from '../../domain/audit/resolution.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Resolutions } from '../audit/resolutions.ts'
import { REIDENTIFY_SCOPE } from '../clients/scopes.ts'
import { alike } from './exchange-routes.ts'
import type { HisGrant } from './his-routes.ts'

/** Finding out whose handle it is: a permission of its own, for named persons, with a reason, in the patient’s own trail. */
export function resolutionRoutes(
  app: FastifyInstance,
  deps: {
    resolutions: Resolutions
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  app.post('/audit/resolutions', async (request) => {
    const { asker, clientId } = await deps.authorise(request, REIDENTIFY_SCOPE)
    // A program is nobody who could be asked why.
    if (!asker || asker.userId === clientId) throw wayleaveError('user-missing', 'a person has to be named')
    const user = { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
    const asked = readResolutionRequest(request.body)
    return alike(() => deps.resolutions.resolve({ user, client: { id: clientId } }, asked))
  })
}
