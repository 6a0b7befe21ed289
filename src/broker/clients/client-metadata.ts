import type { JSONWebKeySet, JWK } from 'jose'
import { wayleaveError } from '../../domain/errors.ts'
import { isAtOrigin } from '../../outward/listed-origins.ts'
import { CLIENT_SCOPES } from './scopes.ts'

/** What is registered of a program: its public keys, or where they are. */
export type ClientMetadata = {
  name: string
  scopes: string[]
  keys: { jwks: JSONWebKeySet } | { jwksUri: string }
}

const MOST_KEYS = 10
/** Members of a JWK that are private (RFC 7518 §6): whoever sends one has published it. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads client metadata (RFC 7591 §2) of a confidential client for `client_credentials` with `private_key_jwt`.
 * @param origins where a `jwks_uri` may be
 * @throws WayleaveError `client-metadata-invalid`
 */
export function readClientMetadata(body: unknown, origins: readonly string[]): ClientMetadata {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const { client_name: name, scope, jwks, jwks_uri: uri } = given
  const {
    token_endpoint_auth_method: method = 'private_key_jwt',
    grant_types: grants = ['client_credentials'],
  } = given
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200) throw invalid('client_name')
  if (method !== 'private_key_jwt') throw invalid('token_endpoint_auth_method')
  if (!Array.isArray(grants) || grants.length !== 1 || grants[0] !== 'client_credentials')
    throw invalid('grant_types')
  const scopes = typeof scope === 'string' ? [...new Set(scope.split(' ').filter(Boolean))] : []
  if (scopes.length === 0 || !scopes.every((one) => CLIENT_SCOPES.includes(one))) throw invalid('scope')
  if ((jwks === undefined) === (uri === undefined)) throw invalid('jwks or jwks_uri, not both')
  if (uri === undefined) return { name, scopes, keys: { jwks: readKeys(jwks) } }
  if (typeof uri !== 'string' || !isAtOrigin(uri, origins))
    throw invalid('jwks_uri at no origin that is listed')
  return { name, scopes, keys: { jwksUri: uri } }
}

function readKeys(jwks: unknown): JSONWebKeySet {
  const { keys } = (jwks ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_KEYS) throw invalid('jwks.keys')
  if (!keys.every(isUsableKey)) throw invalid('a key that is private, weak, without kid, or of another kind')
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw invalid('two keys with one kid')
  return { keys }
}

/** A public key for ES256, ES384, RS384 or PS384, named by a `kid`. */
export function isUsableKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false
  const { kid, kty, crv, n, x, y, use = 'sig' } = key as JWK
  if (PRIVATE_MEMBERS.some((member) => member in key) || use !== 'sig') return false
  if (typeof kid !== 'string' || kid === '' || kid.length > 256) return false
  if (kty === 'EC') {
    const bytes = crv === 'P-256' ? 32 : crv === 'P-384' ? 48 : 0
    return [x, y].every((part) => typeof part === 'string' && Buffer.from(part, 'base64url').length === bytes)
  }
  // 2,048 bits and no fewer, as RFC 7518 §3.3 asks.
  const bytes = typeof n === 'string' ? Buffer.from(n, 'base64url').length : 0
  return kty === 'RSA' && bytes >= 256 && bytes <= 1_024
}

const invalid = (what: string) => wayleaveError('client-metadata-invalid', what)
