import {
  access,
  action,
  at,
  by,
  claiming,
  consent,
  deny,
  label,
  number,
  numbered,
  observation,
  permit,
  policy,
  resource,
  untyped,
} from '../builders.ts'
import { row } from './row.ts'

const opt = (code: string, root?: ReturnType<typeof permit>) => consent(root, policy(code))

/** Policies in the place of the root's type (rule 8). */
export const policies = [
  row(
    'Opting in permits what is not denied.',
    [opt('OPTIN', untyped({ but: [deny({ labels: ['R'] })] }))],
    'permit',
    {
      discloses: [observation()],
      withholds: [observation(['R'])],
    },
  ),
  row('Opting in with restrictions permits alike.', [opt('OPTINR')], 'permit', {
    discloses: [observation()],
    residual: [],
  }),
  row(
    'Opting out denies what is not permitted.',
    [opt('OPTOUT', untyped({ but: [permit({ labels: ['N'] })] }))],
    'permit',
    {
      discloses: [observation()],
      withholds: [observation(['R'])],
    },
  ),
  row('Opting out with exceptions denies alike.', [opt('OPTOUTE')], 'deny', { withholds: [observation()] }),
  row('A policy decides under its own name.', [opt('OPTIN')], 'permit', {
    decidedBy: 'Consent/consent policyRule',
  }),
  row('Beside a type the policy only informs.', [opt('OPTOUT', permit())], 'permit', { residual: [] }),
  row('Beside an objection opting in only informs.', [opt('OPTIN', deny())], 'deny'),
  row(
    'A party named at the root limits the policy.',
    [opt('OPTIN', untyped({ to: 'Organization/b' }))],
    'no-consent',
  ),
  row(
    'A purpose named at the root limits the policy.',
    [opt('OPTIN', untyped({ for: 'HRESCH' }))],
    'no-consent',
  ),
  row(
    'A period at the root limits the policy.',
    [opt('OPTIN', untyped({ period: { end: '2024' } }))],
    'no-consent',
  ),
  row(
    'Data named at the root limit the policy.',
    [opt('OPTIN', untyped({ classes: ['Observation'] }))],
    'permit',
    {
      discloses: [observation()],
      withholds: [resource('Condition')],
    },
  ),
  row(
    'A policy is as specific as its root.',
    [opt('OPTIN', untyped({ to: 'Organization/a' })), consent(deny(), { id: 'other' })],
    'permit',
  ),
  row(
    'Opting out of an organisation stops it against a permit for all.',
    [opt('OPTOUT', untyped({ to: 'Organization/a' })), consent(permit(), { id: 'other' })],
    'deny',
  ),
  row(
    'A permit that policies permit must cover every purpose claimed.',
    [opt('OPTIN', untyped({ for: 'TREAT' }))],
    'no-consent',
    {
      asked: claiming('TREAT', 'HRESCH'),
    },
  ),
  row('Neither a type nor a policy cannot be enforced.', [consent(untyped())], 'unenforceable'),
  row('A consent without a provision cannot be enforced.', [consent()], 'unenforceable'),
  row('Another policy than the known ones cannot be enforced.', [opt('DISAUTH')], 'unenforceable'),
  row(
    'A policy by address only cannot be enforced.',
    [consent(untyped(), { policy: [{ uri: 'https://law.example' }] })],
    'unenforceable',
  ),
  row(
    'Opting in and out at once cannot be enforced.',
    [consent(untyped(), policy('OPTIN', 'OPTOUT'))],
    'unenforceable',
  ),
  row(
    'A policy code of another system is none of the known ones.',
    [consent(untyped(), { policyRule: { coding: [{ system: 'urn:x', code: 'OPTIN' }] } })],
    'unenforceable',
  ),
]

const unknown = { modifierExtension: [{ url: 'https://x.example/only-on-sundays', valueBoolean: true }] }
const anyone = consent(permit(), { id: 'anyone' })
const against = (terms: Parameters<typeof deny>[0], more: object = {}) => [
  anyone,
  consent(deny(terms), { id: 'bad', ...more }),
]
const byNumber = { asked: by({ identifier: [number('1')] }) }
const nobody = { role: { coding: [{ code: 'IRCP' }] }, reference: { display: 'My old GP' } }

