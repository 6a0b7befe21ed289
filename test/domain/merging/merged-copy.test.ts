import { expect, test } from 'vitest'
import { copyOfForeign } from '../../../src/domain/merging/merged-copy.ts'

const where = {
  recordId: '11111111-1111-8111-8111-111111111111',
  member: '0xaa',
  tag: '0xbb',
  names: new Map([['Observation/o1', 'urn:uuid:o']]),
  patientUrl: 'urn:uuid:patient',
} as const

const copy = (rest: Record<string, unknown>) =>
  copyOfForeign(
    { resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/7', display: 'Anna' }, ...rest },
    where,
  )

test('a copy bears the record’s id and its source, and is about the patient of the answer', () => {
  expect(copy({ meta: { versionId: '3' } })).toEqual({
    resourceType: 'Condition',
    id: where.recordId,
    meta: { versionId: '3', source: 'urn:wayleave:member:0xaa#0xbb' },
    subject: { reference: 'urn:uuid:patient', display: 'Anna' },
  })
})

test('references to what is in the answer follow, at any depth and to any version; contained and absolute ones stay', () => {
  const { evidence } = copy({
    evidence: [
      { detail: [{ reference: 'Observation/o1' }, { reference: 'Observation/o1/_history/2' }] },
      { detail: [{ reference: '#inside' }, { reference: 'https://elsewhere.example/fhir/Observation/9' }] },
    ],
  })
  expect(evidence).toEqual([
    { detail: [{ reference: 'urn:uuid:o' }, { reference: 'urn:uuid:o' }] },
    { detail: [{ reference: '#inside' }, { reference: 'https://elsewhere.example/fhir/Observation/9' }] },
  ])
})

test('a reference to anything else, another patient too, becomes an identifier and leads nowhere', () => {
  const identifier = (value: string) => ({
    system: 'urn:ietf:rfc:3986',
    value: `urn:wayleave:member:0xaa:${value}`,
  })
  const { encounter, asserter, recorder } = copy({
    encounter: { reference: 'Encounter/e9', display: 'Visit' },
    asserter: { reference: 'Patient/8' },
    recorder: { reference: 'Practitioner/p1', identifier: { system: 's', value: 'v' } },
  })
  expect(encounter).toEqual({ type: 'Encounter', identifier: identifier('Encounter/e9'), display: 'Visit' })
  expect(asserter).toEqual({ type: 'Patient', identifier: identifier('Patient/8') })
  // Where the source names it by an identifier, that one stays.
  expect(recorder).toEqual({ type: 'Practitioner', identifier: { system: 's', value: 'v' } })
})

test('a meta that is no object, and a key that looks like a prototype, do no harm', () => {
  const odd = JSON.parse('{"__proto__":{"reference":"Observation/o1"},"meta":[1]}') as Record<string, unknown>
  const made = copyOfForeign({ ...odd, resourceType: 'Condition', id: 'c1' }, where)
  expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
  expect(made.meta).toEqual({ source: 'urn:wayleave:member:0xaa#0xbb' })
})
