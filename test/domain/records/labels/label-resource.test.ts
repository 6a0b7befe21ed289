import { describe, expect, it } from 'vitest'
import { kindCoding } from '../../../../src/domain/consent/sensitivities.ts'
import { DEFAULT_RULES } from '../../../../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../../../src/domain/records/labels/label-resource.ts'

const rules = compileRules(DEFAULT_RULES)
const label = (resource: { resourceType: string; [element: string]: unknown }) =>
  labelResource(resource, rules)
const kinds = (resource: { resourceType: string; [element: string]: unknown }) => label(resource).kinds

const SNOMED = 'http://snomed.info/sct'
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
const ordinary = { resourceType: 'Condition', code: { text: 'Essential hypertension (disorder)' } }
const letter = {
  resourceType: 'DocumentReference',
  content: [{ attachment: { contentType: 'text/plain', data: 'SElW' } }],
}

describe('a record is labelled', () => {
  it('as ordinary when nothing sensitive is found', () => {
    expect(label(ordinary)).toEqual({ confidentiality: 'N', kinds: [] })
  })

  it.each([
    ['SNOMED CT', SNOMED, '86406008', 'HIV'],
    ['SNOMED CT by its OID', 'urn:oid:2.16.840.1.113883.6.96', '86406008', 'HIV'],
    ['LOINC', 'http://loinc.org', '75626-2', 'ETH'],
    ['RxNorm', 'http://www.nlm.nih.gov/research/umls/rxnorm', '6448', 'PSY'],
    ['ICD-10', 'http://hl7.org/fhir/sid/icd-10', 'O80', 'PREGNANT'],
    ['ICD-10 below a prefix', 'http://hl7.org/fhir/sid/icd-10-cm', 'f10.20', 'ETH'],
    ['ATC', 'http://www.whocc.no/atc', 'J05AR20', 'HIV'],
    ['ICD-10, genetics', 'http://hl7.org/fhir/sid/icd-10', 'Q90.9', 'GDIS'],
    ['ICD-10, violence', 'http://hl7.org/fhir/sid/icd-10-cm', 'T74.11XA', 'SDV'],
  ])('by a code without a display: %s', (_, system, code, kind) => {
    expect(kinds({ resourceType: 'Condition', code: { coding: [{ system, code }] } })).toEqual([kind])
  })

  it('not by a code of another system, nor by tobacco', () => {
    expect(
      kinds({ resourceType: 'Condition', code: { coding: [{ system: 'urn:x', code: '86406008' }] } }),
    ).toEqual([])
    const tobacco = { system: 'http://hl7.org/fhir/sid/icd-10', code: 'F17.2' }
    expect(kinds({ resourceType: 'Condition', code: { coding: [tobacco] } })).toEqual([])
  })

  it.each([
    ['code.text', { code: { text: 'Drug overdose' } }, 'ETH'],
    ['the display of a coding', { code: { coding: [{ display: 'Routine antenatal care' }] } }, 'PREGNANT'],
    [
      'the display of a reference',
      { reasonReference: [{ reference: 'Condition/1', display: 'HIV infection' }] },
      'HIV',
    ],
    ['a reason', { reasonCode: [{ text: 'Major depressive disorder' }] }, 'PSY'],
    ['a note', { note: [{ text: 'Mother of two, prenatal visit missed.' }] }, 'PREGNANT'],
    ['a string value', { valueString: 'BRCA1 variant found' }, 'GDIS'],
    ['a list of strings', { alias: ['ward', 'psychiatric ward'] }, 'PSY'],
    ['an extension', { extension: [{ url: 'urn:x', valueString: 'domestic violence' }] }, 'SDV'],
    [
      'an extension of a primitive',
      { _status: { extension: [{ url: 'urn:x', valueString: 'raped' }] } },
      'SDV',
    ],
    ['generated narrative', { text: { status: 'generated', div: '<div><p>Meth&#97;done</p></div>' } }, 'ETH'],
    [
      'narrative with marks inside a word',
      { text: { status: 'generated', div: '<div>H<b>I</b>V</div>' } },
      'HIV',
    ],
    ['a contained resource', { contained: [{ resourceType: 'Condition', code: { text: 'AIDS' } }] }, 'HIV'],
  ])('by words wherever people read: %s', (_, content, kind) => {
    expect(kinds({ resourceType: 'Procedure', ...content })).toEqual([kind])
  })

  it.each([
    'Post-Traumatic Stress',
    'POST TRAUMATIC STRESS',
    'post–traumatic stress',
    'póst traumatic stress',
    'post\u00adtraumatic stress disorder: PTSD',
  ])('whatever the case, the accents and the punctuation: %s', (text) => {
    expect(kinds({ resourceType: 'Condition', code: { text } })).toEqual(['PSY'])
  })

  it.each([
    'Hearing aids fitted',
    'Isopropyl alcohol swab',
    'ST depression in V5',
    'Archive of Shivers',
    'Not in labor force (finding)',
    'Has a criminal record (finding)',
    'Social isolation (finding)',
    'Tobacco smoking status',
    'https://aids.example/hiv',
  ])('as ordinary where a word only looks like it: %s', (text) => {
    const content = text.startsWith('https')
      ? { instantiatesUri: [], code: { coding: [{ system: text }] } }
      : { code: { text } }
    expect(kinds({ resourceType: 'Condition', ...content })).toEqual([])
  })

  it('with every kind that applies, once, in the order of the bits', () => {
    const code = { text: 'Antenatal HIV test, HIV counselling, depression screening' }
    expect(label({ resourceType: 'Procedure', code })).toEqual({
      confidentiality: 'R',
      kinds: ['PSY', 'HIV', 'PREGNANT'],
    })
  })

  it('by its type, where the type alone tells', () => {
    expect(kinds({ resourceType: 'MolecularSequence' })).toEqual(['GDIS'])
  })

  it('the same whatever the order of its elements', () => {
    const content = Object.entries({
      code: { text: 'HIV' },
      note: [{ text: 'alcohol' }],
      subject: { display: 'A' },
    })
    const forwards = label({ resourceType: 'Observation', ...Object.fromEntries(content) })
    expect(label({ ...Object.fromEntries(content.toReversed()), resourceType: 'Observation' })).toEqual(
      forwards,
    )
  })
})

