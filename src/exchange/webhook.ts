import { request } from 'undici'
import type { Resolve } from '../outward/address-guard.ts'
import { createListedOrigins, type OriginRules } from '../outward/listed-origins.ts'

/** How long an endpoint may take to answer, in milliseconds, and how much of an answer is read, in bytes: nothing of it is used. */
const BOUNDS = { totalMs: 5_000, maxBytes: 64 * 1024 }

const EVENT_SIGNATURE_HEADER = 'wayleave-event-signature'

export type Webhooks = {
  /** Posts a message to a program of the hospital's own; resolves to the status, 0 where there was no answer or nobody may be asked. */
  post(url: string, bytes: Uint8Array, signature: string, type?: string): Promise<number>
  close(): Promise<void>
}

/** Follows no redirect: undici's request follows none. */
export function createWebhooks(rules: OriginRules, resolve?: Resolve): Webhooks {
  const listed = createListedOrigins(
    rules,
    {
      maxResponseSize: BOUNDS.maxBytes,
      headersTimeout: BOUNDS.totalMs,
      bodyTimeout: BOUNDS.totalMs,
    },
    resolve,
  )
  return {
    async post(url, bytes, signature, type = 'application/fhir+json') {
      const at = listed.to(url)
      if (!at) return 0
      try {
        const { statusCode, body } = await request(at.url, {
          method: 'POST',
          headers: { 'content-type': type, [EVENT_SIGNATURE_HEADER]: signature },
          body: Buffer.from(bytes),
          dispatcher: at.dispatcher,
          signal: AbortSignal.timeout(BOUNDS.totalMs),
        })
        await body.dump()
        return statusCode
      } catch {
        return 0
      }
    },
    close: listed.close,
  }
}
