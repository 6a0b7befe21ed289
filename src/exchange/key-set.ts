import { createLocalJWKSet, type JSONWebKeySet } from 'jose'

const known = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>()

/** The keys of a JWKS (RFC 7517 §5), each imported once as long as the same object is asked about. */
export function keySetOf(jwks: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  const before = known.get(jwks)
  if (before) return before
  const keys = createLocalJWKSet(jwks)
  known.set(jwks, keys)
  return keys
}
