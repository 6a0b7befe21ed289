import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type Hex, toHex } from '../hex.ts'

/** Whom a scope names: one organisation, a council-kept group, or everyone. Ordered from the most specific. */
export const GRANTEE_TYPES = ['Organization', 'Group', 'Everyone'] as const
export type GranteeType = (typeof GRANTEE_TYPES)[number]

/**
 * Who and why, in clear. `grantee` is the organisation's identifier as `system|value`, the group's name, or empty for
 * everyone; `purpose` is a PurposeOfUse code, the root meaning any.
 */
export type Scope = { granteeType: GranteeType; grantee: string; purpose: string }

/** A scope with its salt: what the patient signs, and what only patient and custodian hold. */
export type SaltedScope = Scope & { salt: Hex }

/**
 * One salt for each scope, so that the same party and purpose always meet the same slot on the chain, and nobody without
 * the scope secret can test a guess against it (design §4).
 */
export function saltedScope(scopeSecret: Uint8Array, scope: Scope): SaltedScope {
  const { granteeType, grantee, purpose } = scope
  const message = utf8ToBytes(JSON.stringify([granteeType, grantee, purpose]))
  return { granteeType, grantee, purpose, salt: toHex(hmac(sha256, scopeSecret, message)) }
}
