import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyHash } from '../../../src/domain/consent/body-hash.ts'
import { compileBody, recipientOf } from '../../../src/domain/consent/consent-body.ts'
import { dataClassOf } from '../../../src/domain/consent/data-classes.ts'
import { type Candidate, decide } from '../../../src/domain/consent/decide.ts'
import { compileConsents } from '../../../src/domain/consent/fhir/decide-consents.ts'
import { featuresOf, featuresOfTraits, traitsOf } from '../../../src/domain/consent/fhir/features.ts'
import { raisedFeatures } from '../../../src/domain/consent/fhir/raised-features.ts'
import { readConsentRequest } from '../../../src/domain/consent/fhir/request.ts'
import type { SensitiveKind } from '../../../src/domain/consent/sensitivities.ts'
import { normalTerms } from '../../../src/domain/consent/terms.ts'
import { ZERO_32 } from '../../../src/domain/hex.ts'
import { seeded } from '../../seeded.ts'
import { asked, B, EVERYONE, GROUP, objection, permit } from './decision-world.ts'
import * as fhir from './fhir/arbitraries.ts'
import { label, purpose } from './fhir/builders.ts'

const OTHER = { system: 'urn:o', value: 'c' }
const party = (identifier: { system: string; value: string }) => ({
  role: { coding: [{ code: 'IRCP' }] },
  reference: { identifier },
})
const observation = (id: string, more: object = {}) => ({ resourceType: 'Observation', id, ...more })
const one = (reference: string) => ({ data: [{ meaning: 'instance', reference: { reference } }] })

/** A record as its custodian knows it, its labels raised to the kinds that the rules found. */
function record(resource: object & { resourceType: string }, kinds: SensitiveKind[] = []) {
  const content = raisedFeatures(featuresOf(resource as never), kinds)
  return { dataClass: dataClassOf(resource), kinds, content }
}

const provisions = (provision: object) => ({ resourceType: 'Consent', status: 'active', provision })

/** A slot whose terms name a body with this root. */
function bodied(provision: object, slot: Parameters<typeof permit>[0] = {}): Candidate {
  const body = provisions({ type: 'permit', ...provision })
  const terms = { dataClasses: ['observations', 'problems'], body: bodyHash(body) }
  return { ...permit({ ...slot, terms }), body: compileBody(body) }
}
function bodiedObjection(provision: object, slot: Parameters<typeof objection>[0] = {}): Candidate {
  const body = provisions({ type: 'deny', ...provision })
  return {
    ...objection({
      ...slot,
      terms: normalTerms({ dataClasses: [], sensitivities: [], body: bodyHash(body) }),
    }),
    body: compileBody(body),
  }
}
const whole = (slot: Parameters<typeof permit>[0] = {}) =>
  permit({ ...slot, terms: { dataClasses: ['observations', 'problems'] } })

const recipient = recipientOf({ system: 'urn:o', value: 'b' }, ['gp-practices'])
const outcome = (
  candidates: Candidate[],
  of: ReturnType<typeof record> | { dataClass: string; kinds: string[] },
) => {
  const decision = decide(asked(candidates, { recipient, record: of }))
  return decision.decision === 'permit' ? 'permit' : decision.reason
}

const first = record(observation('1'))
const second = record(observation('2'))

