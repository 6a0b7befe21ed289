import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type Terms, termsCover } from '../consent/terms.ts'
import { type Hex, toHex } from '../hex.ts'

/** Where a patient's pointers lie: one data class and one set of sensitive kinds (design §5). */
export type Compartment = { dataClass: string; kinds: readonly string[] }

/** The compartment's name, `class` or `class+KIND+KIND`, kinds sorted: the same set has one name. */
export function compartmentName({ dataClass, kinds }: Compartment): string {
  return [dataClass, ...[...new Set(kinds)].sort()].join('+')
}

export function compartmentOf(name: string): Compartment {
  const [dataClass = '', ...kinds] = name.split('+')
  return { dataClass, kinds }
}

/** HKDF-SHA-256 of the pointer key for one compartment; 32 bytes. Whoever holds it reads this compartment and no other. */
export function compartmentKey(pointerKey: Uint8Array, name: string): Uint8Array {
  return hkdf(sha256, pointerKey, undefined, utf8ToBytes(`wayleave/compartment/${name}`), 32)
}

/** The two keys that a compartment key yields: one names entries, the other seals them. */
export type EntryKeys = { tagKey: Uint8Array; sealKey: Uint8Array }

export function entryKeys(key: Uint8Array): EntryKeys {
  return {
    tagKey: hkdf(sha256, key, undefined, utf8ToBytes('wayleave/tag'), 32),
    sealKey: hkdf(sha256, key, undefined, utf8ToBytes('wayleave/seal'), 32),
  }
}

/** The tag of entry `i` (0, 1, 2 …): HMAC-SHA-256(tag key, i as 8 bytes big-endian); 32 bytes. */
export function entryTag(tagKey: Uint8Array, i: number): Hex {
  const position = new Uint8Array(8)
  new DataView(position.buffer).setBigUint64(0, BigInt(i))
  return toHex(hmac(sha256, tagKey, position))
}

/** Whether terms open the whole compartment, so that its key may be shared. */
export function opensInFull(terms: Terms, compartment: Compartment): boolean {
  return termsCover(terms, compartment.dataClass, compartment.kinds) === 'covered'
}
