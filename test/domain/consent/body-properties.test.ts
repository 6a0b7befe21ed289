import fc from 'fast-check'
import type { Coding, Consent, FhirResource } from 'fhir/r4.js'
import { describe, expect, test } from 'vitest'
import { bodyHash } from '../../../src/domain/consent/body-hash.ts'
import { compileBody, recipientOf } from '../../../src/domain/consent/consent-body.ts'
import { dataClassOf, isResourceType } from '../../../src/domain/consent/data-classes.ts'
import { type Candidate, decide } from '../../../src/domain/consent/decide.ts'
import { GROUP_SYSTEM } from '../../../src/domain/consent/fhir/consent-of-slot.ts'
import type { ConsentWish } from '../../../src/domain/consent/fhir/consent-wish.ts'
import { compileConsents, decideConsents } from '../../../src/domain/consent/fhir/decide-consents.ts'
import { featuresOf } from '../../../src/domain/consent/fhir/features.ts'
import { raisedFeatures } from '../../../src/domain/consent/fhir/raised-features.ts'
import { readConsentRequest } from '../../../src/domain/consent/fhir/request.ts'
import { wishesOfConsent } from '../../../src/domain/consent/fhir/wishes-of-consent.ts'
import { kindsOfSecurityLabels } from '../../../src/domain/consent/security-labels.ts'
import { normalTerms } from '../../../src/domain/consent/terms.ts'
import { dayOfDate } from '../../../src/domain/days.ts'
import { ZERO_32 } from '../../../src/domain/hex.ts'
import { seeded } from '../../seeded.ts'
import { asked, B, EVERYONE, GROUP, objection, permit } from './decision-world.ts'
import * as fhir from './fhir/arbitraries.ts'
import { purpose } from './fhir/builders.ts'

/** A record as its custodian knows it, with the kinds that its own labels demand. */
function record(resource: FhirResource) {
  const kinds = kindsOfSecurityLabels(labelsOf(resource))
  const content = raisedFeatures(featuresOf(resource as never), kinds)
  return { dataClass: dataClassOf(resource), kinds, content }
}

const runs = (numRuns: number) => seeded({ numRuns: Number(process.env.RUNS ?? numRuns) })

const PARTIES: Record<string, { system: string; value: string }> = {
  'Organization/a': { system: 'urn:o', value: 'a' },
  'Organization/b': { system: 'urn:o', value: 'b' },
  'Group/g': { system: GROUP_SYSTEM, value: 'g' },
  'Group/h': { system: GROUP_SYSTEM, value: 'h' },
}

/** The same Consent with parties by their identifiers, as those are named on the chain. */
function byIdentifier(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byIdentifier)
  if (typeof value !== 'object' || value === null) return value
  const { reference } = value as { reference?: unknown }
  const identifier = typeof reference === 'string' ? PARTIES[reference] : undefined
  if (identifier) return { identifier, type: String(reference).split('/')[0] }
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, byIdentifier(child)]))
}

/** As if the patient had signed each wish and the chain had taken it. */
function candidateOf({
  effect,
  to,
  purpose,
  dataClasses,
  sensitivities,
  from,
  until,
  body,
}: ConsentWish): Candidate {
  const make = effect === 'permit' ? permit : objection
  const terms = normalTerms({ dataClasses, sensitivities, ...(body ? { body: bodyHash(body) } : {}) })
  const days = {
    ...(from ? { fromDay: dayOfDate(from) as number } : {}),
    ...(until ? { untilDay: dayOfDate(until) as number } : {}),
  }
  return { ...make({ to, purpose, terms, word: days }), ...(body ? { body: compileBody(body) } : {}) }
}

const labelsOf = (resource: FhirResource): Coding[] => resource.meta?.security ?? []

