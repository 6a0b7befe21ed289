import { expect, test } from 'vitest'
import { keptFrom, retentionOf } from '../../../src/domain/audit/retention.ts'

test('a law’s own period is the shortest: more may be kept for, and less not', () => {
  expect(retentionOf({ jurisdiction: 'CH' })).toEqual({ jurisdiction: 'CH', years: 10 })
  expect(retentionOf({ jurisdiction: 'NL', years: 20 }).years).toBe(20)
  expect(() => retentionOf({ jurisdiction: 'CH', years: 9 })).toThrow(/CH asks for 10 years/)
})

test('for a country that is in no list the hospital says how long', () => {
  expect(retentionOf({ jurisdiction: 'SE', years: 7 }).years).toBe(7)
  expect(() => retentionOf({ jurisdiction: 'SE' })).toThrow(/how many years/)
})

test('years are those of the calendar', () => {
  const now = Date.parse('2026-11-29T03:00:00Z')
  expect(keptFrom({ jurisdiction: 'NL', years: 5 }, now)).toBe('2021-11-29T03:00:00.000Z')
  // 29 February, five years on, is the first day of March.
  expect(keptFrom({ jurisdiction: 'NL', years: 5 }, Date.parse('2028-02-29T00:00:00Z'))).toBe(
    '2023-03-01T00:00:00.000Z',
  )
})
