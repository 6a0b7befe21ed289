import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RESOURCE_TYPES } from '../../../src/domain/consent/resource-types.ts'
import {
  decodePointer,
  encodePointer,
  POINTER_BYTES,
  type Pointer,
} from '../../../src/domain/records/pointer.ts'
import { seeded } from '../../seeded.ts'

const salt = Uint8Array.from(randomBytes(32))
const reference = Uint8Array.from(randomBytes(16))
const snapshot = (id: string, versionId: string): Pointer => ({
  kind: 'snapshot',
  resourceType: 'Condition',
  id,
  versionId,
  salt,
})

const encode = (pointer: Pointer): Uint8Array => {
  const bytes = encodePointer(pointer)
  if (!bytes) throw new Error('does not fit')
  return bytes
}

describe('every kind of pointer', () => {
  const kinds: Pointer[] = [
    snapshot('a', '1'),
    { kind: 'reference', reference, salt },
    { kind: 'retired', resourceType: 'Observation', id: 'x'.repeat(64) },
    { kind: 'closing' },
  ]
  test.each(kinds)('is read back as it was written, in 132 bytes: $kind', (pointer) => {
    const bytes = encode(pointer)
    expect(bytes).toHaveLength(POINTER_BYTES)
    expect(decodePointer(bytes)).toEqual(pointer)
  })

  test('names each of the resource types', () => {
    for (const resourceType of Object.keys(RESOURCE_TYPES)) {
      const pointer: Pointer = { kind: 'retired', resourceType, id: 'x' }
      expect(decodePointer(encode(pointer))).toEqual(pointer)
    }
  })

  test('is read back as it was written, whatever ids and versions it has, or said not to fit', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 90 })
    fc.assert(
      fc.property(text, text, (id, versionId) => {
        const pointer = snapshot(id, versionId)
        const length = new TextEncoder().encode(id + versionId).length
        const bytes = encodePointer(pointer)
        expect(bytes === undefined).toBe(length > POINTER_BYTES - 2 - 32 - 2)
        if (bytes) expect(decodePointer(bytes)).toEqual(pointer)
      }),
      seeded({ numRuns: 1_000 }),
    )
  })
})

describe('what does not fit is said, never cut', () => {
  test('an id and version of 96 bytes fit, of 97 do not', () => {
    expect(encodePointer(snapshot('a'.repeat(64), '1'.repeat(32)))).toHaveLength(POINTER_BYTES)
    expect(encodePointer(snapshot('a'.repeat(64), '1'.repeat(33)))).toBeUndefined()
    expect(encodePointer(snapshot('a'.repeat(97), ''))).toBeUndefined()
  })

  test('length counts in bytes, not in characters', () => {
    expect(encodePointer(snapshot('é'.repeat(48), ''))).toBeDefined()
    expect(encodePointer(snapshot('é'.repeat(48), 'x'))).toBeUndefined()
  })

  test.each([0, 31, 33])('a salt of %d bytes', (length) => {
    expect(encodePointer({ ...snapshot('a', '1'), salt: new Uint8Array(length) } as Pointer)).toBeUndefined()
    expect(encodePointer({ kind: 'reference', reference, salt: new Uint8Array(length) })).toBeUndefined()
  })

  test.each([0, 15, 17])('a reference of %d bytes', (length) => {
    expect(encodePointer({ kind: 'reference', reference: new Uint8Array(length), salt })).toBeUndefined()
  })

  test('a text that UTF-8 cannot hold', () => {
    expect(encodePointer(snapshot('\ud800', '1'))).toBeUndefined()
  })

  test('a resource type that is none is refused', () => {
    expect(() => encodePointer({ kind: 'retired', resourceType: 'Person2', id: 'x' })).toThrow()
  })
})

describe('bytes that are no pointer are refused', () => {
  test.each([
    ['too short', new Uint8Array(131)],
    ['too long', new Uint8Array(133)],
    ['of no kind', new Uint8Array(132)],
    ['of an unknown kind', Uint8Array.from({ length: 132 }, () => 5)],
    ['to an unknown resource type', Uint8Array.from({ length: 132 }, (_, i) => [3, 255][i] ?? 0)],
    ['with a text that runs over the end', Uint8Array.from({ length: 132 }, (_, i) => [3, 1, 200][i] ?? 65)],
    ['with a text that is not UTF-8', Uint8Array.from({ length: 132 }, (_, i) => [3, 1, 1, 0xff][i] ?? 0)],
  ])('%s', (_what, bytes) => expect(() => decodePointer(bytes)).toThrow(RangeError))

  test('with one error or another way of being read, never with a crash', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 132, maxLength: 132 }),
        fc.integer({ min: 1, max: 4 }),
        (bytes, kind) => {
          bytes[0] = kind
          try {
            decodePointer(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        },
      ),
      seeded({ numRuns: 1_000 }),
    )
  })
})
