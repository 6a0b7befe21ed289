/**
 * Which call a piece of work belongs to: the id by which caller and operator name it (`X-Request-Id`), and its place in a
 * distributed trace (W3C Trace Context, Level 1). It follows the work through everything that is awaited, into the log and
 * on to the other broker and the FHIR server.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes, randomUUID } from 'node:crypto'
import { traceHeaders } from './trace-headers.ts'

export type CallContext = {
  requestId: string
  /** 32 hex digits: the caller's, or drawn here. */
  traceId: string
  /** 16 hex digits: this broker's own part of the trace. */
  spanId: string
  /** Two hex digits: whether the caller records the trace. */
  flags: string
}

/**
 * A UUID, a ULID, or 32 hex digits. No other text is taken from a caller: it goes into logs, and whoever may choose it freely
 * may put a patient's number there.
 */
const REQUEST_ID =
  /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-7][0-9A-HJKMNP-TV-Z]{25})$/i

/** The caller's id for its request where it is well-formed, and one of ours otherwise. */
export const requestIdOf = (header: unknown, draw: () => string = randomUUID): string =>
  typeof header === 'string' && REQUEST_ID.test(header) ? header : draw()

/** W3C Trace Context §3.2.2: later versions may add fields behind these; version ff is none, and ids of zeros are none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?$/

/** A call that begins: it goes on with the caller's trace, or starts one. `tracestate` is not kept: it may hold anything. */
export function beginCall(requestId: string, traceparent: unknown): CallContext {
  const [, traceId, flags] =
    (typeof traceparent === 'string' && traceparent.length <= 512 && TRACEPARENT.exec(traceparent)) || []
  return {
    requestId,
    traceId: traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    // Of the flags only `sampled` is defined (§3.2.2.5).
    flags: flags && Number.parseInt(flags, 16) & 1 ? '01' : '00',
  }
}

const calls = new AsyncLocalStorage<CallContext>()

/** Runs work, and whatever it goes on to, as part of a call. */
export const inCall = <T>(context: CallContext, work: () => T): T => calls.run(context, work)

/**
 * What a call sends along when it asks somebody else; nothing outside a call. Where traces are collected, the span that is open
 * now is the parent.
 */
export function callHeaders(): Record<string, string> {
  const context = calls.getStore()
  if (!context) return { ...traceHeaders() }
  const { requestId, traceId, spanId, flags } = context
  return { 'x-request-id': requestId, traceparent: `00-${traceId}-${spanId}-${flags}`, ...traceHeaders() }
}

/** Where in a trace a line of the log belongs; nothing outside a call. */
export function callTrace(): { trace?: string; span?: string } {
  const context = calls.getStore()
  return context ? { trace: context.traceId, span: context.spanId } : {}
}
