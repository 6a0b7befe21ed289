import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { readClientMetadata } from '../clients/client-metadata.ts'
import type { Client, Clients } from '../clients/clients.ts'
import { ADMIN_SCOPE } from '../clients/scopes.ts'
import { partyOf } from '../release/parties.ts'
import type { HisGrant } from './his-routes.ts'
import { OAUTH_ENDPOINT } from './server.ts'

/**
 * Programs of the hospital are registered, given new keys and removed while the broker runs: RFC 7591, and RFC 7592 with an
 * access token of whoever administers programs in place of a registration token for each. Every change is in the trail.
 */
export function clientRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    db: Kysely<BrokerTables>
    clients: Clients
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    /** Origins at which a `jwks_uri` may be. */
    origins: readonly string[]
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, clients, origins } = deps

  /** Whoever lets a program in is a person, and is named. */
  async function admin(request: FastifyRequest) {
    const { asker, clientId } = await deps.authorise(request, ADMIN_SCOPE)
    if (!asker) throw wayleaveError('user-missing')
    const { userId, role, userName } = asker
    return { user: { id: userId, role, ...(userName ? { name: userName } : {}) }, client: { id: clientId } }
  }

  type Admin = Awaited<ReturnType<typeof admin>>

  /** Change and entry are one: neither is there without the other. */
  async function noted(by: Admin, what: string, change: (db: Kysely<BrokerTables>) => Promise<Client>) {
    const custodian = await partyOf(deps.index, deps.member)
    return db.transaction().execute(async (trx) => {
      const client = await change(trx)
      await deps.accessLog.append(trx, {
        kind: 'client-changed',
        outcome: '0',
        custodian,
        ...by,
        note: `${what}: ${client.clientId}, ${client.scopes.join(' ')}.`,
      })
      return client
    })
  }

  app.post('/auth/clients', OAUTH_ENDPOINT, async (request, reply) => {
    const by = await admin(request)
    const metadata = readClientMetadata(request.body, origins)
    const client = await noted(by, 'Registered', (trx) => clients.register(trx, metadata, by.user.id))
    return reply.status(201).send(told(client))
  })

  app.get('/auth/clients', OAUTH_ENDPOINT, async (request) => {
    await admin(request)
    return { clients: (await clients.list()).map(told) }
  })

  app.get<{ Params: { id: string } }>('/auth/clients/:id', OAUTH_ENDPOINT, async (request) => {
    await admin(request)
    const client = await clients.find(request.params.id)
    if (!client) throw wayleaveError('client-unknown')
    return told(client)
  })

  app.put<{ Params: { id: string } }>('/auth/clients/:id', OAUTH_ENDPOINT, async (request) => {
    const by = await admin(request)
    const metadata = readClientMetadata(request.body, origins)
    return told(await noted(by, 'Changed', (trx) => clients.replace(trx, request.params.id, metadata)))
  })

  app.delete<{ Params: { id: string } }>('/auth/clients/:id', OAUTH_ENDPOINT, async (request, reply) => {
    const by = await admin(request)
    await noted(by, 'Removed', (trx) => clients.remove(trx, request.params.id))
    return reply.status(204).send()
  })

  const told = ({ clientId, name, scopes, keys, fixed, issuedAt }: Client) => ({
    client_id: clientId,
    ...(issuedAt ? { client_id_issued_at: Math.floor(Date.parse(issuedAt) / 1000) } : {}),
    client_name: name,
    scope: scopes.join(' '),
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    ...('jwks' in keys ? { jwks: keys.jwks } : { jwks_uri: keys.jwksUri }),
    // One that stands in the configuration cannot be changed here, and has no address to change it at.
    ...(fixed ? {} : { registration_client_uri: `${deps.base()}/auth/clients/${clientId}` }),
  })
}
