import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DATA_CLASSES, isDataClass } from '../../../../src/domain/consent/data-classes.ts'
import {
  consentOfSlot,
  GROUP_SYSTEM,
  type SlotConsent,
} from '../../../../src/domain/consent/fhir/consent-of-slot.ts'
import { compileConsents, decideConsents } from '../../../../src/domain/consent/fhir/decide-consents.ts'
import { enforceability } from '../../../../src/domain/consent/fhir/enforceability.ts'
import { readConsentRequest } from '../../../../src/domain/consent/fhir/request.ts'
import { wishesOfConsent } from '../../../../src/domain/consent/fhir/wishes-of-consent.ts'
import { PURPOSES } from '../../../../src/domain/consent/purposes.ts'
import { RESOURCE_TYPES } from '../../../../src/domain/consent/resource-types.ts'
import {
  isKindAllowed,
  SENSITIVE_KINDS,
  type SensitiveKind,
} from '../../../../src/domain/consent/sensitivities.ts'

const CLASSES = Object.keys(DATA_CLASSES).filter(isDataClass)
const KINDS = Object.keys(SENSITIVE_KINDS).filter((kind) => kind !== 'V')
const seed = Date.now() % 2 ** 31

const slots = fc.record({
  id: fc.constant('ab'.repeat(16)),
  state: fc.constant('in-force' as const),
  scope: fc.record({
    granteeType: fc.constantFrom('Organization' as const, 'Group' as const),
    grantee: fc.constantFrom('urn:oid:2.999.1|b', 'urn:oid:2.999.1|c'),
    purpose: fc.constantFrom(...Object.keys(PURPOSES)),
  }),
  effect: fc.constant('permit' as const),
  terms: fc.record({
    dataClasses: fc.subarray(CLASSES, { minLength: 1 }),
    sensitivities: fc.subarray(KINDS),
  }),
  from: fc.constant('2026-01-01'),
  until: fc.constant('2026-12-31'),
  patient: fc.constant({ reference: 'Patient/p' }),
  custodian: fc.constant({ name: 'A', identifier: { system: 'urn:x', value: 'a' } }),
})

/** What the terms open, kind by kind: lists that open the same are the same. */
const opened = (allowed: readonly string[]) =>
  (Object.keys(SENSITIVE_KINDS) as SensitiveKind[]).filter((kind) => isKindAllowed(kind, allowed))

describe('A slot of the chain as a FHIR Consent', () => {
  test('is read back as the same scope, period, classes and kinds', () => {
    process.stdout.write(`seed ${seed}\n`)
    fc.assert(
      fc.property(slots, (slot: SlotConsent) => {
        const consent = consentOfSlot(slot)
        expect(enforceability(consent)).toEqual([])
        const { wishes, problems } = wishesOfConsent(consent)
        expect(problems).toEqual([])
        expect(wishes).toHaveLength(1)
        const { granteeType, grantee, purpose } = slot.scope
        expect(wishes[0]).toMatchObject({
          ...{ effect: 'permit', to: { granteeType, grantee }, purpose },
          ...{ from: slot.from, until: slot.until, dataClasses: slot.terms?.dataClasses },
        })
        expect(opened(wishes[0]?.sensitivities ?? [])).toEqual(opened(slot.terms?.sensitivities ?? []))
      }),
      { seed, numRuns: 300 },
    )
  })

  test('is decided as its terms say, for every type of resource and every kind', () => {
    process.stdout.write(`seed ${seed}\n`)
    const types = Object.keys(RESOURCE_TYPES) as (keyof typeof RESOURCE_TYPES)[]
    fc.assert(
      fc.property(slots, fc.constantFrom(...types), fc.subarray([...KINDS, 'V']), (slot, type, kinds) => {
        const security = kinds.map((code) => ({
          system: SENSITIVE_KINDS[code as SensitiveKind].system,
          code,
        }))
        const resource = { resourceType: type, id: 'x', meta: { security } }
        const request = {
          at: '2026-06-01T00:00:00Z',
          recipient: { identifier: [identifierOf(slot.scope)], groups: [] },
          purposeOfUse: [
            { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: slot.scope.purpose },
          ],
        }
        const { resources } = decideConsents(
          compileConsents([consentOfSlot(slot)]),
          readConsentRequest(request),
          [resource],
        )
        const open =
          slot.terms.dataClasses.includes(RESOURCE_TYPES[type][1]) &&
          kinds.every((kind) => isKindAllowed(kind as SensitiveKind, slot.terms.sensitivities))
        expect(resources[0]?.decision).toBe(open ? 'permit' : 'deny')
      }),
      { seed, numRuns: 500 },
    )
  })

  test('is proposed, active or inactive, as its state is', () => {
    const [slot] = fc.sample(slots, 1)
    if (!slot) throw new Error('no slot')
    expect(consentOfSlot({ ...slot, state: 'filed' }).status).toBe('proposed')
    expect(consentOfSlot(slot).status).toBe('active')
    expect(consentOfSlot({ ...slot, state: 'ended' }).status).toBe('inactive')
  })
})

