import { Agent, request } from 'undici'

/** How long an endpoint may take to answer, in milliseconds, and how much of an answer is read, in bytes: nothing of it is used. */
const BOUNDS = { totalMs: 5_000, maxBytes: 64 * 1024 }

const EVENT_SIGNATURE_HEADER = 'wayleave-event-signature'

export type Webhooks = {
  /** Posts a message to a program of the hospital's own; resolves to the status, 0 where there was no answer. */
  post(url: string, bytes: Uint8Array, signature: string): Promise<number>
  close(): Promise<void>
}

/** Follows no redirect: undici's request follows none. */
export function createWebhooks(): Webhooks {
  const dispatcher = new Agent({
    maxResponseSize: BOUNDS.maxBytes,
    headersTimeout: BOUNDS.totalMs,
    bodyTimeout: BOUNDS.totalMs,
  })
  return {
    async post(url, bytes, signature) {
      try {
        const { statusCode, body } = await request(url, {
          method: 'POST',
          headers: { 'content-type': 'application/fhir+json', [EVENT_SIGNATURE_HEADER]: signature },
          body: Buffer.from(bytes),
          dispatcher,
          signal: AbortSignal.timeout(BOUNDS.totalMs),
        })
        await body.dump()
        return statusCode
      } catch {
        return 0
      }
    },
    close: () => dispatcher.close(),
  }
}
