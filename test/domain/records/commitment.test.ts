import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalResource, commitmentOf } from '../../../src/domain/records/commitment.ts'
import { parseStrictJson } from '../../../src/domain/records/strict-json.ts'
import { seeded } from '../../seeded.ts'

const salt = randomBytes(32)
const read = (text: string) => parseStrictJson(new TextEncoder().encode(text)) as Record<string, unknown>
const commit = (text: string) => commitmentOf(salt, read(text))

const CONDITION =
  '{"resourceType":"Condition","id":"c1","code":{"text":"Asthma"},"recordedDate":"2020-01-01"}'

describe('a commitment', () => {
  test('is SHA-256 over the salt and the canonical form', () => {
    const form = '{"code":{"text":"Asthma"},"id":"c1","recordedDate":"2020-01-01","resourceType":"Condition"}'
    expect(canonicalResource(read(CONDITION))).toBe(form)
    const expected = createHash('sha256').update(salt).update(form).digest('hex')
    expect(commit(CONDITION)).toBe(`0x${expected}`)
  })

  test('to the same resource under another salt is another, so nobody can test a guess', () => {
    expect(commitmentOf(randomBytes(32), read(CONDITION))).not.toBe(commit(CONDITION))
  })

  test('does not depend on the order of keys, on white space, nor on how a number or character is spelled', () => {
    const one = '{"resourceType":"Observation","valueQuantity":{"value":100,"unit":"é"},"a":[1,2]}'
    for (const other of [
      '{ "valueQuantity" : { "unit":"é", "value":100 },\n "a":[1,2], "resourceType":"Observation" }',
      '{"resourceType":"Observation","valueQuantity":{"value":1e2,"unit":"\\u00e9"},"a":[1.0,2]}',
      '{"resourceType":"Observation","valueQuantity":{"value":100.00,"unit":"é"},"a":[10e-1,20E-1]}',
    ]) {
      expect(commit(other), other).toBe(commit(one))
    }
  })

  test('does not depend on what a server sets by itself', () => {
    const meta = (text: string) => commit(CONDITION.replace('{', `{"meta":${text},`))
    expect(meta('{"versionId":"7","lastUpdated":"2026-01-01T00:00:00Z","source":"#abc"}')).toBe(
      commit(CONDITION),
    )
    expect(meta('{}')).toBe(commit(CONDITION))
    const profile = '"profile":["http://example.org/p"]'
    expect(meta(`{"versionId":"7",${profile}}`)).toBe(meta(`{${profile},"versionId":"8","source":"x"}`))
  })

  test('depends on everything else: on labels and profiles in meta, too', () => {
    const seen = new Set<string>()
    const variants = [
      CONDITION,
      CONDITION.replace('Asthma', 'asthma'),
      CONDITION.replace('c1', 'c2'),
      CONDITION.replace('2020-01-01', '2020-01-02'),
      CONDITION.replace('{', '{"language":"nl",'),
      CONDITION.replace('{', '{"meta":{"security":[{"code":"R"}]},'),
      CONDITION.replace('{', '{"meta":{"security":[{"code":"V"}]},'),
      CONDITION.replace('{', '{"meta":{"tag":[]},'),
      CONDITION.replace('{', '{"meta":null,'),
      CONDITION.replace('{', '{"meta":"versionId",'),
      CONDITION.replace('{', '{"meta":["versionId"],'),
      CONDITION.replace('{', '{"__proto__":{"x":1},'),
      CONDITION.replace('"id"', '"versionId":"1","id"'),
      CONDITION.replace('"text"', '"meta":{"versionId":"1"},"text"'),
      CONDITION.replace('"text"', '"meta":{"versionId":"2"},"text"'),
      CONDITION.replace('"Asthma"', '"Asthma","x":[1,2]'),
      CONDITION.replace('"Asthma"', '"Asthma","x":[2,1]'),
      CONDITION.replace('"Asthma"', '"Asthma","x":"1"'),
      CONDITION.replace('"Asthma"', '"Asthma","x":1'),
      CONDITION.replace('"Asthma"', '"Asthma","x":true'),
      CONDITION.replace('"Asthma"', '"Asthma","x":null'),
      CONDITION.replace('"Asthma"', '"A\u0308"'),
      CONDITION.replace('"Asthma"', '"\u00c4"'),
    ]
    for (const variant of variants) seen.add(commit(variant))
    expect(seen.size).toBe(variants.length)
  })

  test('leaves the resource that it is made from as it was', () => {
    const resource = read(CONDITION.replace('{', '{"meta":{"versionId":"1"},'))
    const before = structuredClone(resource)
    commitmentOf(salt, resource)
    expect(resource).toEqual(before)
  })

  test('of any two resources is the same only where they are the same resource', () => {
    const resources = fc.dictionary(
      fc.constantFrom('resourceType', 'id', 'meta', 'a'),
      fc.jsonValue({ maxDepth: 2 }),
    ) as fc.Arbitrary<Record<string, unknown>>
    const bare = ({ meta, ...rest }: Record<string, unknown>) => {
      if (typeof meta !== 'object' || meta === null || Array.isArray(meta))
        return { ...rest, ...(meta === undefined ? {} : { meta }) }
      const { versionId, lastUpdated, source, ...kept } = meta as Record<string, unknown>
      return Object.keys(kept).length === 0 ? rest : { ...rest, meta: kept }
    }
    const plain = (x: unknown) => JSON.parse(JSON.stringify(x)) as Record<string, unknown>
    fc.assert(
      fc.property(resources, resources, (one, other) => {
        fc.pre(JSON.stringify([one, other]).isWellFormed() && ![one, other].some((x) => hasLoneSurrogate(x)))
        const same = sorted(bare(plain(one))) === sorted(bare(plain(other)))
        expect(commitmentOf(salt, plain(one)) === commitmentOf(salt, plain(other))).toBe(same)
      }),
      seeded({ numRuns: 500 }),
    )
  })
})

function hasLoneSurrogate(x: unknown): boolean {
  let found = false
  JSON.stringify(x, (key, value: unknown) => {
    if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) found = true
    return value
  })
  return found
}

function sorted(x: unknown): string {
  return JSON.stringify(x, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}
