import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, type Hex, toHex } from '../../../src/domain/hex.ts'
import { custodianPath } from '../../../src/domain/identity/derivation-path.ts'
import { seeded } from '../../seeded.ts'

const ZERO = `0x${'00'.repeat(32)}` as const
const ONES = `0x${'ff'.repeat(32)}` as const
const members = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)

test('the path is the purpose, nine levels of the member id and the replacement number, all hardened', () => {
  expect(custodianPath(ZERO)).toBe("m/7823'/0'/0'/0'/0'/0'/0'/0'/0'/0'/0'")
  const full = `${0x7fffffff}'`
  expect(custodianPath(ONES, 7)).toBe(`m/7823'/${Array(8).fill(full).join('/')}/255'/7'`)
})

test('the member id is cut from its most significant bit, the last byte alone at the end', () => {
  const first = `0x80${'00'.repeat(31)}` as const
  expect(custodianPath(first)).toBe(`m/7823'/${0x40000000}'/0'/0'/0'/0'/0'/0'/0'/0'/0'`)
  const last = `0x${'00'.repeat(31)}2a` as const
  expect(custodianPath(last)).toBe("m/7823'/0'/0'/0'/0'/0'/0'/0'/0'/42'/0'")
})

test('no two custodians, and no two replacements, have one path', () => {
  fc.assert(
    fc.property(members, members, fc.nat(), fc.nat(), (one, other, r, s) => {
      const same = one === other && r === s
      expect(custodianPath(one, r) === custodianPath(other, s)).toBe(same)
    }),
    seeded({ numRuns: 500 }),
  )
})

test('the whole id can be read back from the path, and every level is a valid BIP-32 index', () => {
  fc.assert(
    fc.property(members, (member) => {
      const levels = custodianPath(member)
        .split('/')
        .slice(1)
        .map((level) => BigInt(level.replace("'", '')))
      for (const level of levels) expect(level).toBeLessThan(2n ** 31n)
      const id = levels.slice(1, 9).reduce((bits, level) => (bits << 31n) | level, 0n)
      expect((id << 8n) | (levels[9] ?? 0n)).toBe(BigInt(member))
    }),
    seeded({ numRuns: 500 }),
  )
})

test.each([-1, 1.5, 2 ** 31, Number.NaN])('a replacement number %d is refused', (replacement) => {
  expect(() => custodianPath(ZERO, replacement)).toThrow(RangeError)
})

test.each(['0x', `0x${'00'.repeat(31)}`, `0x${'00'.repeat(33)}`])('a member id %s is refused', (member) => {
  expect(() => custodianPath(member as Hex)).toThrow(RangeError)
})

test('upper-case hexadecimal names the same member', () => {
  const member = toHex(fromHex('ab'.repeat(32)))
  expect(custodianPath(`0x${'AB'.repeat(32)}`)).toBe(custodianPath(member))
})
