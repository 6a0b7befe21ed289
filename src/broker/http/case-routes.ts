import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { CASES_SCOPE } from '../clients/scopes.ts'
import type { Cases } from '../patients/cases.ts'
import { partyOf } from '../release/parties.ts'
import { personOf } from './consent-routes.ts'
import type { HisGrant } from './his-routes.ts'
import { bodyOf } from './server.ts'

/** What patients say looks wrong, for the hospital's own programs. Reading it is itself logged. */
export function caseRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    cases: Cases
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  /** A named person: patients are told who answered. */
  const staff = async (request: FastifyRequest) => {
    const { asker } = await deps.authorise(request, CASES_SCOPE)
    if (!asker) throw wayleaveError('user-missing')
    return asker
  }

  app.get('/cases', async (request) => {
    const asker = await staff(request)
    const { state, after } = request.query as Record<string, unknown>
    const found = await deps.cases.list({ state, after })
    await deps.accessLog.append(deps.db, {
      ...{ kind: 'cases-read', outcome: '0' },
      custodian: await partyOf(deps.index, deps.member),
      user: personOf(asker),
    })
    return found
  })

  app.post<{ Params: { id: string } }>('/cases/:id/answer', async (request) => {
    const asker = await staff(request)
    return deps.cases.answer(request.params.id, bodyOf(request), asker)
  })
}
