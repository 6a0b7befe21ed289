import { describe, expect, test } from 'vitest'
import { filterAnswer, filterResource } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import {
  BASE,
  bundleOf,
  entryOf,
  observation,
  ours,
  outcome,
  type Resource,
  rulesOf,
  searchset,
  secret,
  theirs,
  thePatient,
} from './answers.ts'

const practitioner: Resource = { resourceType: 'Practitioner', id: 'd' }
const byD = { performer: [{ reference: 'Practitioner/d' }] }

describe('a resource is released whole or not at all', () => {
  test('what is released is what came, in the order in which it came', () => {
    const all = [observation('3'), observation('1'), observation('2')]
    const { answer } = filterAnswer(searchset(...all), rulesOf())
    expect(answer?.entry).toEqual(all.map((resource) => ({ resource, search: { mode: 'match' } })))
  })

  test.each([
    [
      'a label of its own',
      { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }] } },
    ],
    [
      'a code that rules find',
      { code: { coding: [{ system: 'http://snomed.info/sct', code: '86406008' }] } },
    ],
    ['a word that rules find', { note: [{ text: 'HIV test done' }] }],
    ['a label that nobody knows', { meta: { security: [{ system: 'urn:x', code: 'y' }] } }],
    ['labels that are no list', { meta: { security: 'N' } }],
    [
      'a part with a label',
      {
        valueString: '1',
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label',
            valueCoding: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'SDV' },
          },
        ],
      },
    ],
  ])('%s withholds', (_, more) => {
    expect(filterAnswer(observation('o', more), rulesOf()).answer).toBeUndefined()
  })

  test('a permit for N does not open what is N at the source and sensitive by the rules', () => {
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }]
    const rules = rulesOf({ denies: ['V'], labels: ['N'] })
    const named = (note: string) => observation('o', { meta: { security }, note: [{ text: note }] })
    expect(filterAnswer(named('fine'), rules).released).toBe(1)
    expect(filterAnswer(named('HIV'), rules).released).toBe(0)
    const inside = (code: string) => ({
      contained: [{ resourceType: 'Specimen', id: 'c', meta: { security: [{ ...security[0], code }] } }],
    })
    expect(filterAnswer(observation('o', { meta: { security }, ...inside('N') }), rules).released).toBe(1)
    expect(filterAnswer(observation('o', { meta: { security }, ...inside('R') }), rules).released).toBe(0)
  })

  test('of several confidentiality codes the highest counts, also where all are ordinary', () => {
    const of = (code: string) => ({
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code }],
    })
    const rules = rulesOf({ denies: ['V'], labels: ['L'] })
    const holding = (code: string) =>
      observation('o', {
        meta: of('L'),
        contained: [{ resourceType: 'Organization', id: 'c', meta: of(code) }],
      })
    expect(filterAnswer(holding('L'), rules).released).toBe(1)
    expect(filterAnswer(holding('M'), rules).released).toBe(0)
  })

  test('an objection to the wider kind meets the narrower', () => {
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPIOIDUD' }]
    const rules = rulesOf({ denies: ['ETH'] })
    expect(filterAnswer(observation('o', { meta: { security } }), rules).answer).toBeUndefined()
  })
})