describe('a label at the source', () => {
  it('is never lowered by rules that find nothing', () => {
    expect(label({ ...ordinary, meta: { security: [kindCoding('GDIS')] } })).toEqual({
      confidentiality: 'R',
      kinds: ['GDIS'],
    })
    expect(
      label({ ...ordinary, meta: { security: [{ system: CONFIDENTIALITY, code: 'R' }] } }).kinds,
    ).toEqual(['R'])
  })

  it('does not keep the rules from finding more', () => {
    const resource = {
      resourceType: 'Condition',
      code: { text: 'HIV' },
      meta: { security: [kindCoding('ETH')] },
    }
    expect(kinds(resource)).toEqual(['ETH', 'HIV'])
    expect(kinds({ ...resource, meta: { security: [{ system: CONFIDENTIALITY, code: 'N' }] } })).toEqual([
      'HIV',
    ])
  })

  it('counts on a contained resource and on a part of a resource, too', () => {
    const contained = [{ resourceType: 'Observation', meta: { security: [kindCoding('HIV')] } }]
    expect(kinds({ ...ordinary, contained })).toEqual(['HIV'])
    const url = 'http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label'
    expect(
      kinds({ ...ordinary, note: [{ extension: [{ url, valueCoding: kindCoding('PSY') }], text: 'x' }] }),
    ).toEqual(['PSY'])
  })

  it.each([
    ['unknown', [{ system: 'urn:local', code: 'SECRET' }]],
    ['not an object', ['R']],
    ['not a list', { system: CONFIDENTIALITY, code: 'N' }],
    ['null', null],
  ])('closes the record to every ordinary consent when it is %s', (_, security) => {
    expect(label({ ...ordinary, meta: { security } })).toEqual({ confidentiality: 'V', kinds: ['V'] })
  })
})

describe('free text that nobody has labelled', () => {
  it.each([
    ['a document with its text inside', letter],
    [
      'a document kept elsewhere',
      { resourceType: 'DocumentReference', content: [{ attachment: { url: 'Binary/1' } }] },
    ],
    [
      'a report with its text attached',
      { resourceType: 'DiagnosticReport', presentedForm: [{ data: 'SElW' }] },
    ],
    [
      'a message with an attachment',
      { resourceType: 'Communication', payload: [{ contentAttachment: { url: 'urn:x' } }] },
    ],
    ['a Composition', { resourceType: 'Composition' }],
    ['a Media', { resourceType: 'Media' }],
    [
      'a contained Binary',
      { ...ordinary, contained: [{ resourceType: 'Binary', contentType: 'text/plain' }] },
    ],
    [
      'narrative that a person may have written',
      { ...ordinary, text: { status: 'additional', div: '<div>x</div>' } },
    ],
  ])('counts as restricted: %s', (_, resource) => {
    expect(label(resource)).toEqual({ confidentiality: 'R', kinds: ['R'] })
  })

  it.each([
    ['a report without attachment', { resourceType: 'DiagnosticReport', code: { text: 'Lipid panel' } }],
    ['generated narrative', { ...ordinary, text: { status: 'generated', div: '<div>x</div>' } }],
    [
      'sampled data',
      { resourceType: 'Observation', valueSampledData: { origin: { value: 0 }, data: '1 2 3' } },
    ],
    [
      'an extension with an address',
      { ...ordinary, extension: [{ url: 'https://x.example', valueCode: 'a' }] },
    ],
  ])('is not seen in %s', (_, resource) => {
    expect(kinds(resource)).toEqual([])
  })

  it('is not read: what an attachment holds adds no kind, and R stands beside what the title tells', () => {
    expect(kinds(letter)).toEqual(['R'])
    expect(kinds({ ...letter, description: 'HIV clinic' })).toEqual(['HIV', 'R'])
  })

  it('is ordinary only when the source says how confidential it is, not when it says something else', () => {
    const withLabel = (system: string, code: string) => ({
      ...letter,
      meta: { security: [{ system, code }] },
    })
    expect(kinds(withLabel(CONFIDENTIALITY, 'N'))).toEqual([])
    expect(kinds(withLabel('http://terminology.hl7.org/CodeSystem/v3-ActReason', 'HTEST'))).toEqual(['R'])
    const contained = [{ ...ordinary, meta: { security: [{ system: CONFIDENTIALITY, code: 'N' }] } }]
    expect(kinds({ ...letter, contained })).toEqual(['R'])
  })
})

describe('a rule set', () => {
  it('must hold rules: without any, everything would count as ordinary', () => {
    expect(() => compileRules([])).toThrow(expect.objectContaining({ code: 'not-ready' }))
  })

  it('can be a hospital’s own, in its own language', () => {
    const dutch = compileRules([
      ...DEFAULT_RULES,
      { kind: 'PREGNANT', words: ['zwanger*'], harmless: ['zwangerschapsyoga'] },
    ])
    expect(
      labelResource({ resourceType: 'Condition', code: { text: 'Zwangerschap' } } as never, dutch).kinds,
    ).toEqual(['PREGNANT'])
    expect(
      labelResource({ resourceType: 'Condition', code: { text: 'zwangerschapsyoga' } } as never, dutch).kinds,
    ).toEqual([])
  })
})
