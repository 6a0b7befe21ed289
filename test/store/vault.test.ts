import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createVault, open, openJson, seal, sealJson } from '../../src/store/vault.ts'

const key = randomBytes(32)

describe('what is sealed', () => {
  test('opens with its key, whatever its length', () => {
    for (const length of [0, 1, 15, 16, 17, 5_000]) {
      const clear = randomBytes(length)
      expect(Buffer.from(open(key, seal(key, clear)))).toEqual(clear)
    }
    expect(openJson(key, sealJson(key, { a: [1, 'ü'] }))).toEqual({ a: [1, 'ü'] })
  })

  test('does not open with another key, nor with any bit changed', () => {
    const sealed = seal(key, Buffer.from('a handle'))
    expect(() => open(randomBytes(32), sealed)).toThrow()
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => open(key, changed), `bit ${bit}`).toThrow()
    }
  })

  test('does not open when it is cut short, nor with a shortened authentication tag', () => {
    const sealed = seal(key, Buffer.from('a handle'))
    for (let length = 0; length < sealed.length; length++) {
      expect(() => open(key, sealed.subarray(0, length)), `${length} bytes`).toThrow()
    }
  })

  test('is never twice the same, so equal secrets cannot be told to be equal', () => {
    expect(seal(key, Buffer.from('x'))).not.toEqual(seal(key, Buffer.from('x')))
  })
})

describe('the vault', () => {
  const kek = randomBytes(32)
  const vault = createVault(kek)

  test('wraps patient keys so that only the same key-encryption key unwraps them', () => {
    const wrapped = vault.wrapKey(key)
    expect(Buffer.from(createVault(kek).unwrapKey(wrapped))).toEqual(key)
    expect(() => createVault(randomBytes(32)).unwrapKey(wrapped)).toThrow()
  })

  test('finds a row by a keyed hash that another hospital, or another kind of value, does not share', () => {
    expect(createVault(kek).lookup('identifier', 'a|1')).toBe(vault.lookup('identifier', 'a|1'))
    expect(createVault(randomBytes(32)).lookup('identifier', 'a|1')).not.toBe(
      vault.lookup('identifier', 'a|1'),
    )
    expect(vault.lookup('handle', 'a|1')).not.toBe(vault.lookup('identifier', 'a|1'))
    expect(vault.lookup('a', 'bc')).not.toBe(vault.lookup('ab', 'c'))
  })

  test('uses one key for each use', () => {
    expect(() => open(vault.storeKey, vault.wrapKey(key))).toThrow()
    expect(() => open(kek, vault.wrapKey(key))).toThrow()
  })

  test('is not made from a key of the wrong length', () => {
    for (const length of [0, 16, 31, 33]) {
      expect(() => createVault(randomBytes(length)), `${length}`).toThrow(RangeError)
    }
  })
})
