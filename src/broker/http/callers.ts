import type { FastifyRequest } from 'fastify'
import {
  createTokenVerifier,
  type Grant,
  type TokenKeys,
  type TokenVerifier,
} from '../../exchange/access-token.ts'
import { createFetchJwks } from '../../exchange/fetch-jwks.ts'
import { type Clients, createClients } from '../clients/clients.ts'
import { TRAIL_SCOPE } from '../clients/scopes.ts'
import type { Core } from '../core.ts'
import { EVENT_SCOPES, type EventSide } from '../events/event-log.ts'
import { createSessions, type Sessions } from '../patients/sessions.ts'

import { operatorClient } from './operator-routes.ts'

/** Who a request comes from, by a credential that verifies; what it may do is for the endpoint to say. */
export type Caller = {
  /** One budget of requests, and one room for idempotency keys, for each of these. */
  id: string
  /** What its token allows; none for a patient's session. */
  scopes: readonly string[]
}

export type Callers = {
  keys: TokenKeys
  verifyToken: TokenVerifier
  clients: Clients
  sessions: Sessions
  /** Origins that the broker may call for its programs. */
  origins: readonly string[]
  /** Found out once for a request; undefined for whoever shows nothing that verifies. */
  of(request: FastifyRequest): Promise<Caller | undefined>
  /** Of which changes a program may hear now; of none once it is gone. */
  sidesOf(clientId: string): Promise<EventSide[]>
  /** Whether a program may hear of the audit trail now. */
  mayHearTrail(clientId: string): Promise<boolean>
  close(): Promise<void>
}

/** The credential of a request, and the scheme it came under. */
const CREDENTIAL = /^(Bearer|DPoP) (\S{1,8192})$/

/** @param base Where the broker is reached, known once it listens. */
export function createCallers(core: Core, base: () => string): Callers {
  const { config, member, signing, clock } = core
  const keys: TokenKeys = {
    privateKey: signing.key,
    publicKey: signing.publicKey,
    kid: signing.kid,
    issuer: member,
  }
  const verifyToken = createTokenVerifier(keys)
  const origins = config.callbackOrigins ?? []
  const fetchJwks = createFetchJwks({ origins, networks: config.callbackNetworks ?? [] })
  const clients = createClients({
    ...core,
    configured: [...config.clients, operatorClient(signing.jwk)],
    fetchKeys: (uri) => fetchJwks.fetch(uri),
  })
  const sessions = createSessions({ ...core, origin: base })
  const known = new WeakMap<FastifyRequest, Promise<Caller | undefined>>()

  async function find(request: FastifyRequest): Promise<Caller | undefined> {
    const [, scheme, token = ''] = CREDENTIAL.exec(request.headers.authorization ?? '') ?? []
    if (scheme === 'Bearer') return token.includes('.') ? program(token) : patient(token)
    if (scheme === 'DPoP') return peer(token)
    return undefined
  }

  async function program(token: string): Promise<Caller | undefined> {
    const grant = await verified(token, ['his'])
    if (!grant || !(await clients.find(grant.clientId))) return undefined
    return { id: `client/${grant.clientId}`, scopes: grant.scopes }
  }

  async function patient(session: string): Promise<Caller | undefined> {
    const found = await sessions.holderOf(session).catch(() => undefined)
    if (!found) return undefined
    // A helper, or the key that is to take over, has a budget of its own.
    const other = found.as === 'owner' ? '' : `/${found.signerHash}`
    return { id: `patient/${found.patient.id}${other}`, scopes: [] }
  }

  async function peer(token: string): Promise<Caller | undefined> {
    const grant = await verified(token, ['record', 'share'])
    return grant && { id: `member/${grant.requester}`, scopes: [] }
  }

  const verified = <K extends Grant['kind']>(token: string, kinds: readonly K[]) =>
    verifyToken(kinds, token, clock.now()).catch(() => undefined)

  return {
    keys,
    verifyToken,
    clients,
    sessions,
    origins,
    of(request) {
      const before = known.get(request)
      if (before) return before
      const finding = find(request)
      known.set(request, finding)
      return finding
    },
    async sidesOf(clientId) {
      const { scopes = [] } = (await clients.find(clientId)) ?? {}
      return EVENT_SCOPES.filter(([scope]) => scopes.includes(scope)).map(([, side]) => side)
    },
    async mayHearTrail(clientId) {
      return ((await clients.find(clientId))?.scopes ?? []).includes(TRAIL_SCOPE)
    },
    close: () => fetchJwks.close(),
  }
}
