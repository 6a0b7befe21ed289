import { describe, expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../../../src/domain/records/labels/label-resource.ts'
import { readRules } from '../../../../src/domain/records/labels/read-rules.ts'
import { readLabelRules } from '../../../../src/fhir/label-rules.ts'

const none = () => {
  throw new Error('no value set was named')
}
const read = (json: unknown, valueSet?: unknown) =>
  readRules(json, valueSet === undefined ? none : () => valueSet)
const kinds = (code: object, rules = readLabelRules(['fhir/examples/labels/label-rules.json'])) =>
  labelResource({ resourceType: 'Observation', ...{ code } }, compileRules(rules)).kinds
const coded = (system: string, code: string) => ({ coding: [{ system, code }] })
const ours = 'https://hospital.example/CodeSystem'

describe('the rules that come with Wayleave', () => {
  test.each([
    ['substance use', 'ETH', 'alcohol dependence'],
    ['mental health', 'PSY', 'schizophrenia'],
    ['HIV', 'HIV', 'HIV infection'],
    ['sexual violence', 'SDV', 'victim of rape'],
    ['domestic violence', 'SDV', 'intimate partner violence'],
    ['genetics', 'GDIS', 'BRCA1 mutation'],
  ])('know %s', (_, kind, text) => {
    expect(kinds({ text }, [...DEFAULT_RULES])).toContain(kind)
  })
})

describe('a custodian’s own rules, as the example has them', () => {
  test.each([
    ['a code', coded(`${ours}/clinic`, 'detox'), ['ETH']],
    ['a beginning of a word', { text: 'verslavingszorg' }, ['ETH']],
    ['a phrase', { text: 'Huiselijk geweld' }, ['SDV']],
    ['a harmless phrase', { text: 'Cursus huiselijk geweld voor personeel' }, []],
    ['a beginning of a code', coded('urn:oid:2.16.840.1.113883.2.4.4.30.5', 'P76'), ['PSY']],
    ['a concept of a value set', coded(`${ours}/laboratory`, 'cd4'), ['HIV']],
    ['a concept of an expansion', coded(`${ours}/laboratory`, 'exome'), ['GDIS']],
    ['what only groups concepts', coded(`${ours}/laboratory`, 'genetics'), []],
    ['a rule that came with Wayleave', { text: 'schizophrenia' }, ['PSY']],
  ])('%s', (_, code, expected) => {
    expect(kinds(code)).toEqual(expected)
  })

  test('replace those that come with Wayleave only where they say so', () => {
    const rule = { kind: 'HIV', words: ['hiv'] }
    expect(read({ rules: [rule] })).toEqual({ replaces: false, rules: [rule] })
    expect(read({ defaults: 'replace', rules: [rule] }).replaces).toBe(true)
    expect(readLabelRules([])).toEqual(DEFAULT_RULES)
  })
})

describe('a file that is wrong is refused, and says where', () => {
  const word = (text: string) => ({ rules: [{ kind: 'HIV', words: [text] }] })
  test.each<[string, unknown, string]>([
    ['a list', [], '/: '],
    ['nothing', {}, '/: no rules in it'],
    ['an unknown field', { rules: [{ kind: 'HIV', code: {} }] }, '/rules/0'],
    [
      'an unknown kind',
      {
        rules: [
          { kind: 'ETH', words: ['x'] },
          { kind: 'AIDS', words: ['x'] },
        ],
      },
      '/rules/1/kind: AIDS is no sensitive kind',
    ],
    ['a kind of a value set', { valueSets: [{ kind: 'x', file: 'y' }] }, '/valueSets/0/kind: x'],
    [
      'codes that are no lists',
      { rules: [{ kind: 'HIV', codes: { 'urn:x': '1' } }] },
      '/rules/0/codes/urn:x',
    ],
    [
      'a beginning that every code has',
      { rules: [{ kind: 'HIV', prefixes: { 'urn:x': ['.'] } }] },
      '/rules/0/prefixes/urn:x/0',
    ],
    ['an empty word', word(' '), '/rules/0/words/0'],
    ['a beginning that is too short', word('hi*'), '/rules/0/words/0: a *'],
    ['a beginning of several words', word('human immuno*'), '/rules/0/words/0: a *'],
    ['a star within', word('h*iv'), '/rules/0/words/0: a *'],
    [
      'a type that R4 has not',
      { rules: [{ kind: 'HIV', types: ['Observation', 'Secret'] }] },
      '/rules/0/types/1: Secret',
    ],
    [
      'a word about the rules that come along',
      { defaults: 'none', rules: [{ kind: 'HIV', words: ['x'] }] },
      '/defaults',
    ],
  ])('%s', (_, json, message) => {
    expect(() => read(json)).toThrow(
      expect.objectContaining({ code: 'request-invalid', detail: expect.stringContaining(message) }),
    )
  })

  const include = (more: object) => ({
    resourceType: 'ValueSet',
    compose: { include: [{ system: 'urn:x', ...more }] },
  })
  const concept = [{ code: '1' }]
  test.each<[string, unknown, string]>([
    ['is no ValueSet', { resourceType: 'CodeSystem' }, 'a.json /resourceType: no ValueSet'],
    [
      'filters',
      include({ filter: [{ property: 'concept', op: 'is-a', value: '86406008' }] }),
      '/compose/include/0/filter: a filter (concept is-a 86406008) is not supported',
    ],
    ['is a whole code system', include({}), '/compose/include/0/concept: a whole code system'],
    [
      'takes in others',
      include({ concept, valueSet: ['urn:y'] }),
      '/compose/include/0/valueSet: other value sets',
    ],
    [
      'leaves out',
      { resourceType: 'ValueSet', compose: { include: [{ system: 'urn:x', concept }], exclude: [] } },
      '/compose/exclude',
    ],
    [
      'has no code',
      include({ concept: [{ code: '1' }, { display: 'x' }] }),
      '/compose/include/0/concept/1/code',
    ],
    [
      'has no system',
      { resourceType: 'ValueSet', compose: { include: [{ concept }] } },
      '/compose/include/0/concept/0/system',
    ],
    [
      'is expanded in part',
      { resourceType: 'ValueSet', expansion: { total: 2, contains: [{ system: 'urn:x', code: '1' }] } },
      '/expansion/total: 2 codes, of which only 1',
    ],
    ['is empty', { resourceType: 'ValueSet', compose: {} }, 'no codes in it'],
  ])('a value set that %s', (_, valueSet, message) => {
    expect(() => read({ valueSets: [{ kind: 'HIV', file: 'a.json' }] }, valueSet)).toThrow(
      expect.objectContaining({ code: 'request-invalid', detail: expect.stringContaining(message) }),
    )
  })

  test('names the file that cannot be read', () => {
    expect(() => readLabelRules(['fhir/examples/labels/none.json'])).toThrow(
      expect.objectContaining({
        detail:
          'labelling rules fhir/examples/labels/none.json fhir/examples/labels/none.json cannot be read',
      }),
    )
    expect(() => readLabelRules(['README.md'])).toThrow(
      expect.objectContaining({ detail: expect.stringContaining('labelling rules README.md') }),
    )
  })
})
