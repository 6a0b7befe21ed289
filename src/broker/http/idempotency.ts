/**
 * `Idempotency-Key` on calls that change something (IETF draft-ietf-httpapi-idempotency-key-header-07): a call that is sent
 * again under its key gets the answer that the first one got, and nothing is done twice.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import type { IdempotencyStore, StoredAnswer } from '../../store/idempotency.ts'
import type { Callers } from './callers.ts'

const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** A structured-field string, as the draft has it (§2.1), or bare, as most programs send it. */
const KEY = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\w.~:+/=-]{1,255}))$/

/** What of an answer is kept with its body. */
const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const

declare module 'fastify' {
  interface FastifyRequest {
    /** The row that this request fills with its answer. */
    idempotency: string | undefined
    /** The scope that the endpoint asked for. */
    scopeNeeded: string | undefined
  }
}

export function keepIdempotent(
  app: FastifyInstance,
  deps: { callers: Callers; store: IdempotencyStore },
): void {
  const { callers, store } = deps
  app.decorateRequest('idempotency')
  app.decorateRequest('scopeNeeded')

  app.addHook('preHandler', async (request, reply) => {
    const given = request.headers['idempotency-key']
    if (given === undefined || !UNSAFE.has(request.method)) return
    const caller = await callers.of(request)
    // Whoever is nobody is refused by the endpoint, or calls one that bears being called twice.
    if (!caller) return
    const [, quoted, bare] = (typeof given === 'string' && KEY.exec(given)) || []
    const key = quoted ?? bare
    if (key === undefined) throw wayleaveError('request-invalid', 'idempotency-key')
    const about = [request.method, request.url, request.headers['if-match'] ?? '', request.body ?? '']
    const begun = await store.begin({ caller: caller.id, key, about })
    if (begun.kind === 'reused') throw wayleaveError('idempotency-key-reused')
    if (begun.kind === 'busy') throw wayleaveError('idempotency-key-busy')
    if (begun.kind === 'begun') {
      request.idempotency = begun.row
      return
    }
    // An answer is for whoever might have it now, not for whoever might have had it then.
    const { scope } = begun.answer
    if (scope && !caller.scopes.includes(scope)) throw wayleaveError('scope-insufficient', scope)
    return replay(reply, begun.answer)
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const row = request.idempotency
    if (row === undefined) return payload
    request.idempotency = undefined
    await (isFinal(reply.statusCode)
      ? store.finish(row, answerOf(request, reply, payload))
      : store.forget(row))
    return payload
  })
}

/** What another try may answer otherwise is not kept: no right yet, too many requests, not able now. */
const isFinal = (status: number) => status < 500 && ![401, 403, 429].includes(status)

function answerOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): StoredAnswer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name)
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.toString() : ''
  const scope = request.scopeNeeded
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body, ...(scope ? { scope } : {}) }
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): FastifyReply {
  reply.status(status).headers(headers).header('idempotency-replayed', 'true')
  return status === 204 ? reply.send() : reply.send(body)
}
