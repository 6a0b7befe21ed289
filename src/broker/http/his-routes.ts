import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BundleEntry } from 'fhir/r4.js'
import type { JWK } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { type Grant, issueToken, type TokenKeys, type TokenVerifier } from '../../exchange/access-token.ts'
import { type Asker, readAsker } from '../../exchange/b2b.ts'
import {
  ASSERTION_ALGORITHMS,
  ASSERTION_TYPE,
  verifyClientAssertion,
} from '../../exchange/client-assertion.ts'
import { capabilityStatement } from '../../fhir/capability-statement.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { Clients } from '../clients/clients.ts'
import { ADMIN_SCOPE, CLIENT_SCOPES, REIDENTIFY_SCOPE } from '../clients/scopes.ts'
import type { Documents } from '../receive/list-documents.ts'
import { ignoredNotice, missingNotice, outcomeEntry } from '../receive/notices.ts'
import type { RecordOpener } from '../receive/open-record.ts'
import type { People } from '../receive/people.ts'
import { partyOf } from '../release/parties.ts'
import { type DocumentQuery, readDocumentQuery } from './document-query.ts'
import { sendPieces } from './send-pieces.ts'
import { credential, OAUTH_ENDPOINT, textOf } from './server.ts'

export type HisGrant = Extract<Grant, { kind: 'his' }>
/** With the user, the role and the purpose, without which nobody reads or writes a record. */
export type ClinicalGrant = HisGrant & { asker: Asker }

