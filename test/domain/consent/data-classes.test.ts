import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  DATA_CLASSES,
  type DataClass,
  dataClassNumber,
  dataClassOf,
  dataClassOfNumber,
  isDataClass,
  isResourceType,
  resourceTypeNumber,
  resourceTypeOf,
  resourceTypesOf,
} from '../../../src/domain/consent/data-classes.ts'
import { RESOURCE_TYPES } from '../../../src/domain/consent/resource-types.ts'

/** The resource types of R4 as the type definitions of FHIR name them: an independent list. */
function r4ResourceTypes(): string[] {
  const path = new URL('../../../node_modules/@types/fhir/r4.d.ts', import.meta.url)
  const union = /export type FhirResource\s*=([^;]*);/.exec(readFileSync(path, 'utf8'))?.[1] ?? ''
  return union
    .split('|')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

const types = Object.keys(RESOURCE_TYPES).filter(isResourceType)
const classes = Object.keys(DATA_CLASSES).filter(isDataClass)

describe('data classes', () => {
  it('cover every R4 resource type, each in exactly one class, and nothing else', () => {
    const r4 = r4ResourceTypes()
    expect(r4.length).toBe(146)
    expect(types.toSorted()).toEqual(r4.toSorted())
    expect(classes.flatMap(resourceTypesOf).toSorted()).toEqual(r4.toSorted())
  })

  it('depend on the type alone: every Observation is an observation', () => {
    const laboratory = { resourceType: 'Observation', category: [{ coding: [{ code: 'laboratory' }] }] }
    expect(dataClassOf(laboratory)).toBe('observations')
    expect(dataClassOf({ resourceType: 'Observation' })).toBe('observations')
  })

  it('refuse what is no resource type, and names that objects inherit', () => {
    expect(() => dataClassOf({ resourceType: 'Spaceship' })).toThrow()
    expect(() => resourceTypeNumber('toString')).toThrow()
    expect(isDataClass('constructor')).toBe(false)
    expect(isDataClass('medications')).toBe(true)
  })

  it('have numbers that never change, because sealed pointers hold them', () => {
    expect(classes.map((code) => [code, dataClassNumber(code)])).toMatchInlineSnapshot(`
      [
        [
          "problems",
          1,
        ],
        [
          "allergies",
          2,
        ],
        [
          "medications",
          3,
        ],
        [
          "immunizations",
          4,
        ],
        [
          "observations",
          5,
        ],
        [
          "laboratory",
          6,
        ],
        [
          "imaging",
          7,
        ],
        [
          "procedures",
          8,
        ],
        [
          "encounters",
          9,
        ],
        [
          "documents",
          10,
        ],
        [
          "care-plans",
          11,
        ],
        [
          "family-history",
          12,
        ],
        [
          "devices",
          13,
        ],
        [
          "appointments",
          14,
        ],
        [
          "billing",
          15,
        ],
        [
          "questionnaires",
          16,
        ],
        [
          "research",
          17,
        ],
        [
          "administrative",
          18,
        ],
        [
          "knowledge",
          19,
        ],
      ]
    `)
  })

  it('have numbers that fit one byte and lead back to the class', () => {
    for (const code of classes) {
      expect(dataClassNumber(code)).toBeGreaterThan(0)
      expect(dataClassNumber(code)).toBeLessThan(256)
      expect(dataClassOfNumber(dataClassNumber(code))).toBe<DataClass>(code)
    }
    expect(dataClassOfNumber(0)).toBeUndefined()
    expect(dataClassOfNumber(200)).toBeUndefined()
  })
})

describe('resource type numbers', () => {
  it('are the alphabetical order of the R4 types, from 1 on, and lead back to the type', () => {
    expect(types.map(resourceTypeNumber)).toEqual(types.toSorted().map((_, i) => i + 1))
    for (const type of types) expect(resourceTypeOf(resourceTypeNumber(type))).toBe(type)
    expect(resourceTypeOf(0)).toBeUndefined()
    expect(resourceTypeOf(255)).toBeUndefined()
  })

  it('keep their places: three taken at random in 2026', () => {
    expect([
      resourceTypeNumber('Account'),
      resourceTypeNumber('Observation'),
      resourceTypeNumber('VisionPrescription'),
    ]).toMatchInlineSnapshot(`
      [
        1,
        96,
        146,
      ]
    `)
  })
})
