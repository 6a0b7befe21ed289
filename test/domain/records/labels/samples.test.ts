import { readdirSync, readFileSync } from 'node:fs'
import type { Bundle, Resource } from 'fhir/r4.js'
import { describe, expect, it } from 'vitest'
import type { SensitiveKind } from '../../../../src/domain/consent/sensitivities.ts'
import { isRecordType } from '../../../../src/domain/records/compartment-members.ts'
import { DEFAULT_RULES } from '../../../../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../../../src/domain/records/labels/label-resource.ts'

const PATIENTS = new URL('../../../../fhir/samples/patients/', import.meta.url)
const rules = compileRules(DEFAULT_RULES)

const records = readdirSync(PATIENTS)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => (JSON.parse(readFileSync(new URL(name, PATIENTS), 'utf8')) as Bundle).entry ?? [])
  .flatMap(({ resource }) => (resource && isRecordType(resource.resourceType) ? [resource] : []))
const labelled = records.map((resource) => ({ resource, kinds: labelResource(resource, rules).kinds }))

/** The topics of the sample set's own index: SNOMED CT codes chosen by whoever made the samples, not by the rules. */
const TOPICS: readonly [topic: string, kind: SensitiveKind, codes: string, words: RegExp][] = [
  [
    'substance use',
    'ETH',
    '361055000 6525002 5602001 55680006 7200002 10939881000119105',
    /\b(drug (abuse|overdose|addiction|rehab\w*)|misuses drugs|alcohol|substance use)/i,
  ],
  [
    'mental health',
    'PSY',
    '80583007 370143000 192127007 47505003 36923009 287182007 287185009',
    /\b(depression|anxiety|panic)/i,
  ],
  ['HIV', 'HIV', '86406008 62479008', /\b(hiv|human immunodeficiency virus|tenofovir)\b/i],
  ['partner abuse', 'SDV', '706893006', /\b(partner abuse|domestic abuse|afraid of your partner|rape)\b/i],
  ['violence in the surroundings', 'SDV', '424393004', /\bviolence\b/i],
  [
    'pregnancy',
    'PREGNANT',
    '72892002 19169002 156073000 198992004 35999006 79586000 161744009 267020005 398254007 183996000',
    /\b(pregnan|miscarriage|antenatal|prenatal|fetal|childbirth)/i,
  ],
  ['dementia', 'PSY', '26929004 230265002 386806002', /\b(alzheimer|dementia)/i],
]

/** Every text that people read, by way of the plain JSON: displays and texts, and nothing encoded. */
const readable = (resource: Resource): string =>
  [
    ...JSON.stringify(resource).matchAll(
      /"(?:display|text|valueString|title|description)":"((?:[^"\\]|\\.)*)"/g,
    ),
  ]
    .map((match) => match[1])
    .join('\n')

const missing = (kind: SensitiveKind, concerns: (resource: Resource) => boolean): string[] =>
  labelled
    .filter(({ resource, kinds }) => concerns(resource) && !kinds.includes(kind))
    .map(({ resource }) => `${resource.resourceType}/${resource.id}`)

describe('the default rules on the sample records', () => {
  it.each(TOPICS)('label every Condition of %s as %s by its code', (_, kind, codes) => {
    const known = new Set(codes.split(' '))
    const concerns = (resource: Resource) =>
      resource.resourceType === 'Condition' &&
      ((resource as { code?: { coding?: { code?: string }[] } }).code?.coding ?? []).some(({ code }) =>
        known.has(code ?? ''),
      )
    expect(missing(kind, concerns)).toEqual([])
  })

  it.each(TOPICS)('label everything that mentions %s as %s', (_, kind, __, words) => {
    expect(labelled.some(({ resource }) => words.test(readable(resource)))).toBe(true)
    expect(missing(kind, (resource) => words.test(readable(resource)))).toEqual([])
  })

  it('count every note as restricted', () => {
    const notes = labelled.filter(({ resource }) => resource.resourceType === 'DocumentReference')
    expect(notes.length).toBeGreaterThan(300)
    expect(notes.every(({ kinds }) => kinds.includes('R'))).toBe(true)
  })

  it('leave criminal records and social findings ordinary', () => {
    const social = new Set(['266948004', '422650009', '423315002', '73438004', '105531004'])
    const codeOf = (r: Resource) =>
      (r as { code?: { coding?: { code?: string }[] } }).code?.coding?.[0]?.code ?? ''
    const found = labelled.filter(({ resource }) => social.has(codeOf(resource)))
    expect(found.length).toBeGreaterThan(10)
    expect(found.every(({ kinds }) => kinds.length === 0)).toBe(true)
  })

  it('leave at least half of the records ordinary', () => {
    const counts: Record<string, number> = {}
    for (const { kinds } of labelled) for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1
    const ordinary = labelled.filter(({ kinds }) => kinds.length === 0).length
    console.info(`${labelled.length} records, ${ordinary} ordinary, by kind: ${JSON.stringify(counts)}`)
    expect(ordinary).toBeGreaterThanOrEqual(labelled.length / 2)
  })

  it('judge at least two thousand records a second', () => {
    const begin = performance.now()
    for (const resource of records) labelResource(resource, rules)
    const seconds = (performance.now() - begin) / 1000
    expect(records.length / seconds).toBeGreaterThan(2000)
  })
})
