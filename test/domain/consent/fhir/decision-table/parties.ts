import { access, by, claiming, consent, deny, number, numbered, permit, purpose, role } from '../builders.ts'
import { row } from './row.ts'

const anyone = consent(permit(), { id: 'anyone' })
const partOf = (id: string, parent: string, more: object = {}) => ({
  resourceType: 'Organization',
  id,
  partOf: { reference: `Organization/${parent}` },
  ...more,
})
const group = (id: string, members: object[], more: object = {}) => ({
  resourceType: 'Group',
  id,
  actual: true,
  member: members,
  ...more,
})
const member = (reference: string, more: object = {}) => ({ entity: { reference }, ...more })
const works = (practitioner: string, organization: string, more: object = {}) => ({
  resourceType: 'PractitionerRole',
  id: 'role',
  practitioner: { reference: `Practitioner/${practitioner}` },
  organization: { reference: `Organization/${organization}` },
  ...more,
})
const physician = { system: 'http://snomed.info/sct', code: '309343006' }
const asPhysician = { coding: [physician] }

/** Whom a consent means (rule 2). */
export const parties = [
  row('A party is known by type and id.', [consent(permit({ to: 'Organization/a' }))], 'permit'),
  row('The id of another type is another party.', [consent(permit({ to: 'Practitioner/a' }))], 'no-consent'),
  row('Ids differ by case.', [consent(permit({ to: 'Organization/A' }))], 'no-consent'),
  row(
    'Of a full address the last two parts count.',
    [consent(permit({ to: 'https://fhir.example/r4/Organization/a' }))],
    'permit',
  ),
  row(
    'That holds for the address of whoever asks, too.',
    [consent(permit({ to: 'Organization/a' }))],
    'permit',
    {
      asked: by({ reference: 'https://other.example/Organization/a' }),
    },
  ),
  row(
    'A version of a party is that party.',
    [consent(permit({ to: 'Organization/a/_history/3' }))],
    'permit',
  ),
  row(
    'A party is known by system and value of an identifier.',
    [consent(permit({ actor: [numbered('1')] }))],
    'permit',
    { asked: by({ identifier: [number('9'), number('1')] }) },
  ),
  row(
    'The same value in another system is another party.',
    [consent(permit({ actor: [numbered('1')] }))],
    'no-consent',
    { asked: by({ identifier: [number('1', 'urn:oid:9')] }) },
  ),
  row(
    'Of several parties named, one suffices.',
    [consent(permit({ to: ['Organization/b', 'Organization/a'] }))],
    'permit',
  ),
  row(
    'Party and purpose must both fit.',
    [consent(permit({ to: 'Organization/a', for: 'HRESCH' }))],
    'no-consent',
  ),
  row(
    'The role of recipient, without a name, is anybody.',
    [consent(permit({ actor: [access()] }))],
    'permit',
  ),
  row('A group that the request claims is met.', [consent(permit({ to: 'Group/g' }))], 'permit', {
    asked: by({ reference: 'Organization/a', groups: [{ reference: 'Group/g' }] }),
  }),
  row(
    'A group that the request does not claim is not met.',
    [consent(permit({ to: 'Group/g' }))],
    'no-consent',
    {
      asked: by({ reference: 'Organization/a', groups: [] }),
    },
  ),
  row(
    'A group that the directory lists whoever asks in is met.',
    [consent(permit({ to: 'Group/g' })), group('g', [member('Organization/a')])],
    'permit',
  ),
  row(
    'A group that the directory lists without whoever asks is not met.',
    [anyone, consent(deny({ to: 'Group/g' })), group('g', [member('Organization/b')])],
    'permit',
  ),
  row(
    'A member that has left is none.',
    [consent(permit({ to: 'Group/g' })), group('g', [member('Organization/a', { inactive: true })])],
    'no-consent',
  ),
  row(
    'A member whose time is over is none.',
    [
      consent(permit({ to: 'Group/g' })),
      group('g', [member('Organization/a', { period: { end: '2025-05-31' } })]),
    ],
    'no-consent',
  ),
  row(
    'A group may be a member of a group.',
    [
      consent(permit({ to: 'Group/g' })),
      group('g', [member('Group/h')]),
      group('h', [member('Organization/a')]),
    ],
    'permit',
  ),
  row(
    'Groups that hold each other hold nobody else.',
    [
      anyone,
      consent(deny({ to: 'Group/g' })),
      group('g', [member('Group/h')]),
      group('h', [member('Group/g')]),
    ],
    'permit',
  ),
  row(
    'A permit for an organisation reaches its parts.',
    [consent(permit({ to: 'Organization/top' })), partOf('a', 'top')],
    'permit',
  ),
  row(
    'A part of a part is a part.',
    [consent(permit({ to: 'Organization/top' })), partOf('a', 'mid'), partOf('mid', 'top')],
    'permit',
  ),
  row(
    'A permit for a part does not reach the whole.',
    [consent(permit({ to: 'Organization/part' })), partOf('part', 'a')],
    'no-consent',
  ),
  row(
    'An objection against the whole stops the part.',
    [anyone, consent(deny({ to: 'Organization/top' })), partOf('a', 'top')],
    'deny',
  ),
  row(
    'Organisations that are parts of each other come to an end.',
    [consent(permit({ to: 'Organization/b' })), partOf('a', 'b'), partOf('b', 'a')],
    'permit',
  ),
  row(
    'A part may be a member through the whole.',
    [consent(permit({ to: 'Group/g' })), partOf('a', 'top'), group('g', [member('Organization/top')])],
    'permit',
  ),
  row(
    'A practitioner belongs to the organisation of the role.',
    [consent(permit({ to: 'Organization/a' })), works('p', 'a')],
    'permit',
    { asked: by({ reference: 'Practitioner/p' }) },
  ),
  row(
    'Whoever asks in a role is the practitioner.',
    [consent(permit({ to: 'Practitioner/p' })), works('p', 'a')],
    'permit',
    { asked: by({ reference: 'PractitionerRole/role' }) },
  ),
  row(
    'Whoever asks in one role does not act in another.',
    [consent(permit({ to: 'Organization/b' })), works('p', 'a'), works('p', 'b', { id: 'other' })],
    'no-consent',
    { asked: by({ reference: 'PractitionerRole/role' }) },
  ),
  row(
    'A role that is no longer held counts for nothing.',
    [consent(permit({ to: 'Organization/a' })), works('p', 'a', { active: false })],
    'no-consent',
    { asked: by({ reference: 'Practitioner/p' }) },
  ),
  row(
    'A role whose time is over counts for nothing.',
    [consent(permit({ to: 'Organization/a' })), works('p', 'a', { period: { end: '2024' } })],
    'no-consent',
    { asked: by({ reference: 'Practitioner/p' }) },
  ),
  row(
    'The directory joins a reference and an identifier.',
    [
      consent(permit({ to: 'Organization/a' })),
      { resourceType: 'Organization', id: 'a', identifier: [number('1')] },
    ],
    'permit',
    { asked: by({ identifier: [number('1')] }) },
  ),
  row(
    'It joins them the other way round, too.',
    [
      consent(permit({ actor: [numbered('1')] })),
      { resourceType: 'Organization', id: 'a', identifier: [number('1')] },
    ],
    'permit',
  ),
  row(
    'It tells apart those it knows under different numbers.',
    [
      anyone,
      consent(deny({ to: 'Organization/b' })),
      { resourceType: 'Organization', id: 'b', identifier: [number('2')] },
    ],
    'permit',
    { asked: by({ identifier: [number('1')] }) },
  ),
  row(
    'A whole may be known by its number.',
    [
      consent(permit({ actor: [numbered('T')] })),
      partOf('a', 'top'),
      { resourceType: 'Organization', id: 'top', identifier: [number('T')] },
    ],
    'permit',
  ),
  row(
    'A resource in the consent itself may give an actor’s number.',
    [
      consent(permit({ to: '#org' }), {
        contained: [{ resourceType: 'Organization', id: 'org', identifier: [number('1')] }],
      }),
    ],
    'permit',
    { asked: by({ identifier: [number('1')] }) },
  ),
  row(
    'Another role than recipient is met by whoever claims it.',
    [consent(permit({ actor: [{ role: asPhysician }] }))],
    'permit',
    { asked: by({ reference: 'Practitioner/x', role: [physician] }) },
  ),
  row(
    'The role of primary recipient is met by whoever asks.',
    [
      consent(
        permit({ actor: [{ role: { coding: [role('PRCP')] }, reference: { reference: 'Organization/a' } }] }),
      ),
    ],
    'permit',
  ),
  row(
    'A role that is not claimed is not met.',
    [consent(permit({ actor: [{ role: asPhysician }] }))],
    'no-consent',
  ),
  row(
    'A role and a name must both fit.',
    [consent(permit({ actor: [{ role: asPhysician, reference: { reference: 'Organization/b' } }] }))],
    'no-consent',
    { asked: by({ reference: 'Organization/a', role: [physician] }) },
  ),
  row(
    'An objection against a role spares whoever claims another.',
    [anyone, consent(deny({ actor: [{ role: asPhysician }] }))],
    'permit',
    { asked: by({ reference: 'Practitioner/x', role: [{ system: 'http://snomed.info/sct', code: '1' }] }) },
  ),
  row(
    'An objection against a role might mean whoever claims none.',
    [anyone, consent(deny({ actor: [{ role: asPhysician }] }))],
    'unenforceable',
  ),
  row(
    'An objection against the custodian cannot be told from the recipient.',
    [
      anyone,
      consent(
        deny({ actor: [{ role: { coding: [role('CST')] }, reference: { reference: 'Organization/b' } }] }),
      ),
    ],
    'unenforceable',
  ),
  row(
    'A permit that names a custodian permits no recipient.',
    [
      consent(
        permit({ actor: [{ role: { coding: [role('CST')] }, reference: { reference: 'Organization/a' } }] }),
      ),
    ],
    'no-consent',
  ),
]

