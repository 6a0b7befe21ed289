import { describe, expect, test } from 'vitest'
import { filterAnswer } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { RECORD_TYPES } from '../../../../src/domain/records/compartment-members.ts'
import {
  BASE,
  BSN,
  bundleOf,
  entryOf,
  namesIn,
  observation,
  outcome,
  rulesOf,
  searchset,
  thePatient,
} from './answers.ts'

const of = (subject: unknown, more: object = {}) => observation('o', { subject, ...more })
const released = (resource: object, rules = rulesOf()) => filterAnswer(resource, rules).answer !== undefined

describe('the patient may be meant by', () => {
  test.each([
    ['a relative reference', { reference: 'Patient/p' }],
    ['one version of the patient', { reference: 'Patient/p/_history/3' }],
    ['an address under the base of the server', { reference: `${BASE}/Patient/p` }],
    ['an address with a version', { reference: `${BASE}/Patient/p/_history/3` }],
  ])('%s', (_, subject) => {
    expect(released(of(subject))).toBe(true)
  })

  const known = rulesOf({
    patient: { reference: 'Patient/p', identifiers: [{ system: BSN, value: '999900006' }] },
  })
  test.each<[string, { reference?: string; [element: string]: unknown }]>([
    ['a number that was asked for', { identifier: { system: BSN, value: '999900006' } }],
    ['the same with a type', { type: 'Patient', identifier: { system: BSN, value: '999900006' } }],
    ['a conditional reference', { reference: `Patient?identifier=${BSN}|999900006` }],
    ['the same, encoded', { reference: `Patient?identifier=${encodeURIComponent(`${BSN}|999900006`)}` }],
    ['a contained Patient with the number', { reference: '#p' }],
  ])('%s', (_, subject) => {
    const contained = [{ resourceType: 'Patient', id: 'p', identifier: thePatient.identifier }]
    expect(released(of(subject, subject.reference === '#p' ? { contained } : {}), known)).toBe(true)
  })

  test('a number that the Patient in the answer has', () => {
    const byNumber = of({ identifier: { system: BSN, value: '999900006' } })
    expect(outcome(searchset(thePatient, byNumber)).released).toEqual(['Patient/p', 'Observation/o'])
  })

  test('a URN that the Patient in the answer has', () => {
    const urn = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a'
    const answer = bundleOf('collection', [
      { fullUrl: urn, resource: thePatient },
      entryOf(of({ reference: urn })),
    ])
    expect(outcome(answer).released).toEqual(['Patient/p', 'Observation/o'])
  })

  test('a number only, where one Patient in the answer has it', () => {
    const asked = rulesOf({ patient: { identifiers: [{ system: BSN, value: '999900006' }] } })
    expect(outcome(searchset(thePatient, observation('o')), asked).released).toEqual([
      'Patient/p',
      'Observation/o',
    ])
    const twice = searchset(thePatient, { ...thePatient, id: 'q' }, observation('o'))
    expect(outcome(twice, asked).released).toEqual([])
    expect(outcome(observation('o'), asked).released).toEqual([])
  })
})

