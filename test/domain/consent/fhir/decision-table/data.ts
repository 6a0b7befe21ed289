import { code, consent, deny, observation, permit, resource } from '../builders.ts'
import { row } from './row.ts'

const dated = (effectiveDateTime: string) => observation([], { effectiveDateTime })
const during = (start: string, end?: string) => ({ dated: { start, ...(end ? { end } : {}) } })
const coded = (value: string) => observation([], { code: { coding: [code('0'), code(value)] } })
const profiled = (profile: string) => observation([], { meta: { profile: [profile] } })
const asks = (...codes: string[]) => ({
  asked: { class: codes.map((one) => ({ system: 'http://hl7.org/fhir/resource-types', code: one })) },
})
const to = (reference: string) => ({ reference })
const year2024 = during('2024-01-01', '2024-12-31')

/** Which data (rule 6). */
export const data = [
  row('A class is a resource type.', [consent(permit({ classes: ['Observation'] }))], 'permit', {
    discloses: [observation()],
    withholds: [resource('Condition')],
  }),
  row(
    'A class is a profile that the resource claims.',
    [consent(permit({ classes: ['https://p.example/lab'] }))],
    'permit',
    {
      discloses: [profiled('https://p.example/lab'), profiled('https://p.example/lab|1.0')],
      withholds: [observation(), profiled('https://p.example/vital')],
    },
  ),
  row(
    'The profile that FHIR itself gives a type is the type.',
    [consent(permit({ classes: ['http://hl7.org/fhir/StructureDefinition/Observation'] }))],
    'permit',
    { asked: asks('Observation').asked },
  ),
  row(
    'A request for a class that is permitted is permitted.',
    [consent(permit({ classes: ['Observation'] }))],
    'permit',
    asks('Observation'),
  ),
  row(
    'A request for a class that is not permitted is denied.',
    [consent(permit({ classes: ['Observation'] }))],
    'deny',
    asks('Condition'),
  ),
  row(
    'A request for two classes is permitted where one is.',
    [consent(permit({ classes: ['Observation'] }))],
    'permit',
    asks('Condition', 'Observation'),
  ),
  row(
    'A request for a class that is objected to is denied.',
    [consent(permit({ but: [deny({ classes: ['Observation'] })] }))],
    'deny',
    asks('Observation'),
  ),
  row(
    'A request without a class is permitted where any class is.',
    [consent(permit({ but: [deny({ classes: ['Observation'] })] }))],
    'permit',
    { discloses: [resource('Condition')], withholds: [observation()] },
  ),
  row(
    'A request for a class of which every confidentiality is objected to is denied.',
    [consent(permit({ classes: ['Observation'], but: [deny({ labels: ['N', 'R', 'V'] })] }))],
    'deny',
    asks('Observation'),
  ),
  row(
    'A request for a class is denied where the one instance permitted is of another.',
    [consent(permit({ about: [['instance', 'Observation/o']] }))],
    'deny',
    asks('Condition'),
  ),
  row('A code is any coding of the resource’s own code.', [consent(permit({ codes: ['1'] }))], 'permit', {
    discloses: [coded('1')],
    withholds: [coded('2'), observation()],
  }),
  row(
    'A code of a part of the resource is not its own.',
    [consent(permit({ but: [deny({ codes: ['1'] })] }))],
    'permit',
    {
      discloses: [observation([], { component: [{ code: { coding: [code('1')] } }] })],
      withholds: [coded('1')],
    },
  ),
  row('The same code of another system is another code.', [consent(permit({ codes: ['1'] }))], 'permit', {
    withholds: [observation([], { code: { coding: [{ system: 'urn:x', code: '1' }] } })],
  }),
  row(
    'Class and code must both fit.',
    [consent(permit({ classes: ['Condition'], codes: ['1'] }))],
    'permit',
    {
      withholds: [coded('1'), resource('Condition')],
      discloses: [resource('Condition', { code: { coding: [code('1')] } })],
    },
  ),
  row(
    'Data of a period are those dated in it, its last day included.',
    [consent(permit(year2024))],
    'permit',
    {
      discloses: [dated('2024-01-01'), dated('2024-12-31T23:59:59Z')],
      withholds: [dated('2023-12-31'), dated('2025-01-01T00:00:00Z')],
    },
  ),
  row('Data without a date are in no period that is permitted.', [consent(permit(year2024))], 'permit', {
    withholds: [observation()],
  }),
  row(
    'Data without a date are withheld where a period is objected to.',
    [consent(permit({ but: [deny(year2024)] }))],
    'permit',
    {
      discloses: [dated('2023-12-31')],
      withholds: [observation(), dated('2024-06-01')],
    },
  ),
  row(
    'Data dated by the year only are in the period where all of the year is.',
    [consent(permit(during('2024-03-01')))],
    'permit',
    { discloses: [dated('2025')], withholds: [dated('2024')] },
  ),
  row(
    'Data that lie partly in a period are withheld where it is objected to.',
    [consent(permit({ but: [deny(year2024)] }))],
    'permit',
    {
      discloses: [observation([], { effectivePeriod: { start: '2023-01-01', end: '2023-12-31' } })],
      withholds: [observation([], { effectivePeriod: { start: '2023-01-01', end: '2024-01-01' } })],
    },
  ),
  row(
    'Data that lie partly in a period are withheld where it is permitted.',
    [consent(permit(year2024))],
    'permit',
    {
      discloses: [observation([], { effectivePeriod: { start: '2024-02-01', end: '2024-03-01' } })],
      withholds: [
        observation([], { effectivePeriod: { start: '2023-12-01', end: '2024-03-01' } }),
        observation([], { effectivePeriod: { start: '2024-02-01' } }),
      ],
    },
  ),
  row(
    'The date is when something began, was done, happened, or was written.',
    [consent(permit(year2024))],
    'permit',
    {
      discloses: [
        resource('Condition', { onsetDateTime: '2024-06-01' }),
        resource('Procedure', { performedDateTime: '2024-06-01' }),
        resource('Immunization', { occurrenceDateTime: '2024-06-01' }),
        resource('Encounter', { period: { start: '2024-06-01', end: '2024-06-02' } }),
        resource('MedicationRequest', { authoredOn: '2024-06-01' }),
        resource('Composition', { date: '2024-06-01' }),
      ],
    },
  ),
  row('The first of these decides.', [consent(permit(year2024))], 'permit', {
    discloses: [resource('ServiceRequest', { occurrenceDateTime: '2024-06-01', authoredOn: '2023-06-01' })],
    withholds: [resource('ServiceRequest', { occurrenceDateTime: '2023-06-01', authoredOn: '2024-06-01' })],
  }),
  row('An age is no date.', [consent(permit(year2024))], 'permit', {
    withholds: [resource('Condition', { onsetAge: { value: 7 }, date: '2024-06-01' })],
  }),
  row(
    'Two permitted periods of which objections leave nothing permit nothing.',
    [
      consent(
        permit({ ...year2024, but: [deny(during('2024-01-01', '2024-06-30')), deny(during('2024-07-01'))] }),
      ),
    ],
    'deny',
  ),
  row(
    'Objections that leave one day leave that.',
    [
      consent(
        permit({ ...year2024, but: [deny(during('2024-01-01', '2024-06-29')), deny(during('2024-07-01'))] }),
      ),
    ],
    'permit',
    { discloses: [dated('2024-06-30')] },
  ),
  row('A permitted period is copied as it was written.', [consent(permit(during('2024-03')))], 'permit', {
    residual: [{ type: 'forbid' }, { type: 'permit', dataPeriod: { start: '2024-03' } }],
  }),
  row(
    'An instance is that resource and no other.',
    [consent(permit({ about: [['instance', 'Observation/o']] }))],
    'permit',
    {
      discloses: [observation()],
      withholds: [
        observation([], { id: 'other' }),
        observation([], { id: 'x', derivedFrom: [to('Observation/o')] }),
      ],
    },
  ),
  row(
    'An instance named by its full address is that resource.',
    [consent(permit({ about: [['instance', 'https://fhir.example/Observation/o']] }))],
    'permit',
    { discloses: [observation()] },
  ),
  row(
    'What is related to an object is the object and whatever points at it.',
    [consent(permit({ but: [deny({ about: [['related', 'Encounter/e']] })] }))],
    'permit',
    {
      discloses: [observation(), resource('Encounter')],
      withholds: [
        resource('Encounter', { id: 'e' }),
        observation([], { encounter: to('Encounter/e') }),
        observation([], { note: [{ authorReference: to('https://x.example/Encounter/e') }] }),
      ],
    },
  ),
  row(
    'What an object points at is not related to it.',
    [consent(permit({ but: [deny({ about: [['related', 'Observation/x']] })] }))],
    'permit',
    { discloses: [resource('Encounter')] },
  ),
  row(
    'What depends on an object is what refers to it.',
    [consent(permit({ but: [deny({ about: [['dependents', 'Encounter/e']] })] }))],
    'permit',
    { withholds: [observation([], { encounter: to('Encounter/e') })] },
  ),
  row(
    'The author may be author, performer, asserter or recorder.',
    [consent(permit({ but: [deny({ about: [['authoredby', 'Practitioner/x']] })] }))],
    'permit',
    {
      discloses: [observation(), observation([], { subject: to('Practitioner/x') })],
      withholds: [
        observation([], { performer: [to('Practitioner/y'), to('Practitioner/x')] }),
        resource('Procedure', { performer: [{ actor: to('Practitioner/x') }] }),
        resource('Composition', { author: [to('Practitioner/x')] }),
        resource('Condition', { asserter: to('Practitioner/x') }),
        resource('AllergyIntolerance', { recorder: to('Practitioner/x') }),
      ],
    },
  ),
  row(
    'Of several data named, one suffices.',
    [
      consent(
        permit({
          about: [
            ['instance', 'Condition/r'],
            ['authoredby', 'Practitioner/x'],
          ],
        }),
      ),
    ],
    'permit',
    {
      discloses: [resource('Condition'), observation([], { performer: [to('Practitioner/x')] })],
      withholds: [observation()],
    },
  ),
  row(
    'A resource without an id is no instance.',
    [consent(permit({ about: [['instance', 'Observation/o']] }))],
    'permit',
    {
      withholds: [{ resourceType: 'Observation' }],
    },
  ),
]
