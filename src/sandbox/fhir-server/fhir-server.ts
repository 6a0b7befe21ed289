import { Readable } from 'node:stream'
import { contentTooLarge, notFound, unsupportedMediaType } from '@medplum/core'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { createApi } from './api.ts'
import type { ApiResponse } from './api-types.ts'
import { createBinaryContents } from './binary-content.ts'
import { runBundle } from './bundle.ts'
import { capabilityStatement } from './capabilities.ts'
import { parseHook } from './hooks/hook.ts'
import { createHooks } from './hooks/hooks.ts'
import { JsonError, jsonText, parseJson } from './json.ts'
import type { OperationOutcome, Resource } from './medplum-types.ts'
import { internalError, invalid, notAcceptable, statusOf } from './outcomes.ts'
import { SqlRepository } from './repository.ts'
import { openFhirTables } from './tables.ts'

const BODY_LIMIT = 20 * 1024 * 1024
const JSON_TYPES = ['application/fhir+json', 'application/json']

/** One line of the access log: never a query string, never a body. Interactions inside bundles have their own lines. */
export type FhirAccess = {
  at: string
  method: string
  interaction: string
  resourceType?: string
  id?: string
  status: number
}

export type FhirServerDeps = {
  /** A database with PostgreSQL's SQL. The server makes its tables in a schema of its own. */
  db: Kysely<unknown>
  /** `fhir` unless said otherwise. */
  schema?: string
  /** The base as clients see it, ending in `/fhir`. Unless said otherwise: where the server listens. */
  baseUrl?: string
  /** Where contents of Binaries are kept that come as they are; absent: they are taken as JSON only. */
  contentDir?: string
  now: () => Date
  /** Called before the answer is sent. */
  accessLog?: (entry: FhirAccess) => void
  /** Told of faults that are no client's; the client hears only that the server failed. */
  onError?: (error: unknown) => void
}

export type FhirServer = {
  /** Not yet listening: `app.listen({ host, port })`. The API is under `/fhir`. */
  app: FastifyInstance
  /** Stops listening and delivering. The database stays open. */
  close(): Promise<void>
}

