import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'

/** What every FHIR server sets by itself, and so is no part of what was written. */
const SERVER_META = ['versionId', 'lastUpdated', 'source'] as const

/** The RFC 8785 form of a resource version without its server-set `meta.versionId`, `lastUpdated` and `source`. */
export function canonicalResource(resource: Record<string, unknown>): string {
  const { meta, ...rest } = resource
  const kept: Record<string, unknown> = meta && typeof meta === 'object' ? { ...meta } : {}
  for (const name of SERVER_META) delete kept[name]
  const bare = Object.keys(kept).length > 0 ? { ...rest, meta: kept } : rest
  const text = canonicalize(bare)
  if (text === undefined) throw new TypeError('A resource has a canonical form')
  return text
}

/** The commitment to a resource version: SHA-256 over its 32-byte salt and its canonical form (design §5). */
export function commitmentOf(salt: Uint8Array, resource: Record<string, unknown>): Hex {
  return toHex(sha256(concatBytes(salt, utf8ToBytes(canonicalResource(resource)))))
}