describe('contained resources are judged with their host', () => {
  const holding = (contained: object) => observation('host', { contained: [{ id: 'c', ...contained }] })
  test.each([
    ['a label', { resourceType: 'Specimen', meta: secret('x').meta }],
    ['a word', { resourceType: 'Condition', code: { text: 'schizophrenia' } }],
    ['a type that is not permitted', { resourceType: 'Condition', code: { text: 'sprain' } }],
    ['a subject who is another patient', { resourceType: 'Specimen', subject: theirs }],
    ['a reference to another patient', { resourceType: 'Specimen', request: [theirs] }],
    ['a device of another patient', { resourceType: 'Device', patient: theirs }],
    ['a type that says nothing of its patient', { resourceType: 'Consent' }],
    ['a group as subject', { resourceType: 'Specimen', subject: { reference: 'Group/g' } }],
  ])('%s in one withholds the host', (_, contained) => {
    const rules = rulesOf({ classes: ['Observation', 'Specimen'] })
    expect(filterAnswer(holding(contained), rules)).toMatchObject({
      released: 0,
      withheld: [{ id: 'Observation/host' }],
    })
  })

  test.each([
    ['the patient’s own', { resourceType: 'Specimen', subject: ours }],
    ['one that names nobody', { resourceType: 'Specimen' }],
    ['a practitioner', { resourceType: 'Practitioner', name: [{ family: 'D' }] }],
    ['a medicine', { resourceType: 'Medication', code: { text: 'paracetamol' } }],
  ])('%s does not', (_, contained) => {
    const rules = rulesOf({ classes: ['Observation', 'Specimen'] })
    expect(filterAnswer(holding(contained), rules).released).toBe(1)
  })

  test('an objection to one instance counts where it is contained, and its permit does not', () => {
    const contained = { resourceType: 'Specimen', id: 'c' }
    expect(filterAnswer(holding(contained), rulesOf({ about: ['Specimen/c'] })).released).toBe(0)
    const open = rulesOf()
    const named = rulesOf({
      verdict: (resource, label) =>
        resource.resourceType === 'Specimen' && resource.id === undefined
          ? { decision: 'deny', why: 'denied' }
          : open.verdict(resource, label),
    })
    expect(filterAnswer(holding(contained), named).released).toBe(0)
  })

  test.each([
    ['not in a list', { resourceType: 'Specimen', id: 'c' }],
    ['without id', [{ resourceType: 'Specimen' }]],
    ['without type', [{ id: 'c' }]],
    ['within another', [{ resourceType: 'Specimen', id: 'c', contained: [] }]],
    ['of a type that R4 has not', [{ resourceType: 'Secret', id: 'c' }]],
  ])('what is contained %s withholds', (_, contained) => {
    expect(filterAnswer(observation('o', { contained }), rulesOf()).released).toBe(0)
  })
})

describe('what describes no patient', () => {
  test('is released with a released resource that refers to it, and with nothing else', () => {
    const other = { ...practitioner, id: 'e' }
    expect(outcome(searchset(observation('o', byD), practitioner, other))).toEqual({
      released: ['Observation/o', 'Practitioner/d'],
      withheld: { 'Practitioner/e': 'no-released-referrer' },
    })
    expect(outcome(searchset(secret('o', byD), practitioner)).released).toEqual([])
    expect(outcome(practitioner).released).toEqual([])
  })

  test('is reached over others of its kind', () => {
    const role = { resourceType: 'PractitionerRole', id: 'r', organization: { reference: 'Organization/h' } }
    const hospital = { resourceType: 'Organization', id: 'h' }
    const answer = searchset(
      hospital,
      role,
      observation('o', { performer: [{ reference: 'PractitionerRole/r' }] }),
    )
    expect(outcome(answer).released).toEqual(['Organization/h', 'PractitionerRole/r', 'Observation/o'])
  })

  test('needs no consent that names it, and none that objects to it', () => {
    const answer = searchset(observation('o', byD), practitioner)
    expect(outcome(answer, rulesOf({ classes: ['Observation'] })).released).toEqual([
      'Observation/o',
      'Practitioner/d',
    ])
    expect(outcome(answer, rulesOf({ about: ['Practitioner/d'] })).released).toEqual([])
  })

  test('needs a consent where it tells something sensitive, and then neither does what refers to it go out', () => {
    const medication = { resourceType: 'Medication', id: 'm', code: { text: 'abacavir' } }
    const request = {
      resourceType: 'MedicationRequest',
      id: 'r',
      subject: ours,
      medicationReference: { reference: 'Medication/m' },
    }
    expect(
      outcome(searchset(request, medication), rulesOf({ classes: ['MedicationRequest'], denies: ['V'] })),
    ).toEqual({
      released: [],
      withheld: { 'Medication/m': 'denied', 'MedicationRequest/r': 'refers-to-withheld' },
    })
  })

  test('is a record once it is the patient’s', () => {
    const device = { resourceType: 'Device', id: 'v' }
    const uses = observation('o', { device: { reference: 'Device/v' } })
    expect(outcome(searchset(uses, device)).released).toEqual(['Observation/o', 'Device/v'])
    expect(outcome(searchset(uses, { ...device, patient: theirs })).released).toEqual([])
    expect(outcome(searchset({ ...device, patient: ours })).released).toEqual(['Device/v'])
  })
})