const identifierOf = ({ granteeType, grantee }: SlotConsent['scope']) =>
  granteeType === 'Group'
    ? { system: 'https://wayleave.example/fhir/NamingSystem/group', value: grantee }
    : { system: 'urn:oid:2.999.1', value: grantee.split('|')[1] ?? '' }

const TREAT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }
const B = { reference: { identifier: { system: 'urn:x', value: 'b' } }, role: { coding: [{ code: 'IRCP' }] } }
const HIV = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }
const label = (code: string) => ({ system: HIV.system, code })
const N = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }
const R = { ...N, code: 'R' }
const consent = (provision: object, more: object = {}) => ({
  resourceType: 'Consent',
  id: '1',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ coding: [{ code: '59284-0' }] }],
  patient: { reference: 'Patient/p' },
  provision: { type: 'permit', actor: [B], purpose: [TREAT], ...provision },
  ...more,
})

describe('A Consent that a hospital files', () => {
  test('for two parties and two purposes needs four signatures', () => {
    const C = { ...B, reference: { identifier: { system: 'urn:x', value: 'c' } } }
    const { wishes } = wishesOfConsent(
      consent({ actor: [B, C], purpose: [TREAT, { ...TREAT, code: 'HRESCH' }] }),
    )
    expect(wishes.map(({ to, purpose }) => `${to.grantee} ${purpose}`)).toEqual([
      'urn:x|b TREAT',
      'urn:x|b HRESCH',
      'urn:x|c TREAT',
      'urn:x|c HRESCH',
    ])
  })

  test('that names no party is for everyone, and no purpose for any', () => {
    const { wishes } = wishesOfConsent(consent({ actor: undefined, purpose: undefined }))
    expect(wishes).toMatchObject([{ to: { granteeType: 'Everyone', grantee: '' }, purpose: 'PurposeOfUse' }])
  })

  test('by policy rule alone is a permit or an objection', () => {
    const rule = (code: string) => ({ policyRule: { coding: [{ system: HIV.system, code }] } })
    expect(wishesOfConsent(consent({ type: undefined }, rule('OPTIN'))).wishes[0]?.effect).toBe('permit')
    expect(wishesOfConsent(consent({ type: undefined }, rule('OPTOUT'))).wishes[0]?.effect).toBe('deny')
  })

  test('for ordinary records opens nothing sensitive, with one kind named that kind', () => {
    const kinds = (provision: object) => wishesOfConsent(consent(provision)).wishes[0]?.sensitivities
    expect(kinds({ securityLabel: [N] })).toEqual([])
    expect(kinds({ securityLabel: [N, HIV] })).toEqual(['HIV'])
    expect(kinds({ provision: [{ type: 'deny', securityLabel: [HIV] }] })).not.toContain('HIV')
  })

  test('that forbids is an objection to what it names, or to everything', () => {
    expect(wishesOfConsent(consent({ type: 'deny' })).wishes[0]).toMatchObject({
      effect: 'deny',
      dataClasses: [],
    })
  })

  test('names an organisation by a contained resource as well', () => {
    const contained = [
      { resourceType: 'Organization', id: 'o', identifier: [{ system: 'urn:x', value: 'b' }] },
    ]
    const { wishes } = wishesOfConsent(
      consent({ actor: [{ ...B, reference: { reference: '#o' } }] }, { contained }),
    )
    expect(wishes[0]?.to).toEqual({ granteeType: 'Organization', grantee: 'urn:x|b' })
  })

  test.each<[string, object]>([
    ['one resource', { data: [{ meaning: 'instance', reference: { reference: 'Observation/1' } }] }],
    ['a code', { code: [{ coding: [{ system: 's', code: 'c' }] }] }],
    ['dates of the data', { dataPeriod: { start: '2020-01-01' } }],
    ['half a data class', { class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Procedure' }] }],
    ['sensitive records only', { securityLabel: [HIV] }],
    ['a time of day', { period: { end: '2026-01-01T12:00:00Z' } }],
    ['a nested permit', { provision: [{ type: 'permit', securityLabel: [HIV] }] }],
    ['a nested deny for one party', { provision: [{ type: 'deny', actor: [B], securityLabel: [HIV] }] }],
    [
      'a kind kept back whose wider kind is open',
      { provision: [{ type: 'deny', securityLabel: [label('ETHUD')] }] },
    ],
    [
      'all that is restricted kept back',
      { provision: [{ type: 'deny', securityLabel: [R, { ...R, code: 'V' }] }] },
    ],
    ['a label that only some hospitals use', { securityLabel: [N, label('XYZ')] }],
  ])('with %s is signed with a body that says so', (_what, provision) => {
    const { wishes, problems } = wishesOfConsent(consent(provision))
    expect(problems).toEqual([])
    expect(wishes).toHaveLength(1)
    expect(wishes[0]?.body?.provision).toMatchObject(provision)
    expect(wishes[0]?.body).not.toHaveProperty('patient')
  })

  test('without anything of the kind has no body, so that whoever is granted to finds the records without asking', () => {
    expect(wishesOfConsent(consent({})).wishes[0]).not.toHaveProperty('body')
  })

  test.each<[string, object, string]>([
    [
      'a person',
      { actor: [{ ...B, reference: { ...B.reference, type: 'Practitioner' } }] },
      'provision.actor[0].reference',
    ],
    [
      'a party without identifier',
      { actor: [{ ...B, reference: { reference: 'Organization/b' } }] },
      'provision.actor[0].reference',
    ],
    ['another purpose system', { purpose: [{ system: 'urn:x', code: 'TREAT' }] }, 'provision.purpose[0]'],
    [
      'collecting only',
      {
        action: [
          { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'collect' }] },
        ],
      },
      'provision.action',
    ],
    [
      'more than a body may hold',
      { code: Array.from({ length: 999 }, (_, i) => ({ coding: [{ system: 'urn:long', code: `${i}` }] })) },
      '',
    ],
    [
      'a group below another party, since the council says who is in it',
      {
        provision: [
          { type: 'permit', actor: [{ reference: { identifier: { system: GROUP_SYSTEM, value: 'gp' } } }] },
        ],
      },
      'provision.provision[0].actor[0]',
    ],
  ])('with %s is refused, and told where and why', (_what, provision, path) => {
    const { wishes, problems } = wishesOfConsent(consent(provision))
    expect(wishes).toEqual([])
    expect(problems.map((problem) => problem.path)).toContain(path)
    for (const { reason } of problems) expect(reason.length).toBeGreaterThan(10)
  })

  test('that denies and permits some below is an objection to the rest, and a grant of those', () => {
    const C = { ...B, reference: { identifier: { system: 'urn:x', value: 'c' } } }
    const observations = [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }]
    const { wishes, problems } = wishesOfConsent(
      consent({
        ...{ type: 'deny', actor: [B, C] },
        provision: [{ type: 'permit', actor: [B], class: observations }],
      }),
    )
    expect(problems).toEqual([])
    expect(wishes).toMatchObject([
      { effect: 'permit', to: { grantee: 'urn:x|b' }, dataClasses: ['observations'] },
      { effect: 'deny', to: { grantee: 'urn:x|c' }, dataClasses: [] },
    ])
    // Neither party is told of the other.
    expect(JSON.stringify(wishes[0]?.body)).not.toContain('"c"')
    expect(JSON.stringify(wishes[1]?.body)).not.toContain('"b"')
  })

  test('that holds anything at all where a word should be is taken or refused, and never fails', () => {
    process.stdout.write(`seed ${seed}\n`)
    const odd = fc.constantFrom({ toString: 1 }, [], 7, null, { valueOf: null }, '', true)
    const paths = [
      'class',
      'securityLabel',
      'purpose',
      'code',
      'actor',
      'data',
      'period',
      'provision',
      'type',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...paths), odd, odd, (path, x, y) => {
        for (const value of [
          x,
          [x],
          [{ system: x, code: y }],
          [{ reference: { identifier: { system: x, value: y } } }],
        ]) {
          const { wishes, problems } = wishesOfConsent(consent({ [path]: value }, { contained: [{ id: x }] }))
          expect(wishes.length === 0 || problems.length === 0).toBe(true)
        }
      }),
      { seed, numRuns: 300 },
    )
  })

  test('is no Consent, or not meant to be in force', () => {
    expect(wishesOfConsent({ resourceType: 'Patient' }).problems).toHaveLength(1)
    expect(wishesOfConsent(consent({}, { status: 'rejected' })).problems.map(({ path }) => path)).toEqual([
      'status',
    ])
  })
})
