import type { JSONWebKeySet } from 'jose'
import { request } from 'undici'
import type { Resolve } from '../outward/address-guard.ts'
import { createListedOrigins, type OriginRules } from '../outward/listed-origins.ts'

/** Largest key set that is taken, in bytes, and how long it may take to come, in milliseconds. */
const BOUNDS = { maxBytes: 64 * 1024, headersMs: 3_000, totalMs: 5_000 }

export type FetchJwks = {
  /**
   * Reads a client's key set (RFC 7517 §5) from its `jwks_uri` (RFC 7591 §2): only at an origin that the operator listed,
   * without credentials, following no redirect, within bounds. Resolves to undefined for whatever is not a key set.
   */
  fetch(uri: string): Promise<JSONWebKeySet | undefined>
  close(): Promise<void>
}

export function createFetchJwks(rules: OriginRules, resolve?: Resolve): FetchJwks {
  const listed = createListedOrigins(
    rules,
    {
      maxResponseSize: BOUNDS.maxBytes,
      headersTimeout: BOUNDS.headersMs,
      bodyTimeout: BOUNDS.headersMs,
    },
    resolve,
  )
  return {
    async fetch(uri) {
      const at = listed.to(uri)
      if (!at) return undefined
      try {
        const { statusCode, body } = await request(at.url, {
          headers: { accept: 'application/jwk-set+json, application/json' },
          dispatcher: at.dispatcher,
          signal: AbortSignal.timeout(BOUNDS.totalMs),
        })
        const text = await body.text()
        const set = statusCode === 200 ? (JSON.parse(text) as Partial<JSONWebKeySet> | null) : undefined
        return Array.isArray(set?.keys) ? (set as JSONWebKeySet) : undefined
      } catch {
        return undefined
      }
    },
    close: listed.close,
  }
}