describe('what tells who is trusted, or says nothing of its patient, is never released', () => {
  test.each([
    'Consent',
    'AuditEvent',
    'Subscription',
    'Parameters',
    'Linkage',
    'MessageHeader',
    'Basic',
    'ResearchStudy',
    'Contract',
  ])('%s', (resourceType) => {
    const loose = { resourceType, id: 'x', patient: ours, entity: [{ what: ours }] }
    const points = observation('o', { focus: [{ reference: `${resourceType}/x` }] })
    expect(outcome(searchset(loose, points)).released).toEqual([])
  })
})

describe('what refers to something withheld is withheld', () => {
  test.each<[string, Resource]>([
    [
      'a List',
      { resourceType: 'List', id: 'x', subject: ours, entry: [{ item: { reference: 'Observation/s' } }] },
    ],
    [
      'a DiagnosticReport',
      { resourceType: 'DiagnosticReport', id: 'x', subject: ours, result: [{ reference: 'Observation/s' }] },
    ],
    [
      'a Provenance',
      {
        resourceType: 'Provenance',
        id: 'x',
        target: [{ reference: 'Observation/o' }, { reference: 'Observation/s/_history/1' }],
      },
    ],
    [
      'a Provenance’s entity',
      {
        resourceType: 'Provenance',
        id: 'x',
        target: [{ reference: 'Observation/o' }],
        entity: [{ what: { reference: `${BASE}/Observation/s` } }],
      },
    ],
    [
      'a section of a section',
      { resourceType: 'DocumentManifest', id: 'x', subject: ours, content: [{ reference: 'Observation/s' }] },
    ],
    ['a panel', observation('x', { hasMember: [{ reference: 'Observation/s' }] })],
    [
      'an attachment',
      observation('x', {
        extension: [{ url: 'urn:x', valueAttachment: { url: 'Observation/s' } }],
        meta: {
          security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
        },
      }),
    ],
    [
      'a logical reference',
      observation('x', {
        hasMember: [{ type: 'Observation', identifier: { system: 'urn:lab', value: '7' } }],
      }),
    ],
    [
      'a conditional reference',
      observation('x', { hasMember: [{ reference: 'Observation?identifier=urn:lab%7C7' }] }),
    ],
    ['a fragment', observation('x', { extension: [{ url: 'urn:x', valueUri: 'Observation/s#part' }] })],
    ['an encoded address', observation('x', { extension: [{ url: 'urn:x', valueUri: 'Observation%2Fs' }] })],
    [
      'a link in a narrative',
      observation('x', { text: { status: 'generated', div: '<div><a href="Observation/s">see</a></div>' } }),
    ],
    ['a chain', observation('x', { hasMember: [{ reference: 'Observation/y' }] })],
  ])('%s', (_, referring) => {
    const between = observation('y', { hasMember: [{ reference: 'Observation/s' }] })
    expect(
      outcome(
        searchset(
          observation('o'),
          referring,
          between,
          secret('s', { identifier: [{ system: 'urn:lab', value: '7' }] }),
        ),
      ).released,
    ).toEqual(['Observation/o'])
  })

  test('a Composition, by a section at any depth', () => {
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }]
    const composition = (reference: string) => ({
      resourceType: 'Composition',
      id: 'x',
      meta: { security },
      subject: ours,
      section: [{ section: [{ section: [{ entry: [{ reference }] }] }] }],
    })
    const all = (reference: string) => searchset(composition(reference), observation('o'), secret('s'))
    expect(outcome(all('Observation/s')).released).toEqual(['Observation/o'])
    expect(outcome(all('Observation/o')).released).toEqual(['Composition/x', 'Observation/o'])
  })

  test('by URN as well', () => {
    const urn = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a'
    const answer = bundleOf('collection', [
      { fullUrl: urn, resource: secret('s') },
      entryOf(observation('o', { hasMember: [{ reference: urn }] })),
    ])
    expect(outcome(answer).released).toEqual([])
  })

  test('and so is what stands in the answer again: one resource, one answer', () => {
    expect(outcome(searchset(observation('o'), secret('o'), observation('k'))).released).toEqual([
      'Observation/k',
    ])
  })

  test('but the patient is no secret to whoever asks for the patient', () => {
    const rules = rulesOf({ classes: ['Observation'] })
    expect(outcome(searchset(thePatient, observation('o')), rules)).toEqual({
      released: ['Observation/o'],
      withheld: { 'Patient/p': 'denied' },
    })
  })
})

