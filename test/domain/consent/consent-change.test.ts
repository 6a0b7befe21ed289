import { expect, test } from 'vitest'
import { changeOf } from '../../../src/domain/consent/consent-change.ts'

const permit = { dataClasses: ['problems', 'medications'], sensitivities: ['HIV'], fromDay: 10, untilDay: 20 }

test.each([
  ['one class fewer', { dataClasses: ['problems'] }],
  ['no sensitive kind any more', { sensitivities: [] }],
  ['a later beginning', { fromDay: 11 }],
  ['an earlier end', { untilDay: 19 }],
  ['a body where there was none', { body: 'b' }],
])('a permit with %s is narrowed', (_what, less) => {
  expect(changeOf(permit, { ...permit, ...less })).toBe('narrowed')
})

test.each([
  ['one class more', { dataClasses: ['problems', 'medications', 'observations'] }],
  ['another class', { dataClasses: ['problems', 'observations'] }],
  ['a later end, and less of all else', { dataClasses: ['problems'], untilDay: 21 }],
])('a permit with %s is granted', (_what, other) => {
  expect(changeOf(permit, { ...permit, ...other })).toBe('granted')
})

test('a permit whose body goes or is another one is granted, since how they compare is not known', () => {
  expect(changeOf({ ...permit, body: 'b' }, permit)).toBe('granted')
  expect(changeOf({ ...permit, body: 'b' }, { ...permit, body: 'c' })).toBe('granted')
})

test('a permit that opens the same is no change, in whatever order it says so', () => {
  expect(changeOf(permit, { ...permit, dataClasses: ['medications', 'problems'] })).toBeUndefined()
})
