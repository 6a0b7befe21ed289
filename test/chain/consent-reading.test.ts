import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeReading, encodeRead } from '../../src/chain/consent-reader.ts'
import { ConsentRegistry__factory } from '../../src/chain/contracts.ts'
import { readConsentWord, readHandleWord } from '../../src/domain/consent/consent-word.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { seeded } from '../seeded.ts'

const contract = ConsentRegistry__factory.createInterface()
const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
/** States 0 to 2, and no flag that no contract sets. */
const word = fc
  .tuple(uint(253), fc.integer({ min: 0, max: 2 }))
  .map(([low, state]) => (BigInt(state) << 254n) | low)
const member = fc.record({
  status: fc.bigInt({ min: 0n, max: 2n }),
  generation: uint(32),
  admittedAt: uint(40),
  roles: uint(16),
})
const reading = fc.record({
  blockNumber: uint(50),
  blockTime: uint(40),
  custodian: hash,
  handleWord: uint(128),
  holder: member,
  grantee: member,
  words: fc.array(word, { maxLength: 30 }),
  joinedAt: fc.array(uint(40), { maxLength: 10 }),
})

describe('What a decision reads from the chain', () => {
  test('is asked for in the very bytes that the contract’s own description gives', () => {
    const query = fc.record({
      handle: hash,
      scopes: fc.array(hash, { maxLength: 30 }),
      requester: hash,
      groups: fc.array(hash, { maxLength: 10 }),
    })
    fc.assert(
      fc.property(query, (of) => {
        const args = [of.handle, of.scopes, of.requester, of.groups] as const
        expect(encodeRead(of)).toBe(contract.encodeFunctionData('read', [...args]))
      }),
      seeded({ numRuns: 200 }),
    )
  })

  test('is read as the contract’s own description reads it', () => {
    fc.assert(
      fc.property(reading, (of) => {
        const decoded = decodeReading(contract.encodeFunctionResult('read', [of as never]))
        const standing = (m: typeof of.holder, role: bigint) => ({
          live: m.status === 1n && (m.roles & role) !== 0n,
          admittedAt: Number(m.admittedAt),
        })
        expect(decoded).toEqual({
          block: Number(of.blockNumber),
          custodian: of.custodian,
          bound: BigInt(of.custodian) !== 0n,
          handle: readHandleWord(of.handleWord),
          holder: standing(of.holder, 1n),
          requester: standing(of.grantee, 2n),
          words: of.words.map((w) => readConsentWord(w)),
          joinedAt: of.joinedAt.map(Number),
        })
      }),
      seeded({ numRuns: 200 }),
    )
  })

  test('is nothing at all where the answer was cut short, wherever that was', () => {
    fc.assert(
      fc.property(reading, fc.double({ min: 0, max: 1, noNaN: true }), (of, share) => {
        const whole = contract.encodeFunctionResult('read', [of as never])
        const cut = whole.slice(0, Math.floor((whole.length - 1) * share))
        expect(() => decodeReading(cut)).toThrow(RangeError)
      }),
      seeded({ numRuns: 200 }),
    )
  })
})
