import { keccak_256 } from '@noble/hashes/sha3.js'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'
import type { AuditEntry } from './audit-entry.ts'

/** A leaf of a window's tree: keccak256 of salt and RFC 8785 form, so that no leaf can be guessed at. */
export function leafOf(salt: Uint8Array, entry: AuditEntry): Hex {
  return toHex(keccak_256(Buffer.concat([salt, Buffer.from(canonicalize(entry) ?? '')])))
}
