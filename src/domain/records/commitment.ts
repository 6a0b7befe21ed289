import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'
import type { Content } from './contents.ts'

/** What every FHIR server sets by itself, and so is no part of what was written. */
const SERVER_META = ['versionId', 'lastUpdated', 'source'] as const

/** The RFC 8785 form of a resource version without its server-set `meta.versionId`, `lastUpdated` and `source`. */
export function canonicalResource(resource: Record<string, unknown>): string {
  const text = canonicalize(withoutServerMeta(resource))
  if (text === undefined) throw new TypeError('A resource has a canonical form')
  return text
}

function withoutServerMeta(resource: Record<string, unknown>): Record<string, unknown> {
  const { meta, ...rest } = resource
  // A meta that is no object is no FHIR, but it is part of what was written all the same.
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return resource
  const kept: Record<string, unknown> = { ...meta }
  for (const name of SERVER_META) delete kept[name]
  return Object.keys(kept).length > 0 ? { ...rest, meta: kept } : rest
}

/**
 * The commitment to a resource version: SHA-256 over its 32-byte salt and its canonical form (design §5), and, where it has
 * contents outside of itself, a line feed and the RFC 8785 form of their list.
 */
export function commitmentOf(
  salt: Uint8Array,
  resource: Record<string, unknown>,
  contents: readonly Content[] = [],
): Hex {
  const own = [salt, utf8ToBytes(canonicalResource(resource))]
  if (contents.length === 0) return toHex(sha256(concatBytes(...own)))
  // Only what a content is, lest a field more in the list be a commitment of its own.
  const list = contents.map(({ url, contentType, size, sha256 }) => ({ url, contentType, size, sha256 }))
  return toHex(sha256(concatBytes(...own, utf8ToBytes(`\n${canonicalize(list) ?? ''}`))))
}
