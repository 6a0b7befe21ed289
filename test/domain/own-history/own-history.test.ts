import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuditEntry, AuditKind } from '../../../src/domain/audit/audit-entry.ts'
import { endingOf, isEmergency, mannerOf } from '../../../src/domain/own-history/looks.ts'
import { occasionsOf } from '../../../src/domain/own-history/occasions.ts'
import { behind, merged, type Stream } from '../../../src/domain/own-history/streams.ts'
import { isOccasionWanted } from '../../../src/domain/own-history/wanted.ts'
import { seeded } from '../../seeded.ts'

const A = { id: '0xa', name: 'A' }
const B = { id: '0xb', name: 'B' }
const START = Date.parse('2026-03-02T10:00:00.000Z')
const dayOf = (recorded: string) => recorded.slice(0, 10)

let number = 0
/** An entry so many seconds after the start. */
const entry = (kind: AuditKind, seconds: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{ id: `e${++number}`, kind, recorded: new Date(START + seconds * 1000).toISOString(), outcome: '0' },
  ...{ custodian: A, requester: B, user: { id: 'u', name: 'U', role: 'nurse' }, purpose: 'TREAT' },
  ...more,
})
const told = (...entries: [number, AuditEntry][]) =>
  entries
    .map(([source, one]) => ({ source, entry: one }))
    .sort((a, b) => (a.entry.recorded < b.entry.recorded ? 1 : -1))
const record = (id: string, dataClass = 'medications') => ({ record: { id, dataClass } })

test('what is shown of several hospitals is in order, and never moves when more is read', () => {
  const streams = fc.array(
    fc.record({ times: fc.array(fc.nat(500), { maxLength: 12 }), known: fc.nat(12), done: fc.boolean() }),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(streams, (all) => {
      const whole = all.map(({ times }, source) => ({
        source,
        entries: [...times]
          .sort((a, b) => b - a)
          .map((seconds, i) => entry('list', seconds, { id: `${source}-${i}` })),
      }))
      const partly: Stream[] = whole.map(({ source, entries }, i) => {
        const count = all[i]?.known ?? 0
        const part = entries.slice(0, count)
        return { source, entries: part, done: part.length === entries.length && (all[i]?.done ?? false) }
      })
      const now = merged(partly)
      const later = merged(whole.map((one) => ({ ...one, done: true })))
      // The beginning of what is told later, save for what is equally old: its place among those may still be found.
      const floor = now.at(-1)?.entry.recorded ?? '\uffff'
      const settled = (lines: typeof now) =>
        lines.filter(({ entry: e }) => e.recorded > floor).map(({ entry: e }) => e.id)
      expect(settled(now)).toEqual(settled(later))
      if (partly.some(({ done }) => !done)) expect(behind(partly).length).toBeGreaterThan(0)
    }),
    seeded({ numRuns: 300 }),
  )
})

test('a hospital of which nothing is known yet keeps older lines of others back', () => {
  const known = { source: 0, entries: [entry('list', 1)], done: true }
  expect(merged([known, { source: 1, entries: [], done: false }])).toEqual([])
  expect(behind([known, { source: 1, entries: [], done: false }])).toEqual([1])
})

test('one release is told once, though two hospitals wrote down decision, release and receipt', () => {
  const about = { ...record('r1'), exchange: 'x' }
  const [one, ...rest] = occasionsOf(
    told([0, entry('intent', 1, about)], [0, entry('disclosure', 2, about)], [1, entry('receipt', 3, about)]),
    dayOf,
  )
  expect(rest).toEqual([])
  expect(one).toMatchObject({
    ending: 'allowed',
    records: 1,
    inBothBooks: true,
    entry: { kind: 'disclosure' },
  })
})

test('a refusal is told once, with the reason that only the custodian knows', () => {
  const about = { ...record('r1'), outcome: '8' as const }
  const both = told(
    [0, entry('refusal', 29, { ...about, reason: 'no-consent' })],
    [1, entry('refusal', 31, about)],
  )
  const found = occasionsOf(both, dayOf)
  expect(found.map(({ entry: { reason }, ending }) => [reason, ending])).toEqual([['no-consent', 'refused']])
})

test('a decision whose release nobody wrote down stays to be seen', () => {
  const found = occasionsOf(
    told([0, entry('intent', 1, record('r1'))], [0, entry('disclosure', 500, record('r2'))]),
    dayOf,
  )
  expect(found.map(({ entry: { kind } }) => kind)).toEqual(['disclosure', 'intent'])
})

test('fifty records read in one visit are one occasion; another person, purpose, share or day is another', () => {
  const reading = [...Array(50).keys()].map((i): [number, AuditEntry] => [
    0,
    entry('disclosure', i, record(`r${i}`, i % 2 ? 'medications' : 'problems')),
  ])
  const [one, ...rest] = occasionsOf(told(...reading), dayOf)
  expect(rest).toEqual([])
  expect(one).toMatchObject({ records: 50, about: [{ count: 25 }, { count: 25 }] })
  expect(one?.lines.length).toBe(50)
  for (const other of [
    { user: { id: 'v' } },
    { purpose: 'HRESCH' },
    { policy: 'Consent/1' },
    { recorded: new Date(START + 86_400_000).toISOString() },
    { recorded: new Date(START + 20 * 60_000).toISOString() },
  ]) {
    expect(
      occasionsOf(told(...reading, [0, entry('disclosure', 60, other)]), dayOf).length,
      JSON.stringify(other),
    ).toBe(2)
  }
})

test('an emergency is loud whether it was allowed or refused; refused is told apart from failed', () => {
  expect(isEmergency(entry('disclosure', 0, { purpose: 'BTG' }))).toBe(true)
  expect(isEmergency(entry('refusal', 0, { purpose: 'ETREAT' }))).toBe(true)
  expect(isEmergency(entry('disclosure', 0))).toBe(false)
  expect(endingOf(entry('refusal', 0, { outcome: '8' }))).toBe('refused')
  expect(endingOf(entry('disclosure', 0, { outcome: '8' }))).toBe('failed')
  expect(mannerOf(entry('emergency-access', 0))).toBe('look')
  expect(mannerOf(entry('emergency-access', 0, { patient: {} }))).toBe('own')
})

test('the list shows who looked unless more is asked for, and refusals are never left out of it', () => {
  const [refused] = occasionsOf(told([0, entry('refusal', 0, { outcome: '8', reason: 'no-consent' })]), dayOf)
  const [own] = occasionsOf(told([0, entry('consent-granted', 0)]), dayOf)
  if (!refused || !own) throw new Error('nothing told')
  expect(isOccasionWanted(refused, {})).toBe(true)
  expect(isOccasionWanted(own, {})).toBe(false)
  expect(isOccasionWanted(own, { view: 'own' })).toBe(true)
  expect(isOccasionWanted(refused, { organisation: B.id, ending: 'refused' })).toBe(true)
  expect(isOccasionWanted(refused, { organisation: A.id })).toBe(false)
  expect(isOccasionWanted(refused, { ending: 'allowed' })).toBe(false)
  expect(isOccasionWanted(refused, { since: '2026-03-03' })).toBe(false)
})