describe('A Consent that is filed, signed and decided on by what the chain holds', () => {
  test('discloses nothing that the Consent does not, and of ordinary records all that it does', () => {
    let [both, only, refused] = [0, 0, 0]
    const groups = fc.subarray(['g', 'h'])
    const purposes = fc.constantFrom('TREAT', 'ETREAT', 'HRESCH')
    fc.assert(
      fc.property(fhir.consents, groups, purposes, fhir.resources, (some, groups, code, resources) => {
        const written = some[0] && (byIdentifier(some[0]) as Consent)
        if (!written) return
        const { wishes, problems } = wishesOfConsent(written)
        if (problems.length > 0) {
          refused++
          return
        }
        const at = Date.parse('2026-06-15T12:00:00Z')
        const request = readConsentRequest({
          at: new Date(at).toISOString(),
          recipient: {
            identifier: [PARTIES['Organization/a']],
            groups: groups.map((value) => ({ type: 'Group', identifier: { system: GROUP_SYSTEM, value } })),
          },
          purposeOfUse: [purpose(code)],
        })
        const candidates = wishes
          .map(candidateOf)
          .filter(({ scope }) => scope.granteeType !== 'Organization' || scope.grantee === 'urn:o|a')
          .map((c) => ({ ...c, joinedAt: groups.includes(c.scope.grantee) ? 1 : 0 }))
        const fhirSays = decideConsents(compileConsents([written]), request, resources as never).resources
        for (const [i, resource] of resources.entries()) {
          if (!isResourceType(resource.resourceType)) continue
          const of = record(resource)
          const decision = decide(
            asked(candidates, {
              ...{ at, purpose: code, record: of },
              recipient: recipientOf({ system: 'urn:o', value: 'a' }, groups),
            }),
          )
          if (decision.decision === 'permit') expect(fhirSays[i]?.decision).toBe('permit')
          // Of a sensitive record the Consent has to name the kind; FHIR lets a label stand beside another.
          if (fhirSays[i]?.decision !== 'permit' || of.kinds.length > 0) continue
          if (decision.decision === 'permit') both++
          else only++
        }
      }),
      runs(2_000),
    )
    process.stdout.write(`both ${both}, only the Consent ${only}, not filed ${refused}\n`)
    expect(both).toBeGreaterThan(100)
    expect(only).toBe(0)
  })
})

// --- bodies of any content, on slots of any kind ---------------------------------------------------------------------

const bodies = fhir.consents.filter((some) => some.length > 0).map((some) => byIdentifier(some[0]) as Consent)
const parties = fc.constantFrom(B, GROUP, EVERYONE)
const CLASSES = ['observations', 'problems', 'encounters']

type Slotted = { whole: Candidate; narrowed: Candidate }

/** A slot with a body, and the same slot without. */
const slots: fc.Arbitrary<Slotted> = fc
  .record({
    body: bodies,
    to: parties,
    effect: fc.constantFrom(permit, permit, objection),
    dataClasses: fc.subarray(CLASSES),
    sensitivities: fc.subarray(['ETH', 'HIV', 'R']),
  })
  .map(({ body, to, effect, dataClasses, sensitivities }) => {
    const terms = normalTerms({ dataClasses, sensitivities, body: bodyHash(body as never) })
    const narrowed = { ...effect({ to, terms }), body: compileBody(body as never) }
    return { narrowed, whole: { ...narrowed, terms: { ...terms, body: ZERO_32 } } }
  })

const requests = fc.record({ candidates: fc.array(slots, { maxLength: 3 }), resources: fhir.resources })
const recipient = recipientOf({ system: 'urn:o', value: 'b' }, ['gp-practices'])
const permits = (candidates: readonly Candidate[], resource: FhirResource) =>
  decide(asked(candidates, { recipient, record: record(resource) })).decision === 'permit'

describe('Whatever the body of a consent says', () => {
  test('it opens nothing that scope, classes and kinds of a permit do not open', () => {
    fc.assert(
      fc.property(slots, fhir.resources, ({ narrowed, whole }, resources) => {
        for (const resource of resources)
          if (permits([narrowed], resource)) expect(permits([whole], resource)).toBe(true)
      }),
      runs(400),
    )
  })

  test('one more objection, with a body or without, opens nothing', () => {
    const denial = slots.filter(({ narrowed }) => narrowed.word.state === 'objection')
    fc.assert(
      fc.property(requests, denial, ({ candidates, resources }, { narrowed, whole }) => {
        const before = candidates.map((one) => one.narrowed)
        for (const resource of resources)
          for (const more of [narrowed, whole])
            if (permits([...before, more], resource)) expect(permits(before, resource)).toBe(true)
      }),
      runs(400),
    )
  })

  test('the order of the consents is of no account', () => {
    fc.assert(
      fc.property(requests, ({ candidates, resources }) => {
        const some = candidates.map((one) => one.narrowed)
        for (const resource of resources) {
          const decided = decide(asked(some, { recipient, record: record(resource) }))
          expect(decide(asked([...some].reverse(), { recipient, record: record(resource) }))).toEqual(decided)
        }
      }),
      runs(200),
    )
  })

  test('nothing is opened by a consent whose body is not at hand, or without knowing what the record is', () => {
    fc.assert(
      fc.property(slots, fhir.resources, ({ narrowed }, resources) => {
        const { body: _lost, ...without } = narrowed
        for (const resource of resources) {
          expect(permits([without], resource)).toBe(false)
          const { dataClass, kinds } = record(resource)
          const unread = decide(asked([narrowed], { recipient, record: { dataClass, kinds } }))
          expect(unread.decision).toBe('refuse')
        }
      }),
      runs(200),
    )
  })
})
