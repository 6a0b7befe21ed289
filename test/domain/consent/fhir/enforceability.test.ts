import { expect, test } from 'vitest'
import { enforceability } from '../../../../src/domain/consent/fhir/enforceability.ts'
import { access, consent, deny, label, permit, role } from './builders.ts'

const modifier = { modifierExtension: [{ url: 'https://x.example' }] }

test('a consent that says only what can be enforced has nothing against it', () => {
  const terms = { to: 'Group/g', for: 'TREAT', labels: ['N'], dated: { start: '2024' }, about: [] }
  expect(enforceability(consent(permit({ ...terms, but: [deny({ codes: ['1'] })] })))).toEqual([])
})

test('everything that cannot be enforced is named with its place and the reason', () => {
  const bad = consent(
    {
      purpose: [],
      ...permit({
        actor: [{ reference: { display: 'My GP' } }, { ...access('Organization/a'), ...modifier }],
        classes: ['letters'],
        but: [
          deny({ securityLabel: [label('R'), { code: 'X' }], period: { start: '2025', end: '2024' } }),
          permit({ but: [{ provision: [deny(modifier)] }], dated: { start: 'once' } }),
          deny({ actor: [{ role: { coding: [role('CST')] }, reference: { reference: 'Organization/b' } }] }),
        ],
      }),
    },
    { ...modifier, decision: 'permit' },
  )
  expect(
    enforceability(bad)
      .map(({ path, reason }) => `${path}: ${reason}`)
      .sort(),
  ).toEqual([
    'decision: no element of R4',
    'modifierExtension: a modifier extension that is not known',
    'provision.actor[0]: an actor that nothing identifies',
    'provision.actor[1]: a modifier extension that is not known',
    'provision.class: neither a type of R4 nor a profile',
    'provision.provision[0].class: neither a type of R4 nor a profile',
    'provision.provision[0].period: a malformed period',
    'provision.provision[0].securityLabel[1]: a coding without system and code',
    'provision.provision[1].dataPeriod: a malformed period',
    'provision.provision[1].provision[0].class: neither a type of R4 nor a profile',
    'provision.provision[1].provision[0].provision[0].class: neither a type of R4 nor a profile',
    'provision.provision[1].provision[0].provision[0].modifierExtension: a modifier extension that is not known',
    'provision.provision[1].provision[0].type: neither permit nor deny',
    'provision.provision[2].actor[0].role: another part than recipient',
    'provision.provision[2].class: neither a type of R4 nor a profile',
    'provision.purpose: an empty list',
  ])
})

test('what is no Consent is said to be none', () => {
  for (const other of [null, 7, [], {}, { resourceType: 'Patient' }])
    expect(enforceability(other)).toEqual([{ path: '', reason: 'not a Consent' }])
})
