import { describe, expect, test } from 'vitest'
import {
  IDENTITY_KIND_TEXT,
  IDENTITY_KINDS,
  identityChanges,
  isAsBefore,
  isEnded,
  isIdentityReason,
  isOlder,
  linkedIds,
  NO_PICTURE,
  nationalIn,
  type PatientPicture,
  pictureOf,
} from '../../../src/domain/identity/identity-events.ts'
import { ANNA, BRAM } from '../../support/samples.ts'

const BASE = 'https://fhir.example/fhir'
const picture = (changes: Partial<PatientPicture> = {}): PatientPicture => ({
  ...NO_PICTURE,
  identifiers: [ANNA],
  ...changes,
})
const linked = (...links: string[]) => picture({ links })

describe('What a Patient resource says of an identity', () => {
  test('is its counting identifiers, its links within the hospital, death, and nothing else', () => {
    const resource = {
      resourceType: 'Patient',
      id: 'x',
      name: [{ family: 'Somebody' }],
      identifier: [
        { use: 'official', ...ANNA },
        { use: 'old', ...BRAM },
        { use: 'temp', system: 'urn:a', value: '7' },
      ],
      link: [
        { type: 'seealso', other: { reference: `${BASE}/Patient/z/_history/3` } },
        { type: 'replaces', other: { reference: 'Patient/y' } },
        { type: 'refer', other: { reference: 'https://elsewhere.example/fhir/Patient/y' } },
        { type: 'refer', other: { identifier: BRAM } },
      ],
      deceasedDateTime: '2026-01-01',
    }
    const seen = pictureOf(resource, BASE)
    expect(seen).toEqual({
      identifiers: [ANNA],
      links: ['refer ?', 'replaces y', 'seealso z'],
      deceased: true,
      removed: false,
    })
    expect(linkedIds(seen)).toEqual(['y', 'z'])
    expect(
      pictureOf({ ...resource, deceasedDateTime: undefined, deceasedBoolean: false }, BASE).deceased,
    ).toBe(false)
  })

  test.each<[string, object]>([
    ['nothing', {}],
    ['texts where lists belong', { identifier: 'x', link: 'y' }],
    ['nulls', { identifier: [null], link: [null, { other: null }] }],
    ['numbers', { identifier: [{ system: 1, value: 2 }], link: [{ type: 3, other: { reference: 4 } }] }],
    ['ways out of the server', { link: [{ type: 'x'.repeat(40), other: { reference: 'Patient/../y' } }] }],
  ])('is nothing where there is %s', (_what, resource) => {
    expect(pictureOf(resource, BASE)).toEqual(NO_PICTURE)
  })

  test('is bounded, however many links there are', () => {
    const link = Array.from({ length: 5_000 }, (_, i) => ({
      type: 'refer',
      other: { reference: `Patient/${i}` },
    }))
    expect(pictureOf({ link }, BASE).links.length).toBeLessThanOrEqual(50)
  })
})

describe('Between two pictures lies', () => {
  test.each<[string, PatientPicture, PatientPicture, string[]]>([
    [
      'nothing where only a number of the hospital’s own came',
      picture(),
      picture({ identifiers: [ANNA, { system: 'urn:a', value: '7' }] }),
      [],
    ],
    [
      'nothing where a number is written with blanks',
      picture(),
      picture({ identifiers: [{ ...ANNA, value: ` ${ANNA.value}` }] }),
      [],
    ],
    ['a corrected number', picture(), picture({ identifiers: [BRAM] }), ['identifier-changed']],
    ['a number that went', picture(), picture({ identifiers: [] }), ['identifier-changed']],
    ['a first number', picture({ identifiers: [] }), picture(), ['identifier-assigned']],
    ['a joining, at either end', picture(), linked('replaced-by y'), ['merged']],
    ['a joining, at the other end', picture(), linked('replaces y'), ['merged']],
    ['a link', picture(), linked('seealso y'), ['linked']],
    ['a link of a type that nobody knows', picture(), linked('is-friend-of y'), ['linked']],
    ['a separation', linked('replaces y'), picture(), ['unmerged']],
    [
      'a joining with another file instead',
      linked('replaces y'),
      linked('replaces z'),
      ['merged', 'unmerged'],
    ],
    ['a death', picture(), picture({ deceased: true }), ['deceased']],
    ['no death', picture({ deceased: true }), picture(), ['deceased']],
    ['a deletion, and nothing besides', picture(), { ...NO_PICTURE, removed: true }, ['removed']],
  ])('%s', (_what, before, now, kinds) => {
    expect(identityChanges(before, now)).toEqual(kinds)
  })
})

describe('A file', () => {
  test('that was replaced, deleted, or is of a dead person is one for which nobody signs', () => {
    for (const over of [linked('replaced-by y'), picture({ deceased: true }), picture({ removed: true })])
      expect(isEnded(over)).toBe(true)
    for (const alive of [picture(), linked('replaces y'), linked('seealso y')])
      expect(isEnded(alive)).toBe(false)
  })

  test('is as before once merges, death and numbers are; a seealso may stay, and numbers matter to who has enrolled', () => {
    expect(isAsBefore(picture(), picture(), true)).toBe(true)
    expect(isAsBefore(picture(), linked('seealso y'), true)).toBe(true)
    for (const other of [linked('replaces y'), picture({ deceased: true }), picture({ removed: true })])
      for (const bound of [true, false]) expect(isAsBefore(picture(), other, bound)).toBe(false)
    expect(isAsBefore(picture(), picture({ identifiers: [BRAM] }), true)).toBe(false)
    expect(isAsBefore(picture(), picture({ identifiers: [BRAM] }), false)).toBe(true)
  })
})

describe('A version of a file', () => {
  const at = (versionId: string, lastUpdated: string) => ({ versionId, lastUpdated })
  test('is older by its number, whatever its instant says', () => {
    expect(isOlder(at('2', '2030-01-01T00:00:00Z'), at('10', '2026-01-01T00:00:00Z'))).toBe(true)
    expect(isOlder(at('10', '2020-01-01T00:00:00Z'), at('2', '2026-01-01T00:00:00Z'))).toBe(false)
    expect(isOlder(at('2', ''), at('2', ''))).toBe(false)
  })

  test('without a number is older by its instant; one without either is looked at', () => {
    expect(isOlder(at('a', '2025-01-01T00:00:00Z'), at('b', '2026-01-01T00:00:00Z'))).toBe(true)
    expect(isOlder(at('a', '2026-01-01T00:00:00Z'), at('b', '2026-01-01T01:00:00+01:00'))).toBe(false)
    expect(isOlder(at('a', ''), at('b', '2026-01-01T00:00:00Z'))).toBe(false)
  })
})

test('every kind is told in a sentence, and a reason is one of the list', () => {
  for (const kind of IDENTITY_KINDS) expect(IDENTITY_KIND_TEXT[kind]).toMatch(/^[A-Z].*\.$/)
  expect(isIdentityReason('document-seen')).toBe(true)
  for (const none of ['toString', '__proto__', '', undefined, 7]) expect(isIdentityReason(none)).toBe(false)
  expect(nationalIn([{ system: 'urn:a', value: '7' }, ANNA, ANNA])).toEqual([`${ANNA.system}|${ANNA.value}`])
})