/** A FHIR R4 server on SQL: versions, history, transactions, search, REST-hooks. For the sandbox and for tests. */
export async function createFhirServer(deps: FhirServerDeps): Promise<FhirServer> {
  const { now, accessLog = () => {}, onError = () => {} } = deps
  const db = await openFhirTables(deps.db, deps.schema ?? 'fhir')
  const started = now()
  const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true })
  const base = () => deps.baseUrl?.replace(/\/$/, '') ?? `${listeningAt(app)}/fhir`

  const note = (response: ApiResponse, method: string) => {
    const { interaction, resourceType, id, status } = response
    accessLog({
      at: now().toISOString(),
      method,
      interaction,
      ...(resourceType !== undefined && { resourceType }),
      ...(id !== undefined && { id }),
      status,
    })
  }
  const repository = () =>
    new SqlRepository({ db, base: base(), now, beforeWrite, onCommit: (types) => hooks.committed(types) })
  const beforeWrite = (resource: Resource) => {
    if (resource.resourceType === 'Subscription') parseHook(resource, base())
  }
  const hooks = createHooks({
    db,
    base,
    now,
    onError,
    update: (resource, ifMatch) => repository().put(resource, { ifMatch }),
  })
  const contents = deps.contentDir === undefined ? undefined : createBinaryContents(deps.contentDir)
  const api = createApi({
    capabilities: () => capabilityStatement(started, base()),
    bundle: (body, repository, inner) => runBundle(body, repository, inner, note),
    onError,
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_TYPES, { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJson(text as string))
    } catch (error) {
      done(error as Error)
    }
  })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, text),
  )

  // Anything else is read by whoever wants it, and only where a Binary may come so.
  if (contents)
    app.addContentTypeParser('*', (request, payload, done) => {
      if (isBinaryWrite(request)) done(null, payload)
      else done(Object.assign(new Error('unsupported'), { statusCode: 415 }))
    })

  app.setNotFoundHandler((request, reply) => sendOutcome(notFound, request, reply))
  app.setErrorHandler<Error & { code?: string; statusCode?: number }>((error, request, reply) => {
    if (error instanceof JsonError) return sendOutcome(invalid(error.message).outcome, request, reply)
    if (error.statusCode === 413) return sendOutcome(contentTooLarge('The body is too large'), request, reply)
    if (error.statusCode === 415) return sendOutcome(unsupportedMediaType, request, reply)
    if (error.statusCode === 400)
      return sendOutcome(invalid('The request is malformed').outcome, request, reply)
    onError(error)
    return sendOutcome(internalError, request, reply)
  })
  for (const url of ['/fhir', '/fhir/*']) {
    app.route({ method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'], url, handler: answerRequest })
  }

  async function answerRequest(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asIs = contents && wantsContent(request)
    if (!acceptsJson(request) && !asIs) return sendOutcome(notAcceptable, request, reply)
    if (request.body instanceof Readable && contents) {
      const id = binaryIn(request)?.id
      request.body = await contents.keep(id, request.headers['content-type'] ?? '', request.body)
    }
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const response = await api.handle(
      {
        method,
        url: request.url.slice('/fhir'.length),
        body: request.body,
        ifMatch: request.headers['if-match'],
        ifNoneExist: oneHeader(request.headers['if-none-exist']),
        ifNoneMatch: oneHeader(request.headers['if-none-match']),
      },
      repository(),
    )
    if (isUnmodified(response, request)) response.status = 304
    note(response, request.method)
    const content = asIs && response.resource ? contents.open(response.resource) : undefined
    if (!content) return sendResponse(response, request, reply, base())
    const { versionId = '' } = response.resource?.meta ?? {}
    return reply
      .header('etag', `W/"${versionId}"`)
      .header('content-length', String(content.size))
      .type(content.contentType)
      .send(content.bytes)
  }

  function sendOutcome(
    outcome: OperationOutcome,
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply {
    const response = { status: statusOf(outcome), outcome, interaction: 'operation' }
    note(response, request.method)
    return sendResponse(response, request, reply, base())
  }

  return {
    app,
    async close() {
      await app.close()
      await hooks.close()
    },
  }
}

function sendResponse(response: ApiResponse, request: FastifyRequest, reply: FastifyReply, base: string) {
  const { status, outcome, resource, interaction } = response
  const { versionId, lastUpdated } = resource?.meta ?? {}
  reply.status(status)
  if (versionId !== undefined) reply.header('etag', `W/"${versionId}"`)
  if (lastUpdated !== undefined) reply.header('last-modified', new Date(lastUpdated).toUTCString())
  if (interaction === 'create' || interaction === 'update') {
    if (resource)
      reply.header('location', `${base}/${resource.resourceType}/${resource.id}/_history/${versionId}`)
  }
  if (status === 304) return reply.send()
  const wantsLittle = oneHeader(request.headers.prefer)?.includes('return=minimal') ?? false
  if (wantsLittle && status < 300 && (interaction === 'create' || interaction === 'update'))
    return reply.send()
  return reply.type('application/fhir+json; charset=utf-8').send(jsonText(resource ?? outcome))
}

function listeningAt(app: FastifyInstance): string {
  const [address] = app.addresses()
  if (address === undefined || typeof address === 'string') return 'http://localhost'
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

/** Conditional read (FHIR R4 §3.1.0.1.6). */
function isUnmodified({ interaction, resource }: ApiResponse, request: FastifyRequest): boolean {
  const known = oneHeader(request.headers['if-none-match'])?.split(/\s*,\s*/) ?? []
  const isRead = interaction === 'read' || interaction === 'vread'
  return isRead && resource !== undefined && known.includes(`W/"${resource.meta?.versionId}"`)
}

function acceptsJson(request: FastifyRequest): boolean {
  const accept = request.headers.accept
  return accept === undefined || /json|\*\/\*|application\/\*/.test(accept)
}

/** The Binary that a request is about, or all of them. */
function binaryIn({ url }: FastifyRequest): { id?: string } | undefined {
  const found =
    /^\/fhir\/Binary(?:\/([A-Za-z0-9\-.]{1,64}))?(?:\/_history\/[A-Za-z0-9\-.]{1,64})?(?:\?|$)/.exec(url)
  return found ? { ...(found[1] ? { id: found[1] } : {}) } : undefined
}

function isBinaryWrite(request: FastifyRequest): boolean {
  const about = binaryIn(request)
  return about !== undefined && request.method === (about.id ? 'PUT' : 'POST')
}

/** R4 §3.1.0.1.11: a Binary that is asked for by a type that is none of FHIR's is answered as what it holds. */
function wantsContent(request: FastifyRequest): boolean {
  const { accept } = request.headers
  return (
    request.method === 'GET' &&
    accept !== undefined &&
    !/json|xml|\*\/\*/.test(accept) &&
    binaryIn(request)?.id !== undefined
  )
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