/** What cannot be enforced refuses (rule 8). */
export const unenforceable = [
  row(
    'A consent with a modifier that nobody knows cannot be enforced.',
    [consent(permit(), unknown)],
    'unenforceable',
    {
      withholds: [observation()],
      residual: [],
    },
  ),
  row('A root with such a modifier cannot be enforced.', [consent(permit(unknown))], 'unenforceable'),
  row(
    'A nested provision with such a modifier cannot be enforced.',
    [consent(permit({ but: [deny(unknown)] }))],
    'unenforceable',
    {
      decidedBy: 'Consent/consent provision.provision[0]',
    },
  ),
  row(
    'An actor with such a modifier cannot be enforced.',
    [consent(permit({ actor: [{ ...access('Organization/a'), ...unknown }] }))],
    'unenforceable',
  ),
  row(
    'A data element with such a modifier cannot be enforced.',
    [
      consent(
        permit({ data: [{ meaning: 'instance', reference: { reference: 'Observation/o' }, ...unknown }] }),
      ),
    ],
    'unenforceable',
  ),
  row(
    'An ordinary extension is passed over.',
    [consent(permit({ extension: [{ url: 'https://x.example' }] }))],
    'permit',
  ),
  row(
    'An objection against somebody named in words only cannot be enforced.',
    against({ actor: [nobody] }),
    'unenforceable',
  ),
  row(
    'A permit for somebody named in words only permits nobody.',
    [consent(permit({ actor: [nobody] }))],
    'no-consent',
  ),
  row(
    'Beside one who is meant by name, it does not matter who else is.',
    against({ actor: [nobody, access('Organization/a')] }),
    'deny',
  ),
  row(
    'An objection against a group that nobody can tell cannot be enforced.',
    against({ to: 'Group/g' }),
    'unenforceable',
  ),
  row('A permit for such a group permits nobody.', [consent(permit({ to: 'Group/g' }))], 'no-consent'),
  row('A request that lists its groups tells all of them.', against({ to: 'Group/g' }), 'permit', {
    asked: by({ reference: 'Organization/a', groups: [{ reference: 'Group/h' }] }),
  }),
  row(
    'A group that is only described tells nobody.',
    [...against({ to: 'Group/g' }), { resourceType: 'Group', id: 'g', actual: false }],
    'unenforceable',
  ),
  row(
    'A group with a member known by number only cannot tell one known by reference only.',
    [
      ...against({ to: 'Group/g' }),
      { resourceType: 'Group', id: 'g', actual: true, member: [{ entity: { identifier: number('1') } }] },
    ],
    'unenforceable',
  ),
  row('A care team is a group.', against({ to: 'CareTeam/c' }), 'unenforceable'),
  row(
    'An objection by reference cannot be enforced against one known by number only.',
    against({ to: 'Organization/b' }),
    'unenforceable',
    byNumber,
  ),
  row(
    'An objection by number cannot be enforced against one known by reference only.',
    against({ actor: [numbered('1')] }),
    'unenforceable',
  ),
  row(
    'A permit by reference permits nobody known by number only.',
    [consent(permit({ to: 'Organization/a' }))],
    'no-consent',
    byNumber,
  ),
  row(
    'Numbers of two systems are two parties.',
    against({ actor: [numbered('1', 'urn:oid:9')] }),
    'permit',
    byNumber,
  ),
  row(
    'Whoever asks by reference and number is compared by both.',
    against({ actor: [numbered('2')] }),
    'permit',
    {
      asked: by({ reference: 'Organization/a', identifier: [number('1')] }),
    },
  ),
  row(
    'A directory entry without a number joins nothing.',
    [...against({ to: 'Organization/b' }), { resourceType: 'Organization', id: 'b' }],
    'unenforceable',
    byNumber,
  ),
  row(
    'A malformed period at the root counts as running.',
    [consent(permit({ period: { start: 'soon' } }))],
    'unenforceable',
  ),
  row(
    'A period that ends before it starts is malformed.',
    [consent(permit({ period: { start: '2026', end: '2025' } }))],
    'unenforceable',
  ),
  row(
    'A period with a day that no month has is malformed.',
    [consent(permit({ period: { end: '2025-02-30' } }))],
    'unenforceable',
  ),
  row(
    'A period with a time and no zone is malformed.',
    [consent(permit({ period: { end: '2026-01-01T10:00:00' } }))],
    'unenforceable',
  ),
  row(
    'A malformed period of data cannot be enforced.',
    [consent(permit({ dated: { start: '1.1.2024' } }))],
    'unenforceable',
  ),
  row(
    'A label without a code cannot be enforced.',
    [consent(permit({ securityLabel: [{ system: 'urn:x' }] }))],
    'unenforceable',
  ),
  row(
    'A label without a system cannot be enforced.',
    [consent(permit({ but: [deny({ securityLabel: [{ code: 'R' }] })] }))],
    'unenforceable',
  ),
  row(
    'A purpose without a code cannot be enforced.',
    [consent(permit({ purpose: [{ display: 'care' }] }))],
    'unenforceable',
  ),
  row(
    'A code in words only cannot be enforced.',
    [consent(permit({ but: [deny({ code: [{ text: 'my knee' }] })] }))],
    'unenforceable',
  ),
  row(
    'An action in words only cannot be enforced.',
    [consent(permit({ action: [{ text: 'look' }] }))],
    'unenforceable',
  ),
  row(
    'Data named in words only cannot be enforced.',
    [
      consent(
        permit({ but: [deny({ data: [{ meaning: 'instance', reference: { display: 'the letter' } }] })] }),
      ),
    ],
    'unenforceable',
  ),
  row(
    'A nested provision that says neither permit nor deny cannot be enforced.',
    [consent(permit({ but: [untyped()] }))],
    'unenforceable',
  ),
  row('A type that is neither cannot be enforced.', [consent(untyped({ type: 'maybe' }))], 'unenforceable'),
  row(
    'An objection to a class that is neither type nor profile cannot be enforced.',
    [consent(permit({ but: [deny({ classes: ['letters'] })] }))],
    'unenforceable',
  ),
  row('A permit for such a class permits nothing.', [consent(permit({ classes: ['letters'] }))], 'deny'),
  row(
    'An element of another version of FHIR cannot be enforced.',
    [consent(permit({ resourceType: [{ code: 'Observation' }] }))],
    'unenforceable',
  ),
  row(
    'Where the defect is nested, requests for other purposes are not affected.',
    [consent(permit({ but: [deny({ for: 'HRESCH', ...unknown })] }))],
    'permit',
  ),
  row(
    'Requests of other parties are not affected.',
    [consent(permit({ but: [deny({ to: 'Organization/b', ...unknown })] }))],
    'permit',
  ),
  row(
    'Requests at other times are not affected.',
    [consent(permit({ but: [deny({ period: { end: '2024' }, ...unknown })] }))],
    'permit',
    { asked: at('2025-01-01T00:00:00Z') },
  ),
  row(
    'Requests for other actions are not affected.',
    [consent(permit({ but: [deny({ actions: ['collect'], ...unknown })] }))],
    'permit',
    {
      asked: { action: [action('access')] },
    },
  ),
  row(
    'Requests of any label are affected.',
    [consent(permit({ but: [deny({ labels: ['R'], ...unknown })] }))],
    'unenforceable',
    {
      withholds: [observation()],
    },
  ),
  row(
    'A consent that does not apply is not asked whether it can be enforced.',
    [
      anyone,
      consent(deny({ for: 'HRESCH', ...unknown }), { id: 'bad' }),
      consent(deny(unknown), { id: 'ended', status: 'inactive' }),
    ],
    'permit',
  ),
  row(
    'A more specific consent that can be enforced decides instead.',
    [consent(permit({ to: 'Organization/a' })), consent(deny(unknown), { id: 'bad' })],
    'permit',
    { discloses: [observation()], residual: [] },
  ),
  row(
    'An equally specific one does not.',
    [consent(permit({ to: 'Organization/a' })), ...against({ to: 'Organization/a', ...unknown })],
    'unenforceable',
  ),
  row('A less specific one does not.', against({ to: 'Organization/a', ...unknown }), 'unenforceable'),
  row(
    'A more specific objection decides, too.',
    [consent(deny({ to: 'Organization/a' })), consent(permit(unknown), { id: 'bad' })],
    'deny',
  ),
  row(
    'Where a more specific consent permits a part, the rest stays closed.',
    [consent(permit({ to: 'Organization/a', labels: ['N'] })), ...against(unknown)],
    'permit',
    { discloses: [observation()], withholds: [observation(['R'])] },
  ),
  row(
    'What a consent that cannot be enforced forbids elsewhere stays forbidden.',
    [
      consent(permit({ to: 'Organization/a' })),
      consent(
        permit({ but: [deny({ to: 'Organization/a', labels: ['R'] }), deny({ for: 'TREAT', ...unknown })] }),
        { id: 'bad' },
      ),
    ],
    'permit',
    { discloses: [observation()], withholds: [observation(['R'])] },
  ),
  row(
    'The label of a resource may be one that the consent does not know.',
    [consent(permit({ labels: ['N'] }))],
    'permit',
    {
      withholds: [observation([], { meta: { security: [label('R'), { system: 'urn:x', code: 'y' }] } })],
    },
  ),
]
