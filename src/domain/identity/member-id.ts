import { keccak_256 } from '@noble/hashes/sha3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type Hex, toHex } from '../hex.ts'
import type { Identifier } from './national-ids.ts'

/** The text form of a FHIR identifier used in ids, typed data and search: `system|value`. */
export function identifierText(identifier: Identifier): string {
  return `${identifier.system}|${identifier.value}`
}

/** @throws Error when the text holds no `|`. */
export function parseIdentifierText(text: string): Identifier {
  const bar = text.lastIndexOf('|')
  if (bar < 1 || bar === text.length - 1) throw new Error('An identifier is written system|value')
  return { system: text.slice(0, bar), value: text.slice(bar + 1) }
}

/** A member's id: keccak256 of its organisation's FHIR identifier, `system|value`. 32 bytes. */
export function memberId(identifier: Identifier | string): Hex {
  const text = typeof identifier === 'string' ? identifier : identifierText(identifier)
  return toHex(keccak_256(utf8ToBytes(text)))
}

/** A group's id: keccak256 of its name. 32 bytes. */
export function groupId(name: string): Hex {
  return toHex(keccak_256(utf8ToBytes(name)))
}
