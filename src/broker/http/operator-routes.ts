import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JWK } from 'jose'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerConfig } from '../config.ts'
import type { Reconciler } from '../register/reconcile/reconciler.ts'
import type { HisGrant } from './his-routes.ts'

const SCOPE = 'system/operator'

/** The client that whoever holds the broker's own key file is: no other may ask for the operator's scope. */
export const OPERATOR = 'wayleave-operator'

/** @param jwk the public half of the member's signing key */
export function operatorClient(jwk: JWK): BrokerConfig['clients'][number] {
  return { clientId: OPERATOR, name: 'Operator', scopes: [SCOPE], jwks: { keys: [{ ...jwk }] } }
}

/** What the operator asks of a running broker, from the machine that has its key file. */
export function operatorRoutes(
  app: FastifyInstance,
  deps: {
    reconciler: Reconciler
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): { operator: (request: FastifyRequest) => Promise<void> } {
  app.post('/operator/reconciliations', async (request, reply) => {
    await operator(request)
    const { mend = false } = (request.body ?? {}) as { mend?: unknown }
    if (typeof mend !== 'boolean') throw wayleaveError('request-invalid', 'mend')
    return reply.status(202).send(deps.reconciler.start(mend))
  })

  app.get('/operator/reconciliations/:id', async (request) => {
    await operator(request)
    const found = deps.reconciler.find((request.params as { id: string }).id)
    if (!found) throw wayleaveError('not-found')
    return found
  })

  /** A program of the hospital may have been given the scope by mistake: its key file is what makes an operator. */
  async function operator(request: FastifyRequest): Promise<void> {
    const { clientId } = await deps.authorise(request, SCOPE)
    if (clientId !== OPERATOR) throw wayleaveError('scope-insufficient', SCOPE)
  }

  return { operator }
}
