import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Hex } from '../hex.ts'

/**
 * The id under which a grantee's broker shows one registered version: a UUID (version 8, RFC 9562) made from custodian
 * and tag, so that every replica gives the same id and the id tells nothing of the record.
 */
export function recordId(custodian: Hex, tag: Hex): string {
  const hash = sha256(utf8ToBytes(`wayleave/record/${custodian}/${tag}`)).slice(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = bytesToHex(hash)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
