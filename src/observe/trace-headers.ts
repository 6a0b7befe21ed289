import { context, propagation } from '@opentelemetry/api'

/**
 * What tells another member's broker of the trace that a call belongs to: `traceparent` (W3C Trace Context §3.2) and nothing
 * else. Empty without an SDK.
 */
export function traceHeaders(): { traceparent?: string } {
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent === undefined ? {} : { traceparent: carrier.traceparent }
}