describe('withheld as nobody’s or another’s is what is about', () => {
  const asked = rulesOf({
    patient: { reference: 'Patient/p', identifiers: [{ system: BSN, value: '999900006' }] },
  })
  test.each([
    ['another patient', { reference: 'Patient/q' }],
    ['a version of another patient', { reference: 'Patient/q/_history/1' }],
    ['the same id on another server', { reference: 'https://elsewhere.example/fhir/Patient/p' }],
    ['the same id on an address like the base', { reference: `${BASE}x/Patient/p` }],
    ['another patient’s number', { identifier: { system: BSN, value: '999900018' } }],
    [
      'the patient by reference and another by number',
      { reference: 'Patient/p', identifier: { system: BSN, value: '999900018' } },
    ],
    ['a number of a system that nobody knows', { identifier: { system: 'urn:oid:2.999', value: '1' } }],
    ['a conditional reference to another', { reference: `Patient?identifier=${BSN}|999900018` }],
    [
      'a conditional reference to several',
      { reference: `Patient?identifier=${BSN}|999900006,${BSN}|999900018` },
    ],
    ['a conditional reference by name', { reference: 'Patient?name=P' }],
    ['a URN that stands for nothing', { reference: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a' }],
    ['a contained resource that is not there', { reference: '#p' }],
    ['words', { display: 'P' }],
    ['a group', { reference: 'Group/g' }],
    ['a misspelt type', { reference: 'patient/p' }],
    ['a path that goes on', { reference: 'Patient/p/../q' }],
    ['a string', 'Patient/p'],
    ['a list of references', [{ reference: ['Patient/p'] }]],
    ['two patients', [{ reference: 'Patient/p' }, { reference: 'Patient/q' }]],
    ['nobody', undefined],
    ['null', null],
  ])('%s', (_, subject) => {
    expect(released(of(subject), asked)).toBe(false)
  })

  test('a contained Patient without a number, or with another’s', () => {
    const identifier = [{ system: BSN, value: '999900018' }]
    for (const patient of [{}, { identifier }, { id: 'q' }]) {
      const contained = [{ resourceType: 'Patient', id: 'p', ...patient }]
      expect(released(of({ reference: '#p' }, { contained }), asked)).toBe(false)
      expect(released(of({ reference: 'Patient/p' }, { contained }), asked)).toBe(false)
    }
  })

  test('a URN that stands for two', () => {
    const urn = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a'
    const entry = [thePatient, { ...thePatient, id: 'q' }].map((resource) => ({ fullUrl: urn, resource }))
    expect(outcome(bundleOf('collection', [...entry, entryOf(of({ reference: urn }))])).released).toEqual([])
  })

  test('everything, where the Patient of the id that was asked for has another number', () => {
    const mistaken = { ...thePatient, identifier: [{ system: BSN, value: '999900018' }] }
    expect(outcome(searchset(mistaken, observation('o')), asked).released).toEqual([])
  })
})

describe('whoever else takes part', () => {
  test.each([
    ['performer', [{ reference: 'Patient/q' }]],
    ['focus', [{ reference: 'Patient/q' }]],
    ['extension', [{ url: 'urn:x', valueReference: { reference: 'Patient/q' } }]],
    ['note', [{ authorReference: { reference: 'Patient/q' }, text: 'x' }]],
    ['derivedFrom', [{ reference: `${BASE}/Patient/q` }]],
    ['extension', [{ url: 'urn:x', valueUri: 'Patient/q' }]],
    ['text', { status: 'generated', div: '<div><a href="Patient/q">x</a></div>' }],
    ['patient', { reference: 'Patient/q' }],
    ['performer', [{ reference: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a' }]],
    ['performer', [{ identifier: { system: 'urn:oid:2.999', value: '1' } }]],
  ])('in %s withholds where it is, or may be, another patient', (element, value) => {
    expect(released(of({ reference: 'Patient/p' }, { [element]: value }))).toBe(false)
  })

  test.each([
    ['a practitioner', { reference: 'Practitioner/1' }],
    ['a conditional practitioner', { reference: 'Practitioner?identifier=urn:x|1' }],
    ['the patient', { reference: 'Patient/p' }],
    ['somebody in words', { display: 'Staff' }],
    [
      'a practitioner by number',
      { type: 'Practitioner', identifier: { system: 'urn:oid:2.999', value: '1' } },
    ],
  ])('may be %s', (_, performer) => {
    expect(released(of({ reference: 'Patient/p' }, { performer: [performer] }))).toBe(true)
  })
})

/** R4's own definition is in the table that the filter reads; here each of its types is tried. */
describe('every type of the Patient compartment', () => {
  const subjects = 'subject patient beneficiary candidate individual for deliverTo'.split(' ')
  const places: Record<string, (reference: object) => object> = {
    Appointment: (actor) => ({ participant: [{ actor }] }),
    AppointmentResponse: (actor) => ({ actor }),
    Group: (entity) => ({ member: [{ entity }] }),
    Person: (target) => ({ link: [{ target }] }),
    Schedule: (actor) => ({ actor: [actor] }),
  }
  const about = (resourceType: string, reference: object) => ({
    resourceType,
    id: 'x',
    ...(places[resourceType]?.(reference) ?? Object.fromEntries(subjects.map((name) => [name, reference]))),
  })

  test.each(RECORD_TYPES)('%s is released for its patient and withheld for another', (type) => {
    const open = rulesOf({ denies: ['V'] })
    expect(released(about(type, { reference: 'Patient/p' }), open)).toBe(true)
    expect(released(about(type, { reference: 'Patient/q' }), open)).toBe(false)
    expect(released({ resourceType: type, id: 'x' }, open)).toBe(false)
  })
})

test('relative references mean what is beside them: under the address of their entry', () => {
  const elsewhere = 'https://elsewhere.example/fhir'
  const answer = bundleOf('searchset', [
    { fullUrl: `${BASE}/Observation/here`, resource: observation('here') },
    { fullUrl: `${elsewhere}/Observation/there`, resource: observation('there') },
  ])
  expect(outcome(answer)).toEqual({
    released: ['Observation/here'],
    withheld: { 'Observation/there': 'other-patient' },
  })
})

test('without a base, the one that all addresses have counts, and none where they differ', () => {
  const { base: _, ...rest } = rulesOf()
  const at = (base: string, id: string) => ({
    fullUrl: `${base}/Observation/${id}`,
    resource: observation(id),
  })
  const one = bundleOf('searchset', [at(BASE, 'a'), at(BASE, 'b')])
  const two = bundleOf('searchset', [at(BASE, 'a'), at('https://x.example', 'b')])
  expect(namesIn(filterAnswer(one, rest).answer)).toEqual(['Observation/a', 'Observation/b'])
  expect(namesIn(filterAnswer(two, rest).answer)).toEqual([])
})
