import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encodePointer, type Pointer } from '../../../src/domain/records/pointer.ts'
import {
  type EntryPlace,
  openPointer,
  SEALED_POINTER_BYTES,
  sealPointer,
} from '../../../src/domain/records/pointer-seal.ts'

const key = randomBytes(32)
const place: EntryPlace = { chainId: 31_337, contract: `0x${'ab'.repeat(20)}`, tag: `0x${'01'.repeat(32)}` }
const nonce = randomBytes(12)
const clear = randomBytes(132)
const sealed = sealPointer(key, place, nonce, clear)

describe('a sealed pointer', () => {
  test('has 160 bytes, whatever it says (I7)', () => {
    const salt = randomBytes(32)
    const pointers: Pointer[] = [
      { kind: 'closing' },
      { kind: 'retired', resourceType: 'Condition', id: 'x' },
      { kind: 'reference', reference: randomBytes(16), salt },
      { kind: 'snapshot', resourceType: 'Condition', id: 'x'.repeat(64), versionId: '1', salt },
    ]
    for (const pointer of pointers) {
      const bytes = encodePointer(pointer)
      expect(bytes && sealPointer(key, place, randomBytes(12), bytes)).toHaveLength(SEALED_POINTER_BYTES)
    }
  })

  test('opens with its key at its place', () => {
    expect(Buffer.from(openPointer(key, place, sealed))).toEqual(clear)
    const checksummed = { ...place, contract: `0x${'aB'.repeat(20)}` as const }
    expect(Buffer.from(openPointer(key, checksummed, sealed))).toEqual(clear)
  })

  test('does not open with another key', () => {
    expect(() => openPointer(randomBytes(32), place, sealed)).toThrow()
  })

  test.each<[string, EntryPlace]>([
    ['on another chain', { ...place, chainId: 1 }],
    ['of another contract', { ...place, contract: `0x${'ac'.repeat(20)}` }],
    ['under another tag', { ...place, tag: `0x${'02'.repeat(32)}` }],
  ])('does not open %s', (_where, elsewhere) => {
    expect(() => openPointer(key, elsewhere, sealed)).toThrow()
  })

  test('does not open with any bit changed', () => {
    for (let bit = 0; bit < SEALED_POINTER_BYTES * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => openPointer(key, place, changed), `bit ${bit}`).toThrow()
    }
  })

  test.each([0, 159, 161])('does not open with %d bytes', (length) => {
    expect(() => openPointer(key, place, new Uint8Array(length))).toThrow(RangeError)
  })

  test('is not made from a pointer or nonce of another length, since its own would tell', () => {
    expect(() => sealPointer(key, place, nonce, randomBytes(131))).toThrow(RangeError)
    expect(() => sealPointer(key, place, randomBytes(16), clear)).toThrow(RangeError)
  })
})
