import fc from 'fast-check'
import type { Consent, FhirResource } from 'fhir/r4.js'
import { describe, expect, test } from 'vitest'
import { enforceability } from '../../../../src/domain/consent/fhir/enforceability.ts'
import { seeded } from '../../../seeded.ts'
import { type Asked, asked, consents, deniedOnly, resources, shuffled } from './arbitraries.ts'
import { access, decide, purpose } from './builders.ts'
import { anyTakesEffect, type Line, readResidual, readRules } from './reading.ts'

const runs = seeded({ numRuns: Number(process.env.RUNS ?? 400) })

const requestOf = ({ at, recipient, groups, purposes }: Asked) => ({
  at,
  recipient: { reference: recipient, groups: groups.map((reference) => ({ reference })) },
  purposeOfUse: purposes.map(purpose),
})
const verdicts = (some: unknown, ask: Asked, them: FhirResource[]) =>
  decide(some, requestOf(ask), them).resources.map(({ decision }) => decision)

describe('whatever the consents say', () => {
  test('nothing is disclosed but what the rules, read plainly, disclose, and all but very little of that', () => {
    let disclosed = 0
    let withholding = 0
    fc.assert(
      fc.property(consents, asked, resources, (some, ask, them) => {
        let withheld = false
        for (const [index, verdict] of verdicts(some, ask, them).entries()) {
          const ruled = readRules(some, ask, them[index] as FhirResource)
          if (ruled === 'deny') expect(verdict).toBe('deny')
          else if (verdict === 'permit') disclosed++
          else withheld = true
        }
        if (withheld) withholding++
      }),
      runs,
    )
    process.stdout.write(`${disclosed} disclosed; withheld beyond the rules in ${withholding} cases\n`)
    // What a residual has no words for is withheld: see docs/decide.md. By cases, since one may hold many resources.
    expect(disclosed).toBeGreaterThan(runs.numRuns / 10)
    expect(withholding).toBeLessThan(runs.numRuns / 40)
  })

  test('the residual gives, for every resource, the verdict that the decision gives', () => {
    fc.assert(
      fc.property(consents, asked, resources, (some, ask, them) => {
        const answer = decide(some, requestOf(ask), them)
        if (answer.decision === 'no-consent') return
        for (const [index, resource] of them.entries())
          expect(readResidual(answer.residual as Line[], resource)).toBe(answer.resources[index]?.decision)
      }),
      runs,
    )
  })

  test('the decision is a permit where any resource is disclosed, and no-consent where no provision takes effect', () => {
    fc.assert(
      fc.property(consents, asked, resources, (some, ask, them) => {
        const { decision, resources: judged } = decide(some, requestOf(ask), them)
        expect(decision === 'no-consent').toBe(!anyTakesEffect(some, ask))
        if (judged.some((one) => one.decision === 'permit')) expect(decision).toBe('permit')
      }),
      runs,
    )
  })

  test('a consent that only denies never widens what the rules disclose', () => {
    fc.assert(
      fc.property(consents, deniedOnly, asked, resources, (some, denial, ask, them) => {
        for (const [index, verdict] of verdicts([...some, denial], ask, them).entries()) {
          if (verdict === 'permit') expect(readRules(some, ask, them[index] as FhirResource)).toBe('permit')
        }
      }),
      runs,
    )
  })

  test('a consent for another party, another purpose, another time or no longer in force changes nothing', () => {
    const unrelated = fc.constantFrom<Partial<Consent>>(
      { provision: { type: 'deny', actor: [access('Organization/other')] } },
      { provision: { type: 'permit', purpose: [purpose('HMARKT')] } },
      { provision: { type: 'permit', period: { end: '2020-01-01' } } },
      { status: 'inactive', provision: { type: 'deny' } },
    )
    fc.assert(
      fc.property(consents, unrelated, asked, resources, (some, one, ask, them) => {
        const more = [...some, { resourceType: 'Consent', id: 'unrelated', status: 'active', ...one }]
        expect(decide(more, requestOf(ask), them)).toEqual(decide(some, requestOf(ask), them))
      }),
      runs,
    )
  })

  test('the order in which consents are given is of no account, down to the last letter of the answer', () => {
    fc.assert(
      fc.property(shuffled, asked, resources, ([some, other], ask, them) => {
        expect(JSON.stringify(decide(other, requestOf(ask), them))).toBe(
          JSON.stringify(decide(some, requestOf(ask), them)),
        )
      }),
      runs,
    )
  })
})

/** Puts something else in one place of a JSON value. */
function damage(value: unknown, path: readonly number[], by: unknown): unknown {
  if (typeof value !== 'object' || value === null || path.length === 0) return by
  const [first = 0, ...rest] = path
  const keys = Object.keys(value)
  const key = keys[first % Math.max(keys.length, 1)]
  if (key === undefined) return by
  const copy = structuredClone(value) as Record<string, unknown>
  copy[key] = damage(copy[key], rest, by)
  return copy
}

describe('whatever is written where a consent should be', () => {
  const path = fc.array(fc.nat({ max: 20 }), { maxLength: 9 })

  test('a decision is made', () => {
    fc.assert(
      fc.property(consents, path, fc.jsonValue(), asked, resources, (some, where, by, ask, them) => {
        const damaged = damage(some, where, by)
        expect(decide(damaged, requestOf(ask), them).resources).toHaveLength(them.length)
        for (const one of Array.isArray(damaged) ? (damaged as unknown[]) : []) enforceability(one)
      }),
      runs,
    )
  })

  test('arbitrary JSON in every element of a Consent is read without failing', () => {
    const names = 'status scope category patient policyRule provision modifierExtension contained'.split(' ')
    const anything = fc.record(Object.fromEntries(names.map((name) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    })
    fc.assert(
      fc.property(anything, fc.jsonValue(), asked, (consent, resource, ask) => {
        const one = { status: 'active', ...consent, resourceType: 'Consent', id: 'x' }
        expect(decide([one, resource], requestOf(ask), [resource]).decision).toMatch(
          /^(deny|no-consent|unenforceable)$/,
        )
        expect(enforceability(resource).length).toBeGreaterThan(0)
      }),
      runs,
    )
  })
})