describe('The body of a consent', () => {
  test.each<[string, Candidate[], ReturnType<typeof record>, string]>([
    ['opens the one record that it names', [bodied(one('Observation/1'))], first, 'permit'],
    ['and no other of its kind', [bodied(one('Observation/1'))], second, 'provision-silent'],
    [
      'keeps one record back',
      [bodied({ provision: [{ type: 'deny', ...one('Observation/1') }] })],
      first,
      'provision-denies',
    ],
    [
      'and opens the others',
      [bodied({ provision: [{ type: 'deny', ...one('Observation/1') }] })],
      second,
      'permit',
    ],
    [
      'never opens a class that the terms do not name',
      [bodied({})],
      record({ resourceType: 'Immunization' }),
      'class-not-covered',
    ],
    [
      'never opens a kind that the terms do not name',
      [bodied({})],
      record(observation('1'), ['HIV']),
      'sensitivity-not-covered',
    ],
    [
      'keeps a record back from a group as well, where it names the organisation itself',
      [bodied({ provision: [{ type: 'deny', ...one('Observation/1') }] }), whole({ to: GROUP })],
      first,
      'provision-denies',
    ],
    [
      'that says nothing about a record leaves it to a wider consent',
      [bodied(one('Observation/2')), whole({ to: GROUP })],
      first,
      'permit',
    ],
    [
      'for everyone that denies one organisation denies it where a group is granted to',
      [
        bodied(
          { provision: [{ type: 'deny', actor: [party({ system: 'urn:o', value: 'b' })] }] },
          { to: EVERYONE },
        ),
        whole({ to: GROUP }),
      ],
      first,
      'provision-denies',
    ],
    [
      'that denies another organisation denies only that',
      [bodied({ provision: [{ type: 'deny', actor: [party(OTHER)] }] }, { to: EVERYONE })],
      first,
      'permit',
    ],
    [
      'of a group that names one record wins over an objection of another group to all',
      [
        bodied(one('Observation/1'), { to: GROUP }),
        objection({ to: { ...GROUP, grantee: 'insurers' }, joinedAt: 1 }),
      ],
      first,
      'permit',
    ],
    [
      'counts within its hours only',
      [bodied({ period: { end: '2026-06-15T11:00:00Z' } })],
      first,
      'provision-silent',
    ],
    [
      'whose role nobody can tell permits nothing',
      [
        bodied({
          provision: [{ type: 'deny', actor: [{ role: { coding: [{ system: 'urn:r', code: 'nurse' }] } }] }],
        }),
      ],
      first,
      'terms-unenforceable',
    ],
    [
      'of an objection covers the record that it names',
      [whole(), bodiedObjection(one('Observation/1'), { to: B })],
      first,
      'objection',
    ],
    [
      'of an objection covers no other',
      [whole(), bodiedObjection(one('Observation/1'), { to: B })],
      second,
      'permit',
    ],
    [
      'of an objection leaves out what it permits, and opens nothing by that',
      [bodiedObjection({ provision: [{ type: 'permit', ...one('Observation/1') }] })],
      first,
      'no-consent',
    ],
  ])('%s', (_rule, candidates, of, expected) => {
    expect(outcome(candidates, of)).toBe(expected)
  })

  test('keeps back a record for what is contained in it, and opens none by that', () => {
    const host = record({ resourceType: 'Condition', id: 'h' } as never)
    const holds = { ...host, contained: [featuresOf(observation('1') as never)] }
    const kept = bodied({ provision: [{ type: 'deny', class: [{ code: 'Observation' }] }] })
    expect(outcome([kept], host)).toBe('permit')
    expect(outcome([kept], holds)).toBe('provision-denies')
    expect(outcome([whole(), bodiedObjection(one('Observation/1'))], holds)).toBe('objection')
    expect(outcome([bodied(one('Observation/1'))], holds)).toBe('provision-silent')
  })

  test('opens no whole compartment, and lets no wider consent open one', () => {
    const compartment = { dataClass: 'observations', kinds: [] }
    expect(outcome([whole()], compartment)).toBe('permit')
    expect(outcome([bodied(one('Observation/1'))], compartment)).toBe('content-unknown')
    expect(outcome([bodied(one('Observation/1')), whole({ to: GROUP })], compartment)).toBe('content-unknown')
    expect(outcome([whole(), bodiedObjection(one('Observation/1'))], compartment)).toBe('objection')
  })

  test('that is not the one the terms name decides nothing: what is not at hand refuses', () => {
    const { body, ...without } = bodied({})
    expect(body).toBeDefined()
    expect(outcome([without], first)).toBe('terms-missing')
    // A body beside terms that name none is none.
    expect(outcome([{ ...whole(), body: compileBody(provisions({ type: 'deny' })) }], first)).toBe('permit')
  })

  test('that cannot be enforced refuses at its own rank', () => {
    const broken = bodied({ provision: [{ type: 'deny', modifierExtension: [{ url: 'urn:x' }] }] })
    expect(outcome([broken, whole({ to: GROUP })], first)).toBe('terms-unenforceable')
  })

  test('is told by its labels: a permit for ordinary records is not about one that the rules found to be sensitive', () => {
    const ordinary = bodied({ securityLabel: [label('N')] })
    const open = {
      ...ordinary,
      terms: normalTerms({
        dataClasses: ['observations'],
        sensitivities: ['HIV', 'ETH'],
        body: ordinary.terms?.body ?? ZERO_32,
      }),
    }
    expect(outcome([open], first)).toBe('permit')
    expect(outcome([open], record(observation('1', { meta: { security: [label('N')] } }), ['HIV']))).toBe(
      'provision-silent',
    )
    const noAlcohol = {
      ...open,
      body: compileBody(
        provisions({ type: 'permit', provision: [{ type: 'deny', securityLabel: [label('ETH')] }] }),
      ),
    }
    expect(outcome([noAlcohol], record(observation('1'), ['ETHUD']))).toBe('provision-denies')
  })

  test('has one hash whatever the order of its members', () => {
    expect(bodyHash({ a: 1, b: [2] })).toBe(bodyHash({ b: [2], a: 1 }))
    expect(bodyHash({ a: 1 })).toMatch(/^0x[0-9a-f]{64}$/)
  })
})

describe('What is kept of a record to judge it by', () => {
  test('says of it what the record itself says, after it was kept as JSON', () => {
    fc.assert(
      fc.property(fhir.consents, fhir.resources, (consents, resources) => {
        const compiled = compileConsents(consents)
        const request = readConsentRequest({
          at: '2025-06-01T12:00:00Z',
          recipient: { reference: 'Organization/a', groups: [] },
          purposeOfUse: [purpose('TREAT')],
        })
        expect(compiled.consents.length).toBe(consents.length)
        for (const resource of resources) {
          const features = featuresOf(resource as never)
          const again = featuresOfTraits(JSON.parse(JSON.stringify(traitsOf(resource as never))))
          expect({ ...again, references: again.references(), authors: again.authors() }).toEqual({
            ...features,
            references: features.references(),
            authors: features.authors(),
          })
        }
        expect(request.purposes).toHaveLength(1)
      }),
      seeded({ numRuns: 100 }),
    )
  })
})
