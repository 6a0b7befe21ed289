import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { normalTerms } from '../../../src/domain/consent/terms.ts'
import {
  compartmentKey,
  compartmentName,
  compartmentOf,
  entryKeys,
  entryTag,
  opensInFull,
} from '../../../src/domain/records/compartments.ts'
import { openPointer, sealPointer } from '../../../src/domain/records/pointer-seal.ts'

const pointerKey = Uint8Array.from({ length: 32 }, (_, i) => i)
const NAMES = ['problems', 'laboratory', 'problems+HIV', 'problems+PSY', 'problems+HIV+PSY', 'laboratory+HIV']
const hex = (bytes: Uint8Array | ArrayBuffer) => Buffer.from(bytes as Uint8Array).toString('hex')

describe('a compartment', () => {
  test('has one name for one class and one set of kinds, however the set is written', () => {
    expect(compartmentName({ dataClass: 'problems', kinds: [] })).toBe('problems')
    const name = 'problems+HIV+PSY'
    expect(compartmentName({ dataClass: 'problems', kinds: ['PSY', 'HIV'] })).toBe(name)
    expect(compartmentName({ dataClass: 'problems', kinds: ['HIV', 'PSY', 'HIV'] })).toBe(name)
  })

  test.each(NAMES)('is named so that class and kinds are read back: %s', (name) => {
    expect(compartmentName(compartmentOf(name))).toBe(name)
  })
})

describe('the keys', () => {
  const key = compartmentKey(pointerKey, 'problems+HIV')

  test('are HKDF-SHA-256 of the pointer key by name, and tags HMAC-SHA-256 of the number', () => {
    const derive = (from: Uint8Array, info: string) => new Uint8Array(hkdfSync('sha256', from, '', info, 32))
    expect(hex(key)).toBe(hex(derive(pointerKey, 'wayleave/compartment/problems+HIV')))
    const { tagKey, sealKey } = entryKeys(key)
    expect(hex(tagKey)).toBe(hex(derive(key, 'wayleave/tag')))
    expect(hex(sealKey)).toBe(hex(derive(key, 'wayleave/seal')))
    const position = Buffer.from('0000000000000102', 'hex')
    expect(entryTag(tagKey, 0x102)).toBe(`0x${createHmac('sha256', tagKey).update(position).digest('hex')}`)
  })

  test('are never those of another class, set of kinds, use, or pointer key', () => {
    const keys = [pointerKey, Uint8Array.from(randomBytes(32))].flatMap((from) =>
      NAMES.flatMap((name) => {
        const of = compartmentKey(from, name)
        const { tagKey, sealKey } = entryKeys(of)
        return [of, tagKey, sealKey]
      }),
    )
    expect(new Set(keys.map(hex)).size).toBe(keys.length)
  })
})

describe('who was granted one compartment', () => {
  const place = { chainId: 1, contract: `0x${'11'.repeat(20)}` as const }
  /** Everything that anybody may compute from one compartment's key: tags of the first numbers, for every name. */
  const tagsReachable = (key: Uint8Array) => {
    const derived = [key, ...NAMES.map((name) => compartmentKey(key, name))]
    return derived.flatMap((k) => {
      const { tagKey, sealKey } = entryKeys(k)
      return [k, tagKey, sealKey].flatMap((with_) => Array.from({ length: 10 }, (_, i) => entryTag(with_, i)))
    })
  }

  test.each(NAMES)('can neither find nor count the entries of any other: %s', (granted) => {
    const reachable = new Set(tagsReachable(compartmentKey(pointerKey, granted)))
    for (const other of NAMES.filter((name) => name !== granted)) {
      const { tagKey } = entryKeys(compartmentKey(pointerKey, other))
      for (let i = 0; i < 10; i++) expect(reachable.has(entryTag(tagKey, i)), `${other} ${i}`).toBe(false)
    }
    const { tagKey } = entryKeys(compartmentKey(pointerKey, granted))
    expect(reachable.has(entryTag(tagKey, 3))).toBe(true)
  })

  test.each(NAMES)('nor open them, even when told where they are: %s', (granted) => {
    const key = compartmentKey(pointerKey, granted)
    const { tagKey, sealKey } = entryKeys(key)
    for (const other of NAMES.filter((name) => name !== granted)) {
      const theirs = entryKeys(compartmentKey(pointerKey, other))
      const tag = entryTag(theirs.tagKey, 0)
      const sealed = sealPointer(theirs.sealKey, { ...place, tag }, randomBytes(12), new Uint8Array(132))
      for (const own of [key, tagKey, sealKey])
        expect(() => openPointer(own, { ...place, tag }, sealed)).toThrow()
    }
  })
})

describe('a compartment is opened in full', () => {
  const terms = (dataClasses: string[], sensitivities: string[]) =>
    normalTerms({ dataClasses, sensitivities })
  test.each([
    ['when its class is named and it holds nothing sensitive', 'problems', terms(['problems'], []), true],
    ['not when its class is not named', 'laboratory', terms(['problems'], []), false],
    ['not when one of its kinds is not allowed', 'problems+HIV+PSY', terms(['problems'], ['HIV']), false],
    ['when all its kinds are allowed', 'problems+HIV+PSY', terms(['problems'], ['HIV', 'PSY']), true],
    ['when a kind above its own is allowed', 'problems+OPIOIDUD', terms(['problems'], ['ETH']), true],
    ['never when it holds what is very restricted', 'problems+V', terms(['problems'], ['V']), false],
    ['never when it holds an unknown kind', 'problems+NEW', terms(['problems'], ['NEW']), false],
  ])('%s', (_when, name, given, opened) => {
    expect(opensInFull(given, compartmentOf(name))).toBe(opened)
  })
})
