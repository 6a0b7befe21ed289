import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type ErrorCode, errorCodeOf } from '../domain/errors.ts'
import type { Metrics } from './metrics.ts'

/** What a broker does that takes time elsewhere, or decides something: whom it asks, and what for. */
export type Operation =
  | `fhir ${'patient' | 'search' | 'history' | 'version' | 'content' | 'read' | 'write' | 'subscribe'}`
  | `peer ${'record' | 'content' | 'list' | 'search' | 'message' | 'receipt' | 'checkpoints' | 'evidence'}`
  | `chain ${'consent'}`
  | `decision ${'record' | 'consents'}`
  | `verification ${'record' | 'content' | 'list' | 'search'}`

export type Observer = {
  metrics: Metrics
  /** Does something, measured and as a span of its own. Of a failure its code is told, never its words. */
  timed: <T>(operation: Operation, work: () => Promise<T>) => Promise<T>
  /** How the last call of the FHIR server ended; undefined before the first. */
  sourceOutcome(): ErrorCode | 'ok' | undefined
}

export function createObserver(metrics: Metrics): Observer {
  // Without an SDK this tracer does nothing; see tracing.ts.
  const tracer = trace.getTracer('wayleave')
  let source: ErrorCode | 'ok' | undefined

  return {
    metrics,
    sourceOutcome: () => source,
    timed(operation, work) {
      const [to = '', name = ''] = operation.split(' ')
      const kind = ['fhir', 'peer', 'chain'].includes(to) ? SpanKind.CLIENT : SpanKind.INTERNAL
      return tracer.startActiveSpan(operation, { kind }, async (span) => {
        const started = performance.now()
        let outcome: ErrorCode | 'ok' = 'ok'
        try {
          return await work()
        } catch (error) {
          outcome = errorCodeOf(error)
          span.setAttribute('wayleave.code', outcome)
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          // A server that takes no hook may still be read.
          if (to === 'fhir' && name !== 'subscribe') source = outcome
          metrics.calls.observe({ to, operation: name, outcome }, (performance.now() - started) / 1_000)
          span.end()
        }
      })
    },
  }
}
