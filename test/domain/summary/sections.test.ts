import { expect, test } from 'vitest'
import { SECTIONS, SUMMARY_TYPES, sort } from '../../../src/domain/summary/sections.ts'

const section = (code: string) => {
  const found = SECTIONS.find((one) => one.code === code)
  if (!found) throw new Error(`no section ${code}`)
  return found
}
const codes = (system: string, ...all: string[]) => ({ coding: all.map((code) => ({ system, code })) })
const of = (id: string, resourceType: string, rest: Record<string, unknown> = {}) => ({
  resource: { resourceType, id, ...rest },
})
const ids = (records: readonly { resource: { id: string } }[]) => records.map(({ resource }) => resource.id)

test('a problem is current unless its status says that it is over; then it is past illness', () => {
  const clinical = (code: string) => ({ clinicalStatus: codes('s', code) })
  const records = [
    of('active', 'Condition', clinical('active')),
    of('unsaid', 'Condition'),
    of('over', 'Condition', clinical('resolved')),
    of('wrong', 'Condition', { verificationStatus: codes('v', 'entered-in-error') }),
    of('refuted', 'Condition', { verificationStatus: codes('v', 'refuted') }),
  ]
  expect(ids(sort(section('11450-4'), records).entries)).toEqual(['active', 'unsaid'])
  expect(ids(sort(section('11348-0'), records).entries)).toEqual(['over'])
})

test('a medicine that was stopped, was never taken, or is only planned by mistake is not in the medication summary', () => {
  const records = ['active', 'on-hold', 'completed', 'stopped', 'entered-in-error', 'not-taken'].map(
    (status) => of(status, 'MedicationStatement', { status }),
  )
  expect(ids(sort(section('10160-0'), records).entries)).toEqual(['active', 'on-hold'])
})

test('of each measurement the newest stands there, and one without a code is of its own words', () => {
  const vital = (id: string, code: unknown, effectiveDateTime: string) =>
    of(id, 'Observation', { category: [codes('c', 'vital-signs')], code, effectiveDateTime })
  const records = [
    vital('old', codes('loinc', '8867-4'), '2020-01-01'),
    vital('new', codes('loinc', '8867-4'), '2024-01-01'),
    vital('other', codes('loinc', '8310-5'), '2021-01-01'),
    vital('words', { text: 'Pulse' }, '2019-01-01'),
  ]
  expect(ids(sort(section('8716-3'), records).entries)).toEqual(['new', 'other', 'words'])
})

test.each([
  ['SNOMED CT', { code: codes('http://snomed.info/sct', '716186003') }],
  ['IPS', { code: codes('http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips', 'no-allergy-info') }],
  ['words', { code: { text: 'No known allergies' } }],
  ['an abbreviation', { code: { text: 'NKDA' } }],
])('a statement in %s that there is nothing is no entry', (_how, rest) => {
  const records = [
    of('nothing', 'AllergyIntolerance', rest),
    of('nuts', 'AllergyIntolerance', { code: { text: 'Nuts' } }),
  ]
  const { entries, absences } = sort(section('48765-2'), records)
  expect([ids(entries), ids(absences)]).toEqual([['nuts'], ['nothing']])
})

test('what a section takes is opened for it, and whatever stands where a code should does no harm', () => {
  const shapes: unknown[] = [
    null,
    7,
    'x',
    [],
    [null],
    {},
    { coding: 'x' },
    { coding: [null, 7, { code: 7 }] },
  ]
  for (const type of SUMMARY_TYPES)
    for (const shape of shapes) {
      const record = of('odd', type, { code: shape, status: shape, category: shape, clinicalStatus: shape })
      for (const one of SECTIONS) expect(() => sort(one, [record, record])).not.toThrow()
    }
  const types = [
    'MedicationRequest',
    'Condition',
    'Procedure',
    'Immunization',
    'DeviceUseStatement',
    'CarePlan',
    'Flag',
  ]
  for (const type of types) {
    expect(SUMMARY_TYPES.has(type)).toBe(true)
    expect([type, SECTIONS.some((one) => one.takes(of('x', type).resource))]).toEqual([type, true])
  }
})
