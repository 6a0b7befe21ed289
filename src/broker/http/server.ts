import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import cors from '@fastify/cors'
import formbody from '@fastify/formbody'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  ERRORS,
  type ErrorCode,
  errorCodeOf,
  type Problem,
  toOperationOutcome,
  WayleaveError,
} from '../../domain/errors.ts'
import { toOAuthError } from '../../exchange/oauth-error.ts'
import { beginCall, type CallContext, inCall, requestIdOf } from '../../observe/call-context.ts'
import type { Logger } from '../../observe/log.ts'

import { describeApi } from './api/openapi.ts'
import { isForDevices } from './page-origins.ts'

declare module 'fastify' {
  interface FastifyRequest {
    call: CallContext | undefined
  }
  interface FastifyContextConfig {
    /** Whose words an endpoint refuses in: FHIR's, or OAuth's (RFC 6749 §5.2). */
    errors?: 'oauth'
  }
}

/** For the options of a route that OAuth defines. */
export const OAUTH_ENDPOINT = { config: { errors: 'oauth' } } as const

/** Bytes of the largest request taken; records come in answers, never in requests. */
const BODY_LIMIT = 256 * 1024

/** How long requests under way may take to end once the server closes. Milliseconds. */
const CLOSE_WITHIN = 3_000

/** Fastify's own refusals, in our words. */
const FRAMEWORK_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content-type-unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request-invalid',
  FST_ERR_VALIDATION: 'request-invalid',
  // PostgreSQL's character_not_in_repertoire: a text that no text column takes, such as one with a NUL in it.
  '22021': 'request-invalid',
}

/**
 * A server whose every failure is an OperationOutcome with a code of the one table; what is told and what is logged are
 * apart. Queries are never logged: they hold identifiers.
 */
export async function createHttpServer(
  log: Logger,
  limits: {
    /** Requests a minute from one address, of whoever shows nothing that verifies. */
    perMinute: number
    /** The same of one caller, wherever it calls from: nobody's calls are at another's cost. */
    ofCaller: number
    callerOf: (request: FastifyRequest) => Promise<{ id: string } | undefined>
  },
  https?: { cert: string; key: string },
  portalOrigins: readonly string[] = [],
): Promise<FastifyInstance> {
  const options = {
    bodyLimit: BODY_LIMIT,
    return503OnClosing: false,
    genReqId: ({ headers }: { headers: IncomingHttpHeaders }) =>
      requestIdOf(headers['x-request-id'], log.newRequestId),
    // What the router itself refuses, an address that cannot be decoded for example: never told in its own words,
    // which repeat the address.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void sendError(request, reply, 'request-invalid'),
    clientErrorHandler: refuseRaw,
  }
  // Routes do not see the difference, and their types need not either. Which host is named is for `oneHost` to judge.
  const http = { requireHostHeader: false }
  const app = https
    ? (Fastify({ ...options, https: { ...https, ...http } }) as unknown as FastifyInstance)
    : Fastify({ ...options, http })
  followCalls(app, log)
  app.addHook('onRequest', oneHost)
  app.removeContentTypeParser('text/plain')
  await app.register(formbody, { bodyLimit: BODY_LIMIT })
  await app.register(cors, {
    delegator: (request, answer) => answer(null, sharedWith(request.url, portalOrigins)),
  })
  await app.register(rateLimit, {
    max: async (request) => ((await limits.callerOf(request)) ? limits.ofCaller : limits.perMinute),
    keyGenerator: async (request) => (await limits.callerOf(request))?.id ?? normalizeIP(request.ip),
    // RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset (draft-ietf-httpapi-ratelimit-headers-06).
    enableDraftSpec: true,
    timeWindow: 60_000,
    errorResponseBuilder: () => new WayleaveError('rate-limited'),
  })
  await describeApi(app)
  app.addContentTypeParser(
    ['application/fhir+json'],
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  )
  app.addContentTypeParser(['application/jose'], { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, request, reply) => {
    const code = codeOf(error)
    const entry = {
      code,
      error,
      method: request.method,
      route: request.routeOptions.url,
    }
    if (ERRORS[code].status >= 500) log.error(entry, 'a request failed')
    else log.debug(entry, 'a request was refused')
    return sendError(request, reply, code, error instanceof WayleaveError ? error.problems : [])
  })
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    sendError(request, reply, 'not-found'),
  )
  // Whoever is being answered while the server closes must not keep it open by its idle connection, nor by its silence.
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN).unref()
  })
  app.addHook('onSend', async (request, reply) => {
    if (closing) reply.header('connection', 'close')
    reply.header('x-request-id', request.id)
    // Pages, which are the same for everybody, say for themselves how long they keep.
    if (request.routeOptions.url !== '/console/*') reply.header('cache-control', 'no-store')
  })
  return app
}