const treat = (...codes: string[]) => ({ asked: claiming(...codes) })

/** What for (rule 3). */
export const purposes = [
  row('A purpose covers itself.', [consent(permit({ for: 'HPAYMT' }))], 'permit', treat('HPAYMT')),
  row(
    'Treatment covers emergency treatment.',
    [consent(permit({ for: 'TREAT' }))],
    'permit',
    treat('ETREAT'),
  ),
  row(
    'Treatment covers breaking the glass, two steps below.',
    [consent(permit({ for: 'TREAT' }))],
    'permit',
    treat('BTG'),
  ),
  row(
    'Emergency treatment does not cover treatment.',
    [consent(permit({ for: 'ETREAT' }))],
    'no-consent',
    treat('TREAT'),
  ),
  row(
    'The root of all purposes covers each.',
    [consent(permit({ for: 'PurposeOfUse' }))],
    'permit',
    treat('CLINTRCHPC'),
  ),
  row(
    'Research does not cover treatment.',
    [consent(permit({ for: 'HRESCH' }))],
    'no-consent',
    treat('TREAT'),
  ),
  row('A permit that names no purpose covers each.', [consent(permit())], 'permit', treat('HMARKT')),
  row(
    'Of several purposes named, one that covers suffices.',
    [consent(permit({ for: ['HRESCH', 'TREAT'] }))],
    'permit',
    treat('ETREAT'),
  ),
  row(
    'Of several claimed, a permit must cover each.',
    [consent(permit({ for: 'TREAT' }))],
    'no-consent',
    treat('TREAT', 'HRESCH'),
  ),
  row(
    'Of several claimed, a permit may cover each by another name.',
    [consent(permit({ for: ['TREAT', 'HRESCH'] }))],
    'permit',
    treat('BTG', 'CLINTRCH'),
  ),
  row(
    'Of several claimed, an objection need match one only.',
    [consent(permit()), consent(deny({ for: 'HRESCH' }), { id: 'objection' })],
    'deny',
    treat('TREAT', 'HRESCH'),
  ),
  row(
    'An objection to treatment stops emergency treatment.',
    [consent(permit()), consent(deny({ for: 'TREAT' }), { id: 'objection' })],
    'deny',
    treat('ETREAT'),
  ),
  row(
    'An objection to emergency treatment does not stop treatment.',
    [consent(permit()), consent(deny({ for: 'ETREAT' }), { id: 'objection' })],
    'permit',
    treat('TREAT'),
  ),
  row(
    'A purpose of another system covers itself and nothing else.',
    [consent(permit({ purpose: [{ system: 'urn:x', code: 'TREAT' }] }))],
    'no-consent',
    treat('TREAT'),
  ),
  row(
    'A purpose of another system is met by the same.',
    [consent(permit({ purpose: [{ system: 'urn:x', code: 'own' }] }))],
    'permit',
    { asked: { purposeOfUse: [{ system: 'urn:x', code: 'own' }] } },
  ),
  row(
    'The root of all purposes does not cover one that is not below it.',
    [consent(permit({ for: 'PurposeOfUse' }))],
    'no-consent',
    { asked: { purposeOfUse: [{ system: 'urn:x', code: 'own' }] } },
  ),
  row(
    'A nested permit does not reach a purpose that its parent does not.',
    [consent(permit({ for: 'TREAT', but: [permit({ for: ['TREAT', 'HRESCH'] })] }))],
    'no-consent',
    treat('TREAT', 'HRESCH'),
  ),
  row(
    'A nested permit without a purpose has that of its parent.',
    [consent(permit({ for: 'TREAT', but: [permit({ labels: ['R'] })] }))],
    'no-consent',
    treat('TREAT', 'HRESCH'),
  ),
  row(
    'A permit that covers one of two purposes claimed still carries its nested objection.',
    [consent(permit({ for: 'TREAT', but: [deny()] })), consent(permit(), { id: 'other' })],
    'deny',
    treat('TREAT', 'HRESCH'),
  ),
  row(
    'A purpose claimed counts by system as well as by code.',
    [consent(permit({ for: 'TREAT' }))],
    'no-consent',
    { asked: { purposeOfUse: [{ ...purpose('TREAT'), system: 'urn:x' }] } },
  ),
]