describe('a Provenance', () => {
  const of = (...targets: string[]) => ({
    resourceType: 'Provenance',
    id: 'v',
    target: targets.map((reference) => ({ reference })),
  })
  test('is released with all of its targets', () => {
    expect(outcome(searchset(of('Observation/o', 'Patient/p'), observation('o'))).released).toEqual([
      'Provenance/v',
      'Observation/o',
    ])
  })
  test('is withheld where a target is not in the answer, or there is none', () => {
    expect(outcome(searchset(of('Observation/o', 'Observation/k'), observation('o'))).released).toEqual([
      'Observation/o',
    ])
    expect(outcome(searchset(of(), observation('o'))).released).toEqual(['Observation/o'])
    expect(outcome(searchset({ resourceType: 'Provenance', id: 'v' }, observation('o'))).released).toEqual([
      'Observation/o',
    ])
  })
  test('needs a consent like any other', () => {
    expect(
      outcome(searchset(of('Observation/o'), observation('o')), rulesOf({ classes: ['Observation'] }))
        .released,
    ).toEqual(['Observation/o'])
  })
})

test('a Binary is the patient’s where its security context is', () => {
  const binary = (reference?: string) => ({
    resourceType: 'Binary',
    id: 'b',
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }] },
    contentType: 'text/plain',
    ...(reference === undefined ? {} : { securityContext: { reference } }),
  })
  expect(outcome(searchset(binary('Patient/p'))).released).toEqual(['Binary/b'])
  expect(outcome(searchset(binary('Observation/o'), observation('o'))).released).toEqual([
    'Binary/b',
    'Observation/o',
  ])
  for (const reference of [undefined, 'Patient/q', 'Observation/k'])
    expect(outcome(searchset(binary(reference), observation('o'))).released).toEqual(['Observation/o'])
})

describe('what a search included', () => {
  const encounter = { resourceType: 'Encounter', id: 'e', subject: ours }
  const found = (...matches: Resource[]) =>
    bundleOf('searchset', [...matches.map((one) => entryOf(one, 'match')), entryOf(encounter, 'include')])
  test('is released where something released refers to it', () => {
    expect(outcome(found(observation('o', { encounter: { reference: 'Encounter/e' } }))).released).toEqual([
      'Observation/o',
      'Encounter/e',
    ])
  })
  test('is withheld where only something withheld does, or nothing', () => {
    expect(outcome(found(secret('o', { encounter: { reference: 'Encounter/e' } }))).released).toEqual([])
    expect(outcome(found(observation('o'))).released).toEqual(['Observation/o'])
  })
  test('is released where it refers to what was found itself', () => {
    const found = bundleOf('searchset', [
      entryOf(encounter),
      entryOf(observation('o', { encounter: { reference: 'Encounter/e' } }), 'include'),
    ])
    expect(outcome(found).released).toEqual(['Encounter/e', 'Observation/o'])
  })
  test('does not vouch for itself in a circle', () => {
    const circle = bundleOf('searchset', [
      entryOf(observation('a', { hasMember: [{ reference: 'Observation/b' }] }), 'include'),
      entryOf(observation('b', { hasMember: [{ reference: 'Observation/a' }] }), 'include'),
    ])
    expect(outcome(circle).released).toEqual([])
  })
})

describe('the release of a single record', () => {
  const { tellsRedactions: _, ...rules } = rulesOf()
  test('judges the resource with what it contains', () => {
    expect(filterResource(observation('o'), rules)).toMatchObject({ released: true, label: { kinds: [] } })
    expect(filterResource(secret('o'), rules)).toMatchObject({ released: false, reason: 'denied' })
    expect(filterResource(observation('o', { subject: theirs }), rules)).toMatchObject({
      reason: 'other-patient',
    })
  })
  test('refuses what only others could place', () => {
    expect(filterResource(practitioner, rules)).toMatchObject({
      released: false,
      reason: 'no-released-referrer',
    })
    expect(
      filterResource(
        { resourceType: 'Provenance', id: 'v', target: [{ reference: 'Observation/o' }] },
        rules,
      ),
    ).toMatchObject({ released: false, reason: 'not-placed' })
    expect(filterResource(bundleOf('collection', []), rules)).toMatchObject({ released: false })
  })
})
