import { at, by, claiming, consent, deny, label, observation, permit, resource } from '../builders.ts'
import { row } from './row.ts'

const A = 'Organization/a'
const two = (one: ReturnType<typeof permit>, other: ReturnType<typeof permit>) => [
  consent(one, { id: 'one' }),
  consent(other, { id: 'other' }),
]
const inGroup = { asked: by({ reference: A, groups: [{ reference: 'Group/g' }] }) }
const emergency = { asked: claiming('BTG') }

/** Several consents (rule 7). */
export const conflicts = [
  row('A permit for the party beats an objection for all.', two(permit({ to: A }), deny()), 'permit', {
    residual: [],
    decidedBy: 'Consent/one provision',
    beaten: ['Consent/other provision'],
  }),
  row('An objection to the party beats a permit for all.', two(permit(), deny({ to: A })), 'deny', {
    decidedBy: 'Consent/other provision',
    beaten: ['Consent/one provision'],
  }),
  row('At equal specificity the objection wins.', two(permit({ to: A }), deny({ to: A })), 'deny'),
  row('A party beats a group.', two(permit({ to: A }), deny({ to: 'Group/g' })), 'permit', inGroup),
  row('A group beats anybody.', two(permit({ to: 'Group/g' }), deny()), 'permit', inGroup),
  row(
    'A group against a group is equal, so that the objection wins.',
    two(permit({ to: 'Group/g' }), deny({ to: 'Group/h' })),
    'deny',
    {
      asked: by({ reference: A, groups: [{ reference: 'Group/g' }, { reference: 'Group/h' }] }),
    },
  ),
  row(
    'Naming the role of recipient only is naming anybody.',
    two(permit({ to: A }), deny({ actor: [{ role: { coding: [{ code: 'IRCP' }] } }] })),
    'permit',
  ),
  row(
    'The exact purpose beats one above it.',
    two(permit({ for: 'BTG' }), deny({ for: 'TREAT' })),
    'permit',
    emergency,
  ),
  row(
    'A nearer purpose beats a farther one.',
    two(permit({ for: 'TREAT' }), deny({ for: 'ETREAT' })),
    'deny',
    emergency,
  ),
  row('Any purpose named beats none named.', two(permit({ for: 'PurposeOfUse' }), deny()), 'permit'),
  row('The recipient counts before the purpose.', two(permit({ to: A }), deny({ for: 'TREAT' })), 'permit'),
  row(
    'The purpose counts before the data.',
    two(permit({ for: 'TREAT' }), deny({ about: [['instance', 'Observation/o']] })),
    'permit',
    {
      discloses: [observation()],
      residual: [],
    },
  ),
  row(
    'Of several purposes claimed the farthest counts.',
    two(permit({ for: ['TREAT', 'ETREAT'] }), deny({ for: 'TREAT' })),
    'permit',
    {
      asked: claiming('TREAT', 'BTG'),
      discloses: [],
      decidedBy: 'Consent/one provision',
    },
  ),
  row(
    'An instance beats what is related.',
    two(permit({ about: [['instance', 'Observation/o']] }), deny({ about: [['related', 'Encounter/e']] })),
    'permit',
    {
      discloses: [observation([], { encounter: { reference: 'Encounter/e' } })],
      withholds: [resource('Encounter', { id: 'e' })],
    },
  ),
  row(
    'What is related beats a class.',
    two(permit({ about: [['related', 'Encounter/e']] }), deny({ classes: ['Observation'] })),
    'permit',
    {
      discloses: [observation([], { encounter: { reference: 'Encounter/e' } })],
      withholds: [observation()],
    },
  ),
  row(
    'An author is as specific as what is related.',
    two(
      permit({ about: [['authoredby', 'Practitioner/x']] }),
      deny({ about: [['related', 'Practitioner/x']] }),
    ),
    'deny',
    {
      withholds: [observation([], { performer: [{ reference: 'Practitioner/x' }] })],
    },
  ),
  row('A class beats all data.', two(permit({ classes: ['Observation'] }), deny()), 'permit', {
    discloses: [observation()],
    withholds: [resource('Condition')],
  }),
  row(
    'A label is as specific as a class.',
    two(permit({ classes: ['Observation'] }), deny({ labels: ['R'] })),
    'permit',
    {
      discloses: [observation()],
      withholds: [observation(['R'])],
    },
  ),
  row(
    'A period is as specific as a code.',
    two(permit({ codes: ['1'] }), deny({ dated: { start: '2024' } })),
    'permit',
    {
      withholds: [
        observation([], {
          effectiveDateTime: '2024-06-01',
          code: { coding: [{ system: 'http://snomed.info/sct', code: '1' }] },
        }),
      ],
    },
  ),
  row(
    'Of two data elements the least specific counts for a permit.',
    two(
      permit({
        about: [
          ['instance', 'Observation/o'],
          ['related', 'Encounter/e'],
        ],
      }),
      deny({ about: [['related', 'Observation/o']] }),
    ),
    'permit',
    {
      discloses: [resource('Encounter', { id: 'e' })],
      withholds: [observation()],
    },
  ),
  row(
    'Of two data elements the most specific counts for an objection.',
    two(
      permit({ about: [['instance', 'Observation/o']] }),
      deny({
        about: [
          ['instance', 'Condition/c'],
          ['related', 'Observation/o'],
        ],
      }),
    ),
    'deny',
    {
      withholds: [observation()],
    },
  ),
  row(
    'A nested provision is as specific as its parent in what it does not name.',
    two(permit({ to: A, but: [deny({ labels: ['R'] })] }), permit()),
    'permit',
    {
      discloses: [observation()],
      withholds: [observation(['R'])],
    },
  ),
  row(
    'A nested permit for the party beats an objection to a group.',
    two(deny({ but: [permit({ to: A })] }), deny({ to: 'Group/g' })),
    'permit',
    inGroup,
  ),
  row(
    'Each consent speaks by its own deepest provision.',
    two(
      permit({ to: A, but: [deny({ labels: ['R'], but: [permit({ labels: ['HIV'] })] })] }),
      deny({ labels: ['HIV'] }),
    ),
    'permit',
    {
      discloses: [observation(), observation(['R', 'HIV'])],
      withholds: [observation(['R'])],
    },
  ),
  row(
    'A nested provision that names a group speaks for the group only, even beneath a party.',
    two(permit({ to: A, but: [deny({ to: 'Group/g', labels: ['R'] })] }), permit({ to: A, labels: ['R'] })),
    'permit',
    {
      ...inGroup,
      discloses: [observation(), observation(['R'])],
    },
  ),
  row(
    'It still keeps the rest of its own consent from speaking.',
    two(
      permit({ to: A, but: [deny({ to: 'Group/g', labels: ['R'] })] }),
      deny({ to: 'Group/g', for: 'TREAT' }),
    ),
    'permit',
    {
      ...inGroup,
      discloses: [observation()],
      withholds: [observation(['R'])],
    },
  ),
  row(
    'What none of them permits is withheld.',
    two(permit({ labels: ['N'] }), permit({ labels: ['R'] })),
    'permit',
    {
      withholds: [observation(['V'])],
    },
  ),
  row(
    'Three consents are weighed alike: the most specific of all decides.',
    [...two(permit(), deny({ for: 'TREAT' })), consent(permit({ to: A }), { id: 'third' })],
    'permit',
    { beaten: ['Consent/other provision', 'Consent/one provision'] },
  ),
  row(
    'Of two equal consents it is of no account which is older.',
    [
      consent(permit({ to: A }), { id: 'new', dateTime: '2025-01-01' }),
      consent(deny({ to: A }), { id: 'old', dateTime: '2020-01-01' }),
    ],
    'deny',
  ),
  row(
    'A consent given twice says what it says once.',
    [consent(permit({ to: A })), consent(permit({ to: A }))],
    'permit',
    {
      residual: [],
      beaten: [],
    },
  ),
  row(
    'An objection that is over no longer beats anything.',
    two(permit(), deny({ to: A, period: { end: '2024' } })),
    'permit',
    {
      asked: at('2025-01-01T00:00:00Z'),
    },
  ),
  row(
    'Everything is open to the party but what one consent objects to for it.',
    two(permit({ to: A }), deny({ to: A, labels: ['PSY'] })),
    'permit',
    {
      discloses: [observation()],
      withholds: [observation(['PSY'])],
      residual: [{ type: 'forbid', securityLabel: [label('PSY')] }],
    },
  ),
]
