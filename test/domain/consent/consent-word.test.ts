import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  readConsentWord,
  readFlags,
  readHandleWord,
  termsKey,
} from '../../../src/domain/consent/consent-word.ts'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import { seeded } from '../../seeded.ts'

const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })

describe('a consent word', () => {
  test('that was never written is silent, at version 0', () => {
    expect(readConsentWord(0n)).toMatchObject({
      state: 'silent',
      version: 0,
      minedAt: 0,
      fromDay: 0,
      untilDay: 0,
    })
  })

  test('is read field by field as the contract packs it', () => {
    const fields = fc.tuple(
      fc.constantFrom('silent', 'permit', 'objection'),
      uint(4),
      uint(16),
      uint(16),
      uint(24),
      uint(32),
      uint(160),
    )
    fc.assert(
      fc.property(fields, ([state, flags, fromDay, untilDay, version, minedAt, terms]) => {
        const packed =
          (BigInt(['silent', 'permit', 'objection'].indexOf(state)) << 254n) |
          (flags << 248n) |
          (fromDay << 232n) |
          (untilDay << 216n) |
          (version << 192n) |
          (minedAt << 160n) |
          terms
        expect(readConsentWord(packed)).toEqual({
          state,
          flags: readFlags(Number(flags)),
          fromDay: Number(fromDay),
          untilDay: Number(untilDay),
          version: Number(version),
          minedAt: Number(minedAt),
          terms: `0x${terms.toString(16).padStart(40, '0')}`,
        })
      }),
      seeded({ numRuns: 500 }),
    )
  })

  test('with a state or flag that this version does not know is refused, not guessed at (I3)', () => {
    expect(() => readConsentWord(3n << 254n)).toThrow(RangeError)
    expect(() => readConsentWord((1n << 254n) | (32n << 248n))).toThrow(RangeError)
  })

  test('says whether the custodian has approved what needs its approval', () => {
    expect(readConsentWord((1n << 254n) | (4n << 248n)).flags.approved).toBeUndefined()
    expect(readConsentWord((1n << 254n) | (20n << 248n)).flags).toMatchObject({
      needsApproval: true,
      approved: true,
    })
  })

  test('keeps the low 160 bits of the hash of the terms, whatever their case', () => {
    const hash = `0x${'12'.repeat(12)}${'AB'.repeat(20)}` as const
    expect(termsKey(hash)).toBe(`0x${'ab'.repeat(20)}`)
  })
})

test('each flag is a bit of its own', () => {
  const none = { snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false }
  expect(readFlags(0)).toEqual(none)
  expect(readFlags(1)).toEqual({ ...none, snapshotOnly: true })
  expect(readFlags(2)).toEqual({ ...none, mayBeReferredOn: true })
  expect(readFlags(4)).toEqual({ ...none, needsApproval: true })
  expect(readFlags(8)).toEqual({ ...none, laterMembersToo: true })
})

test('a handle word tells lock, recovery and epoch apart', () => {
  expect(readHandleWord(0n)).toEqual({
    ...{ locked: false, breakGlassOff: false, breakGlassVersion: 0 },
    ...{ recovery: 0, epoch: 0 },
  })
  expect(readHandleWord(1n | (7n << 32n))).toEqual({
    locked: true,
    breakGlassOff: false,
    breakGlassVersion: 0,
    recovery: 0,
    epoch: 7,
  })
  expect(readHandleWord(2n | (0xabn << 8n) | (0x1234n << 16n) | (0xffffffffn << 32n))).toEqual({
    locked: false,
    breakGlassOff: true,
    breakGlassVersion: 0x1234,
    recovery: 0xab,
    epoch: 0xffffffff,
  })
})

test('a handle word tells which permits wait to be confirmed after a recovery', () => {
  const word = (2_000n << 64n) | (1_000n << 96n) | (1n << 128n) | (3n << 16n)
  expect(readHandleWord(word)).toMatchObject({ epoch: 0, suspended: { from: 1_000, until: 2_000 } })
})

test('days are counted in UTC, from midnight to midnight', () => {
  expect(dayOf(0)).toBe(0)
  expect(dayOf(86_399_999)).toBe(0)
  expect(dayOf(86_400_000)).toBe(1)
  expect(dateOfDay(dayOf(Date.UTC(2024, 1, 29, 23, 59)))).toBe('2024-02-29')
})
