import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import { codeOf } from './server.ts'

/** The pattern of the route that took a request, never its address. */
const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'none'

/**
 * Counts and times every request, opens a span for it under the caller's (W3C Trace Context), and lets the log name it. Hooks
 * before all others, and before the routes.
 */
export function observeRequests(app: FastifyInstance, { metrics }: Observer, log: Logger): void {
  const tracer = trace.getTracer('wayleave')
  const contexts = new WeakMap<FastifyRequest, Context>()

  const inside = (request: FastifyRequest, done: () => void) =>
    context.with(contexts.get(request) ?? context.active(), () => log.within(request.id, done))

  app.addHook('onRoute', ({ url }) => log.admit('route', url))
  app.addHook('onRequest', (request, reply, done) => {
    // The parent alone: a caller's tracestate and baggage can hold anything, and would be passed on.
    const { traceparent } = request.headers
    const caller = propagation.extract(context.active(), { traceparent })
    const attributes = { 'http.request.method': request.method, 'http.route': routeOf(request) }
    const span = tracer.startSpan(
      `${request.method} ${routeOf(request)}`,
      { kind: SpanKind.SERVER, attributes },
      caller,
    )
    contexts.set(request, trace.setSpan(caller, span))
    metrics.inFlight.inc()
    // `close` comes however it ended, also when the caller went away.
    reply.raw.once('close', () => {
      const status = reply.raw.statusCode
      metrics.inFlight.dec()
      metrics.request({ method: request.method, route: routeOf(request), status }, reply.elapsedTime / 1_000)
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    inside(request, done)
  })
  // Once more: what parses a body goes on in the socket's context, not in the request's.
  app.addHook('preValidation', (request, _reply, done) => inside(request, done))
  app.addHook('onError', (request, _reply, error, done) => {
    const code = codeOf(error)
    metrics.error(code)
    trace.getSpan(contexts.get(request) ?? context.active())?.setAttribute('wayleave.code', code)
    done()
  })
}