/** Every request is a call of its own, and so is what it goes on to; one line at the end says how it ended, and no address. */
function followCalls(app: FastifyInstance, log: Logger): void {
  app.decorateRequest('call')
  app.addHook('onRequest', (request, _reply, done) => {
    request.call = beginCall(request.id, request.headers.traceparent)
    inCall(request.call, done)
  })
  // A body comes by events of its connection, which belong to no call.
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.call) inCall(request.call, done)
    else done()
  })
  app.addHook('onResponse', async (request, { statusCode: status }) => {
    const { method, routeOptions } = request
    log.debug({ method, route: routeOptions.url, status }, 'a request was answered')
  })
}

/** What a patient's device calls, from a page of a portal that the hospital knows; to any other page a browser shows nothing. */
function sharedWith(url: string, portalOrigins: readonly string[]) {
  return {
    origin: isForDevices(url) && portalOrigins.length > 0 ? [...portalOrigins] : false,
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
    exposedHeaders: ['x-request-id', 'retry-after'],
    credentials: false,
    maxAge: 600,
  }
}

/** RFC 9112 §3.2: what names no host, or several, may mean one server to a proxy and another one to us. */
async function oneHost({ raw }: FastifyRequest): Promise<void> {
  const hosts = raw.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0'))
    throw new WayleaveError('request-invalid', 'one Host header')
}

/** What is no HTTP, or has headers beyond all measure, is answered before there is a request. */
function refuseRaw(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const body = JSON.stringify(toOperationOutcome('request-invalid', randomUUID()))
  const head = ['HTTP/1.1 400 Bad Request', 'content-type: application/fhir+json', 'connection: close']
  socket.end(`${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  problems: readonly Problem[] = [],
): FastifyReply {
  if (request.routeOptions?.config?.errors === 'oauth') {
    const { status, body } = toOAuthError(code)
    reply.status(status).headers({ 'x-request-id': request.id, 'cache-control': 'no-store' })
    return reply.header('pragma', 'no-cache').type('application/json').send(body)
  }
  const challenge = challengeOf(request, code)
  if (challenge) reply.header('www-authenticate', challenge)
  return reply
    .status(ERRORS[code].status)
    .headers({ 'x-request-id': request.id, 'cache-control': 'no-store' })
    .type('application/fhir+json')
    .send(toOperationOutcome(code, request.id, problems))
}

/** What a protected resource asks for when it refuses (RFC 6750 §3, RFC 9449 §7.1). */
function challengeOf(request: FastifyRequest, code: ErrorCode): string | undefined {
  const scheme = request.url.startsWith('/exchange/') ? 'DPoP' : 'Bearer'
  if (code === 'scope-insufficient') return `${scheme} error="insufficient_scope"`
  if (ERRORS[code].status !== 401) return undefined
  // Who sent nothing is told of no error, only of the scheme.
  return code === 'token-missing' ? scheme : `${scheme} error="invalid_token"`
}

/** The code of whatever a handler or the framework threw. */
export function codeOf(error: Error & { code?: string; statusCode?: number }): ErrorCode {
  if (error instanceof WayleaveError) return errorCodeOf(error)
  const known = error.code ? FRAMEWORK_CODES[error.code] : undefined
  // 403 and 404 are for a file of the pages that there is not, or that lies elsewhere.
  if (!known && (error.statusCode === 403 || error.statusCode === 404)) return 'not-found'
  return known ?? (error.statusCode === 400 ? 'malformed-json' : 'internal')
}

/** The bearer or DPoP credential of a request. */
export function credential(request: FastifyRequest, scheme: 'Bearer' | 'DPoP'): string | undefined {
  const header = request.headers.authorization
  return header?.startsWith(`${scheme} `) ? header.slice(scheme.length + 1) : undefined
}

/** The object that was sent. @throws WayleaveError `malformed-json` for anything else */
export function bodyOf({ body }: FastifyRequest): Record<string, unknown> {
  if (typeof body !== 'object' || body === null) throw new WayleaveError('malformed-json', 'no object')
  return body as Record<string, unknown>
}

/** A form field as text; whatever else was sent counts as nothing. */
export const textOf = (field: unknown): string => (typeof field === 'string' ? field : '')