/** What a HIS asks of its own hospital's broker: SMART Backend Services, and IHE MHD (ITI-67, ITI-68). */
export function hisRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    clock: Clock
    db: Kysely<BrokerTables>
    keys: TokenKeys
    verifyToken: TokenVerifier
    /** The broker's own public key, with which its tokens and events are verified. */
    publicJwk: JWK
    clients: Clients
    remember: (key: string, expiresAtMs: number) => Promise<boolean>
    documents: Documents
    people: People
    opener: RecordOpener
    books: Pick<ExchangeBooks, 'kept'>
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    organization: Identifier
  },
): {
  authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  authoriseClinical: (request: FastifyRequest, scope: string) => Promise<ClinicalGrant>
} {
  const { clock } = deps

  /** SMART App Launch 2.2 "Conformance" and RFC 8414, of which IHE IUA (ITI-103) takes the second. */
  const configuration = () => ({
    issuer: deps.base(),
    jwks_uri: `${deps.base()}/.well-known/jwks.json`,
    token_endpoint: `${deps.base()}/auth/token`,
    registration_endpoint: `${deps.base()}/auth/clients`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    scopes_supported: [...CLIENT_SCOPES, ADMIN_SCOPE, REIDENTIFY_SCOPE],
    // There is no authorization endpoint, so no response type; SMART requires the method to be named all the same.
    response_types_supported: [],
    code_challenge_methods_supported: ['S256'],
    capabilities: ['client-confidential-asymmetric', 'permission-v2'],
    access_token_format: 'ihe-jwt',
  })
  for (const path of ['/fhir/.well-known/smart-configuration', '/.well-known/oauth-authorization-server'])
    app.get(path, async (_request, reply) => reply.type('application/json').send(configuration()))

  app.get('/.well-known/jwks.json', async (_request, reply) =>
    reply.type('application/jwk-set+json').send({ keys: [deps.publicJwk] }),
  )

  const capabilities = capabilityStatement(new Date(clock.now()).toISOString())
  app.get('/fhir/metadata', async (_request, reply) =>
    reply.type('application/fhir+json').send(capabilities(deps.base())),
  )

  app.post('/auth/token', OAUTH_ENDPOINT, async (request, reply) => {
    const body = (request.body ?? {}) as Record<string, unknown>
    if (body.grant_type !== 'client_credentials') throw wayleaveError('grant-type-unsupported')
    if (body.client_assertion_type !== ASSERTION_TYPE)
      throw wayleaveError('request-invalid', 'client_assertion_type')
    const { clientId, claims } = await verifyClientAssertion({
      assertion: textOf(body.client_assertion),
      audience: `${deps.base()}/auth/token`,
      keysOf: (id, kid) => deps.clients.keysOf(id, kid),
      remember: deps.remember,
      nowMs: clock.now(),
    })
    const allowed = (await deps.clients.find(clientId))?.scopes ?? []
    const asked = textOf(body.scope).split(' ').filter(Boolean)
    const scopes = asked.filter((scope) => allowed.includes(scope))
    if (scopes.length === 0) throw wayleaveError('scope-insufficient', 'none of the scopes asked for')
    const clinical = scopes.some((scope) => /\/(DocumentReference|Binary|Patient|Task|Consent)\./.test(scope))
    const extended = (claims as Record<string, unknown>).extensions !== undefined
    const asker = clinical || extended ? readAsker(claims) : undefined
    // A user of another organisation is not this hospital's to vouch for.
    if (asker && asker.organization !== identifierText(deps.organization)) {
      throw wayleaveError('user-missing', 'organization_id is not this member')
    }
    const grant: Grant = { kind: 'his', clientId, scopes, ...(asker ? { asker } : {}) }
    const { token, expiresIn } = await issueToken(deps.keys, grant, clock.now())
    return reply.header('pragma', 'no-cache').send({
      access_token: token,
      token_type: 'bearer',
      expires_in: expiresIn,
      scope: scopes.join(' '),
    })
  })

  async function authorise(request: FastifyRequest, scope: string): Promise<HisGrant> {
    request.scopeNeeded = scope
    const grant = await deps.verifyToken(['his'], credential(request, 'Bearer'), clock.now())
    if (!grant.scopes.includes(scope)) throw wayleaveError('scope-insufficient', scope)
    // A token is worth no more than its client is now: one that was removed or narrowed since is refused at once.
    const client = await deps.clients.find(grant.clientId)
    if (!client) throw wayleaveError('token-invalid', 'its client is gone')
    if (!client.scopes.includes(scope)) throw wayleaveError('scope-insufficient', scope)
    return grant
  }

  async function authoriseClinical(request: FastifyRequest, scope: string): Promise<ClinicalGrant> {
    const grant = await authorise(request, scope)
    if (!grant.asker) throw wayleaveError('user-missing')
    return { ...grant, asker: grant.asker }
  }

  /** The national identifiers to search by: none where the two ways of naming the patient contradict each other. */
  async function identifiersOf({ identifier, patientId }: DocumentQuery): Promise<Identifier[]> {
    if (patientId === undefined) return identifier ? [identifier] : []
    const { identifiers = [] } = (await deps.people.byId(patientId)) ?? {}
    if (!identifier) return identifiers
    return identifiers.some((one) => identifierText(one) === identifierText(identifier)) ? [identifier] : []
  }

  /** No `_count`: all of what is shared fits one answer, and a parameter that changes nothing would be a lie. */
  async function search(request: FastifyRequest, reply: FastifyReply, parameters: Record<string, unknown>) {
    const { asker, clientId } = await authoriseClinical(request, 'system/DocumentReference.rs')
    const query = readDocumentQuery(parameters, request.headers.prefer)
    const patients = await identifiersOf(query)
    const { documents, missing } = await deps.documents.list({ patients, statuses: query.statuses, asker })
    const [patient] = patients
    const entry: LogEntry = {
      kind: 'query',
      outcome: '0',
      requester: await partyOf(deps.index, deps.member),
      user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
      client: { id: clientId },
      purpose: asker.purpose,
      ...(patient ? { patient: { identifier: patient } } : {}),
    }
    await deps.accessLog.append(deps.db, entry, patient)
    const shown = documents.filter((document) => query.matches(document))
    const notices = [...missing.map(missingNotice), ...ignoredNotice(query.ignored)]
    // A total counts what is shown, and nothing else; who could not be asked is said beside it.
    return reply.type('application/fhir+json').send({
      resourceType: 'Bundle',
      type: 'searchset',
      timestamp: new Date(clock.now()).toISOString(),
      total: shown.length,
      entry: [
        ...shown.map((resource): BundleEntry => {
          const fullUrl = `${deps.base()}/fhir/DocumentReference/${resource.id}`
          return { fullUrl, resource, search: { mode: 'match' } }
        }),
        ...(notices.length > 0 ? [outcomeEntry(notices)] : []),
      ],
    })
  }

  app.get('/fhir/DocumentReference', (request, reply) =>
    search(request, reply, request.query as Record<string, unknown>),
  )
  app.post('/fhir/DocumentReference/_search', (request, reply) => {
    // FHIR R4 §3.1.1.4.1: parameters in a form, or in the address, or in both.
    if (request.body !== undefined && !isForm(request)) throw wayleaveError('content-type-unsupported')
    return search(request, reply, { ...(request.query as object), ...(request.body ?? {}) })
  })

  app.get<{ Params: { id: string } }>('/fhir/Binary/:id', async (request, reply) => {
    const { asker, clientId } = await authoriseClinical(request, 'system/Binary.r')
    const { bytes, contents, exchange } = await deps.opener.open(request.params.id, asker, clientId)
    // RFC 8288: where what the record's attachments name is to be had, in their order.
    const related = contents.map(
      ({ contentType }, number) =>
        `<${deps.base()}/fhir/Binary/${request.params.id}/attachment/${number}>; rel="related"; type="${contentType}"`,
    )
    return reply
      .header('link', [provenanceOf(exchange), ...related].join(', '))
      .type('application/fhir+json')
      .send(Buffer.from(bytes))
  })

  app.get<{ Params: { id: string } }>('/fhir/Provenance/:id', async (request, reply) => {
    await authoriseClinical(request, 'system/Binary.r')
    const kept = await deps.books.kept(request.params.id.slice(0, 128))
    if (!kept?.provenance) throw wayleaveError('not-available', 'nothing came by this exchange')
    return reply.type('application/fhir+json').send(kept.provenance)
  })

  /** Where the Provenance of an answer is (PROV-AQ). */
  const provenanceOf = (exchange: string) =>
    `<${deps.base()}/fhir/Provenance/${exchange}>; rel="http://www.w3.org/ns/prov#has_provenance"`

  app.get<{ Params: { id: string; number: string } }>(
    '/fhir/Binary/:id/attachment/:number',
    async (request, reply) => {
      const { asker, clientId } = await authoriseClinical(request, 'system/Binary.r')
      const { id, number } = request.params
      if (!/^\d{1,2}$/.test(number)) throw wayleaveError('request-invalid', 'the number of an attachment')
      const opened = await deps.opener.openContent(id, Number(number), asker, clientId)
      const { content, exchange } = opened
      reply
        .header('link', provenanceOf(exchange))
        .header('content-length', String(content.size))
        .header('repr-digest', `sha-256=:${Buffer.from(content.sha256.slice(2), 'hex').toString('base64')}:`)
        .header('x-content-type-options', 'nosniff')
        .header('content-disposition', 'attachment')
        .type(content.contentType)
      return sendPieces(reply, opened)
    },
  )

  return { authorise, authoriseClinical }
}

export const isForm = (request: FastifyRequest) =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
