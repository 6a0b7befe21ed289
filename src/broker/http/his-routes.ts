import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BundleEntry } from 'fhir/r4.js'
import type { JSONWebKeySet } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { type Grant, issueToken, type TokenKeys, verifyToken } from '../../exchange/access-token.ts'
import { type Asker, readAsker } from '../../exchange/b2b.ts'
import { verifyClientAssertion } from '../../exchange/client-assertion.ts'
import { capabilityStatement } from '../../fhir/capability-statement.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { Documents } from '../receive/list-documents.ts'
import { ignoredNotice, missingNotice, outcomeEntry } from '../receive/notices.ts'
import type { RecordOpener } from '../receive/open-record.ts'
import type { People } from '../receive/people.ts'
import { partyOf } from '../release/parties.ts'
import { type DocumentQuery, readDocumentQuery } from './document-query.ts'
import { credential, textOf } from './server.ts'

/** A program that may call the broker, as its hospital registered it. */
export type Client = { clientId: string; name: string; jwks: JSONWebKeySet; scopes: string[] }

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
    clients: ReadonlyMap<string, Client>
    remember: (key: string, expiresAtMs: number) => Promise<boolean>
    documents: Documents
    people: People
    opener: RecordOpener
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

  app.get('/fhir/.well-known/smart-configuration', async (_request, reply) =>
    reply.type('application/json').send({
      issuer: deps.base(),
      token_endpoint: `${deps.base()}/auth/token`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'ES384', 'RS384'],
      scopes_supported: [
        'system/DocumentReference.rs',
        'system/DocumentReference.c',
        'system/Binary.r',
        'system/Patient.r',
        'system/AuditEvent.rs',
        'system/Task.c',
        'system/Task.rs',
        'system/Task.u',
        'system/Consent.rs',
        'system/Consent.c',
        'system/Consent.u',
      ],
      capabilities: ['client-confidential-asymmetric', 'permission-v2'],
    }),
  )

  const capabilities = capabilityStatement(new Date(clock.now()).toISOString())
  app.get('/fhir/metadata', async (_request, reply) =>
    reply.type('application/fhir+json').send(capabilities(deps.base())),
  )

  app.post('/auth/token', async (request, reply) => {
    const body = (request.body ?? {}) as Record<string, unknown>
    if (body.grant_type !== 'client_credentials') throw wayleaveError('request-invalid', 'grant_type')
    const { clientId, claims } = await verifyClientAssertion({
      assertion: textOf(body.client_assertion),
      audience: `${deps.base()}/auth/token`,
      keysOf: async (id) => deps.clients.get(id)?.jwks,
      remember: deps.remember,
      nowMs: clock.now(),
    })
    const allowed = deps.clients.get(clientId)?.scopes ?? []
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
    return reply.send({
      access_token: token,
      token_type: 'bearer',
      expires_in: expiresIn,
      scope: scopes.join(' '),
    })
  })

  async function authorise(request: FastifyRequest, scope: string): Promise<HisGrant> {
    const grant = await verifyToken(deps.keys, 'his', credential(request, 'Bearer'), clock.now())
    if (!grant.scopes.includes(scope)) throw wayleaveError('scope-insufficient', scope)
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
    const opened = await deps.opener.open(request.params.id, asker, clientId)
    return reply.type('application/fhir+json').send(Buffer.from(opened.bytes))
  })

  return { authorise, authoriseClinical }
}

const isForm = (request: FastifyRequest) =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
