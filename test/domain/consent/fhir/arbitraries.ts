import fc from 'fast-check'
import type { Coding, Consent, ConsentProvision, FhirResource } from 'fhir/r4.js'
import { access, label, purpose, withoutEmpty } from './builders.ts'

const some = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1, maxLength: 2 })
/** There with a chance of so many in a hundred. */
const maybe = <T>(values: fc.Arbitrary<T>, chance = 67) =>
  fc.oneof({ weight: chance, arbitrary: values }, { weight: 100 - chance, arbitrary: fc.constant(undefined) })

const period = fc.constantFrom(
  { start: '2024-01-01' },
  { end: '2024-06-30' },
  { start: '2024-03-01', end: '2024-09-30' },
  { start: '2024-02-01', end: '2024-04-30' },
)
const objects = ['Observation/1', 'Condition/1', 'Practitioner/p'] as const
const filters = {
  securityLabel: maybe(some([label('N'), label('R'), label('ETH'), label('HIV')]), 50),
  class: maybe(some([{ code: 'Observation' }, { code: 'Condition' }, { code: 'https://x.example/p' }]), 29),
  code: maybe(
    some(['x', 'y']).map((codes) => [{ coding: codes.map(codeX) }]),
    23,
  ),
  dataPeriod: maybe(period, 23),
  data: maybe(
    some(
      objects.flatMap((reference) =>
        (['instance', 'related', 'authoredby'] as const).map((meaning) => ({
          meaning,
          reference: { reference },
        })),
      ),
    ),
    23,
  ),
}
function codeX(code: string): Coding {
  return { system: 'https://x.example/codes', code }
}

const actors = some([
  access('Organization/a'),
  access('Organization/a'),
  access('Organization/b'),
  access('Group/g'),
  access('Group/g'),
  access('Group/h'),
  access(),
])
const purposes = some(['TREAT', 'ETREAT', 'PurposeOfUse', 'HRESCH'].map(purpose))
const type = fc.constantFrom('permit' as const, 'deny' as const)

const { provision } = fc.letrec<{ provision: ConsentProvision }>((tie) => ({
  provision: fc
    .record({
      type,
      actor: maybe(actors, 38),
      purpose: maybe(purposes, 33),
      period: maybe(fc.constantFrom({ start: '2025-01-01' }, { end: '2024-12-31' }), 9),
      ...filters,
      provision: fc.oneof(
        { depthSize: 'small', withCrossShrink: true, maxDepth: 3 },
        fc.constant([]),
        fc.array(tie('provision'), { maxLength: 3 }),
      ),
    })
    .map((one) => withoutEmpty(one) as ConsentProvision),
}))

export const consents: fc.Arbitrary<Consent[]> = fc
  .array(provision, { maxLength: 5 })
  .map((roots) => roots.map((root, index) => consent(index, root)))

/** The same consents in two orders. */
export const shuffled = consents.chain((some) =>
  fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })),
)

/** A consent that denies at its root and in all that is nested. */
export const deniedOnly: fc.Arbitrary<Consent> = provision.map((root) => consent(99, denying(root)))

const denying = (one: ConsentProvision): ConsentProvision => ({
  ...one,
  type: 'deny',
  ...(one.provision ? { provision: one.provision.map(denying) } : {}),
})

const consent = (index: number, root: ConsentProvision): Consent => ({
  resourceType: 'Consent',
  id: `c${index}`,
  status: 'active',
  scope: {},
  category: [],
  provision: root,
})

export const resources: fc.Arbitrary<FhirResource[]> = fc.array(
  fc
    .record({
      resourceType: fc.constantFrom('Observation', 'Condition', 'Encounter'),
      id: fc.constantFrom('1', '2'),
      meta: fc
        .record({
          security: maybe(fc.subarray([label('N'), label('R'), label('U'), label('ETH'), label('HIV')])),
          profile: maybe(fc.constant(['https://x.example/p']), 23),
        })
        .map(withoutEmpty),
      code: maybe(fc.subarray([codeX('x'), codeX('y')]).map((coding) => ({ coding }))),
      effectiveDateTime: maybe(
        fc.constantFrom('2023-05-01', '2024-02-15', '2024-03-15', '2024-08-01', '2025-01-01'),
      ),
      subject: maybe(fc.constantFrom({ reference: 'Condition/1' }, { reference: 'Patient/1' })),
      performer: maybe(fc.constant([{ reference: 'Practitioner/p' }])),
    })
    .map((one) => withoutEmpty(one) as unknown as FhirResource),
  { minLength: 1, maxLength: 12 },
)

export type Asked = { at: string; recipient: string; groups: string[]; purposes: string[] }

export const asked: fc.Arbitrary<Asked> = fc.record({
  at: fc.constant('2025-06-01T12:00:00Z'),
  recipient: fc.constant('Organization/a'),
  groups: fc.subarray(['Group/g', 'Group/h']),
  purposes: fc.subarray(['TREAT', 'ETREAT', 'BTG', 'HRESCH'], { minLength: 1, maxLength: 2 }),
})
