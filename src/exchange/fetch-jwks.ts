import type { JSONWebKeySet } from 'jose'
import { Agent, request } from 'undici'

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

/** True for a URL at one of these origins, without user, password or fragment. */
export function isAtOrigin(uri: string, origins: readonly string[]): boolean {
  if (!URL.canParse(uri) || uri.length > 1_024) return false
  const { origin, username, password, hash } = new URL(uri)
  // Compared as parsed, so that no other spelling of a host passes for one that is listed.
  return username === '' && password === '' && hash === '' && origins.includes(origin)
}

export function createFetchJwks({ origins }: { origins: readonly string[] }): FetchJwks {
  const dispatcher = new Agent({
    maxResponseSize: BOUNDS.maxBytes,
    headersTimeout: BOUNDS.headersMs,
    bodyTimeout: BOUNDS.headersMs,
  })
  return {
    async fetch(uri) {
      if (!isAtOrigin(uri, origins)) return undefined
      try {
        const { statusCode, body } = await request(uri, {
          headers: { accept: 'application/jwk-set+json, application/json' },
          dispatcher,
          signal: AbortSignal.timeout(BOUNDS.totalMs),
        })
        const text = await body.text()
        const set = statusCode === 200 ? (JSON.parse(text) as Partial<JSONWebKeySet> | null) : undefined
        return Array.isArray(set?.keys) ? (set as JSONWebKeySet) : undefined
      } catch {
        return undefined
      }
    },
    close: () => dispatcher.close(),
  }
}
