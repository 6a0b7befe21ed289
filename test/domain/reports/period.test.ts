import { describe, expect, test } from 'vitest'
import { errorCodeOf, WayleaveError } from '../../../src/domain/errors.ts'
import { inZone, readPeriod } from '../../../src/domain/reports/period.ts'

const NOW = Date.parse('2026-07-01T12:00:00Z')

describe('days of a report', () => {
  test.each([
    // Summer time begins: the day has 23 hours. It ends: 25.
    ['Europe/Amsterdam', '2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['Europe/Amsterdam', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    // There was no midnight: clocks went from 23:59 to 01:00.
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', '2018-11-05T02:00:00.000Z'],
    // A quarter of an hour off, and a day that is over before it begins elsewhere.
    ['Asia/Kathmandu', '2026-01-01', '2025-12-31T18:15:00.000Z', '2026-01-01T18:15:00.000Z'],
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00.000Z', '2026-01-01T10:00:00.000Z'],
    ['UTC', '2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
  ])('in %s, %s is from %s until before %s, and both days are included', (zone, day, from, to) => {
    expect(readPeriod({ from: day, to: day, zone }, NOW)).toEqual({ from, to, zone })
  })

  test('a moment with its offset is that moment, whatever the zone', () => {
    const asked = { from: '2026-03-29T02:30:00+02:00', to: '2026-03-29T03:30+02:00', zone: 'Asia/Tokyo' }
    expect(readPeriod(asked, NOW)).toEqual({
      ...{ from: '2026-03-29T00:30:00.000Z', to: '2026-03-29T01:30:00.000Z', zone: 'Asia/Tokyo' },
    })
  })

  test('without days a report reaches from the beginning, or so many years back, until now', () => {
    expect(readPeriod({}, NOW)).toEqual({ to: '2026-07-01T12:00:00.000Z', zone: 'UTC' })
    // Six years before, at the beginning of that day there.
    expect(readPeriod({ zone: 'Europe/Amsterdam' }, NOW, 6).from).toBe('2020-06-30T22:00:00.000Z')
    expect(readPeriod({ to: '2024-02-29', zone: 'UTC' }, NOW, 6).from).toBe('2018-03-01T00:00:00.000Z')
  })

  test.each([
    [{ from: '2026-02-31' }, 'from'],
    [{ from: '2026-3-1' }, 'from'],
    [{ to: '2026-03-29T02:30:00' }, 'to'],
    [{ to: 'now' }, 'to'],
    [{ zone: 'Mars/Olympus' }, 'zone'],
    [{ zone: '../../etc/passwd' }, 'zone'],
    [{ zone: '' }, 'zone'],
    [{ from: '2026-03-02', to: '2026-03-01' }, 'to'],
    [{ from: '9999999-01-01' }, 'from'],
  ])('%o is refused, and the parameter named', (asked, parameter) => {
    try {
      readPeriod(asked, NOW)
      expect.unreachable()
    } catch (error) {
      expect([errorCodeOf(error), error instanceof WayleaveError && error.detail]).toEqual([
        'request-invalid',
        parameter,
      ])
    }
  })

  test('instants are written with the offset of that day', () => {
    expect(inZone('2026-03-29T00:59:59.999Z', 'Europe/Amsterdam')).toBe('2026-03-29T01:59:59.999+01:00')
    expect(inZone('2026-03-29T01:00:00.000Z', 'Europe/Amsterdam')).toBe('2026-03-29T03:00:00.000+02:00')
  })
})
