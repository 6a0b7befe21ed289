import { id } from 'ethers'
import { describe, expect, test } from 'vitest'
import {
  groupId,
  identifierText,
  memberId,
  parseIdentifierText,
} from '../../../src/domain/identity/member-id.ts'

const hospital = { system: 'urn:oid:2.999.1', value: 'hospital-a' }

describe('a member id', () => {
  test('is keccak256 of system|value, as the council computes it', () => {
    expect(memberId(hospital)).toBe(id('urn:oid:2.999.1|hospital-a'))
    expect(memberId('urn:oid:2.999.1|hospital-a')).toBe(memberId(hospital))
  })

  test('differs where system or value differs', () => {
    expect(memberId({ ...hospital, value: 'Hospital-A' })).not.toBe(memberId(hospital))
    expect(memberId({ ...hospital, system: 'urn:oid:2.999.2' })).not.toBe(memberId(hospital))
  })

  test('of a group is keccak256 of its name', () => {
    expect(groupId('gp-practices')).toBe(id('gp-practices'))
  })
})

describe('an identifier in text', () => {
  test.each([
    hospital,
    { system: 'http://example.org/a?x=1|2', value: '7' },
    { system: 'urn:x', value: 'é 1' },
  ])('is read back as it was written: $system', (identifier) =>
    expect(parseIdentifierText(identifierText(identifier))).toEqual(identifier),
  )

  test.each(['', '|', 'value', '|value', 'system|'])('is refused without system or value: "%s"', (text) => {
    expect(() => parseIdentifierText(text)).toThrow()
  })
})
