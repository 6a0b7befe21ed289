import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FilterRules, filterAnswer } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { readAnswer } from '../../../../src/domain/consent/filtering/read-answer.ts'
import { RESOURCE_TYPES } from '../../../../src/domain/consent/resource-types.ts'
import { CONFIDENTIALITY_SYSTEM, SENSITIVITY_SYSTEM } from '../../../../src/domain/consent/sensitivities.ts'
import { seeded } from '../../../seeded.ts'
import { namesIn, rulesOf } from './answers.ts'
import { plant } from './planted/planted.ts'
import { rulesFor } from './planted/rules.ts'

type Bundle = { resourceType: string; entry?: unknown[] }

/** An answer with planted resources, as it is after reading, and the rules for it. */
const answers = fc.integer({ min: 0 }).map((seed) => {
  const planted = plant(seed)
  return { answer: readAnswer(planted.dirty) as Bundle, rules: rulesFor(planted, false) }
})

const released = (answer: unknown, rules: FilterRules) => filterAnswer(answer, rules).answer
const parameters = () => seeded({ numRuns: 200 })
const hold = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => void) => {
  fc.assert(fc.property(arbitrary, predicate), parameters())
}

/** Every object within a value. */
function objectsIn(value: unknown, found = new Set<unknown>()): Set<unknown> {
  if (typeof value !== 'object' || value === null) return found
  found.add(value)
  for (const inside of Object.values(value)) objectsIn(inside, found)
  return found
}

function resourcesIn(bundle: unknown): unknown[] {
  const { resourceType, type, entry } = (bundle ?? {}) as {
    resourceType?: string
    type?: string
    entry?: { resource?: unknown }[]
  }
  if (resourceType !== 'Bundle' || type === 'document' || type === 'message') return bundle ? [bundle] : []
  return (entry ?? []).flatMap(({ resource }) => resourcesIn(resource))
}

describe('whatever a server answers', () => {
  test('filtering what was released changes nothing', () => {
    hold(answers, ({ answer, rules }) => {
      const once = released(answer, rules)
      expect(JSON.stringify(released(once, rules))).toBe(JSON.stringify(once))
    })
  })

  test('each resource released is one that came, untouched', () => {
    hold(answers, ({ answer, rules }) => {
      const came = objectsIn(answer)
      const before = JSON.stringify(answer)
      const all = resourcesIn(released(answer, rules))
      expect(all.every((resource) => came.has(resource))).toBe(true)
      expect(JSON.stringify(answer)).toBe(before)
    })
  })

  test('the order of entries decides nothing but their order', () => {
    hold(answers, ({ answer, rules }) => {
      const turned = { ...answer, entry: answer.entry?.toReversed() }
      const names = (one: unknown) => namesIn(released(one, rules)).sort().join()
      expect(names(turned)).toBe(names(answer))
    })
  })

  test('a consent that lets through less never releases more', () => {
    hold(fc.tuple(answers, fc.nat(6)), ([{ answer, rules }, n]) => {
      const fewer: FilterRules = {
        ...rules,
        verdict: (resource, label) =>
          JSON.stringify(resource).length % 7 === n
            ? { decision: 'deny', why: 'less' }
            : rules.verdict(resource, label),
      }
      const more = new Set(namesIn(released(answer, rules)))
      expect(namesIn(released(answer, fewer)).filter((name) => !more.has(name))).toEqual([])
    })
  })

  test('nothing is released about anybody else than the patient', () => {
    hold(answers, ({ answer, rules }) => {
      const other = { ...rules, patient: { reference: 'Patient/somebody-else', identifiers: [] } }
      expect(namesIn(released(answer, other))).toEqual([])
    })
  })

  test('nothing makes it fail, and what is no FHIR is not released', () => {
    const type = fc.constantFrom(...Object.keys(RESOURCE_TYPES), 'Secret')
    const keys =
      'resourceType id meta contained subject patient entry resource reference identifier type security extension section fullUrl search request response target system code url valueCoding toString __proto__'.split(
        ' ',
      )
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 6, depthSize: 'large' },
        fc.constantFrom(
          null,
          1,
          true,
          '',
          'Patient/p',
          'Bundle',
          'searchset',
          'collection',
          'document',
          'history',
          '#x',
          'urn:x',
          SENSITIVITY_SYSTEM,
          CONFIDENTIALITY_SYSTEM,
        ),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 3 })), tie('any'), {
          maxKeys: 6,
        }),
        fc.record(
          {
            resourceType: type,
            id: fc.constantFrom('p', 'x'),
            contained: tie('any'),
            subject: tie('any'),
            meta: tie('any'),
          },
          { requiredKeys: ['resourceType'] },
        ),
        fc.record({
          resourceType: fc.constant('Bundle'),
          type: fc.constantFrom('searchset', 'document', 'collection', 'history'),
          entry: fc.array(tie('any'), { maxLength: 4 }),
        }),
        fc.record(
          { resource: tie('any'), search: tie('any'), request: tie('any') },
          { requiredKeys: ['resource'] },
        ),
      ),
    }))
    fc.assert(
      fc.property(any, (answer) => {
        const { answer: out } = filterAnswer(answer, rulesOf({ denies: ['V'] }))
        const types = resourcesIn(out).map((resource) => (resource as Bundle).resourceType)
        expect(types.filter((one) => !Object.hasOwn(RESOURCE_TYPES, one))).toEqual([])
      }),
      seeded({ numRuns: 3_000 }),
    )
  })
})
