import { resourceTypeNumber, resourceTypeOf } from '../consent/data-classes.ts'

/**
 * What an entry says: a version registered, a record that left this compartment, or the compartment's end. A salt has 32
 * bytes, a reference 16.
 */
export type Pointer =
  | { kind: 'snapshot'; resourceType: string; id: string; versionId: string; salt: Uint8Array }
  | { kind: 'reference'; reference: Uint8Array; salt: Uint8Array }
  | { kind: 'retired'; resourceType: string; id: string }
  | { kind: 'closing' }

/** Bytes of a pointer in clear; sealed it is 28 longer, 160, the one length on the chain (I7). */
export const POINTER_BYTES = 132

const SALT_BYTES = 32
const REFERENCE_BYTES = 16

const KIND = { snapshot: 1, reference: 2, retired: 3, closing: 4 } as const

/**
 * Packs a pointer into 132 bytes: kind, then by kind: type number, length-prefixed id and version, 32-byte salt; the
 * rest is zero. Returns undefined where it does not fit: then a short reference names what the custodian keeps.
 */
export function encodePointer(pointer: Pointer): Uint8Array | undefined {
  const out = new Uint8Array(POINTER_BYTES)
  out[0] = KIND[pointer.kind]
  let at = 1
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value)
    if (!value.isWellFormed() || bytes.length > 255 || at + 1 + bytes.length > POINTER_BYTES) return false
    out[at++] = bytes.length
    out.set(bytes, at)
    at += bytes.length
    return true
  }
  const raw = (bytes: Uint8Array, length: number) => {
    if (bytes.length !== length || at + length > POINTER_BYTES) return false
    out.set(bytes, at)
    at += bytes.length
    return true
  }
  switch (pointer.kind) {
    case 'closing':
      return out
    case 'reference':
      return raw(pointer.salt, SALT_BYTES) && raw(pointer.reference, REFERENCE_BYTES) ? out : undefined
    case 'retired':
      out[at++] = resourceTypeNumber(pointer.resourceType)
      return text(pointer.id) ? out : undefined
    case 'snapshot':
      out[at++] = resourceTypeNumber(pointer.resourceType)
      return raw(pointer.salt, SALT_BYTES) && text(pointer.id) && text(pointer.versionId) ? out : undefined
  }
}

/** @throws RangeError when the bytes are no pointer of this layout. */
export function decodePointer(bytes: Uint8Array): Pointer {
  if (bytes.length !== POINTER_BYTES) throw new RangeError('A pointer has 132 bytes')
  let at = 1
  const raw = (length: number) => {
    if (at + length > POINTER_BYTES) throw new RangeError('A pointer cut short')
    at += length
    return bytes.slice(at - length, at)
  }
  const text = () => {
    const utf8 = raw(raw(1)[0] ?? 0)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8)
    } catch (cause) {
      throw new RangeError('A pointer with text that is not UTF-8', { cause })
    }
  }
  const type = () => {
    const name = resourceTypeOf(raw(1)[0] ?? 0)
    if (!name) throw new RangeError('A pointer to an unknown resource type')
    return name
  }
  switch (bytes[0]) {
    case KIND.closing:
      return { kind: 'closing' }
    case KIND.reference:
      return { kind: 'reference', salt: raw(SALT_BYTES), reference: raw(REFERENCE_BYTES) }
    case KIND.retired:
      return { kind: 'retired', resourceType: type(), id: text() }
    case KIND.snapshot: {
      const resourceType = type()
      const salt = raw(SALT_BYTES)
      return { kind: 'snapshot', resourceType, salt, id: text(), versionId: text() }
    }
    default:
      throw new RangeError('A pointer of an unknown kind')
  }
}
