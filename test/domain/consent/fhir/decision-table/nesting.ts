import { at, by, consent, deny, observation, permit, resource } from '../builders.ts'
import { row } from './row.ts'

const normal = observation()
const restricted = observation(['R'])
const hiv = observation(['R', 'HIV'])
const condition = resource('Condition')

/** Provisions within provisions (rule 4). */
export const nesting = [
  row(
    'A permit with a nested objection permits the rest.',
    [consent(permit({ but: [deny({ labels: ['R'] })] }))],
    'permit',
    {
      discloses: [normal],
      withholds: [restricted],
      decidedBy: 'Consent/consent provision',
    },
  ),
  row(
    'An objection with a nested permit permits only that.',
    [consent(deny({ but: [permit({ labels: ['N'] })] }))],
    'permit',
    {
      discloses: [normal],
      withholds: [restricted],
      decidedBy: 'Consent/consent provision.provision[0]',
    },
  ),
  row(
    'A permit in an objection in a permit opens again what it names.',
    [consent(permit({ but: [deny({ labels: ['R'], but: [permit({ labels: ['HIV'] })] })] }))],
    'permit',
    { discloses: [normal, hiv], withholds: [restricted] },
  ),
  row(
    'A fourth level closes again.',
    [
      consent(
        permit({
          but: [
            deny({
              labels: ['R'],
              but: [permit({ labels: ['HIV'], but: [deny({ classes: ['Condition'] })] })],
            }),
          ],
        }),
      ),
    ],
    'permit',
    { discloses: [hiv], withholds: [{ ...hiv, resourceType: 'Condition' }] },
  ),
  row(
    'An objection inside an objection stays an objection.',
    [consent(deny({ but: [deny({ labels: ['N'] })] }))],
    'deny',
    {
      withholds: [normal, restricted],
    },
  ),
  row(
    'A permit inside a permit stays a permit.',
    [consent(permit({ but: [permit({ labels: ['R'] })] }))],
    'permit',
    {
      discloses: [normal, restricted],
    },
  ),
  row(
    'At equal depth an objection beats a permit.',
    [consent(permit({ but: [permit({ labels: ['R'] }), deny({ labels: ['R'] })] }))],
    'permit',
    { discloses: [normal], withholds: [restricted] },
  ),
  row(
    'At equal depth it does so even where the permit names the party and it does not.',
    [consent(permit({ but: [deny({ labels: ['R'] }), permit({ to: 'Organization/a', labels: ['R'] })] }))],
    'permit',
    { discloses: [normal], withholds: [restricted] },
  ),
  row(
    'The deeper provision decides, wherever it stands.',
    [consent(permit({ but: [deny({ labels: ['R'] }), permit({ but: [permit({ labels: ['R'] })] })] }))],
    'permit',
    { discloses: [restricted] },
  ),
  row('A nested objection without filters closes everything.', [consent(permit({ but: [deny()] }))], 'deny', {
    withholds: [normal],
    decidedBy: 'Consent/consent provision.provision[0]',
    beaten: ['Consent/consent provision'],
  }),
  row('A nested permit without filters opens everything.', [consent(deny({ but: [permit()] }))], 'permit', {
    discloses: [restricted],
    residual: [],
  }),
  row(
    'A nested objection for another party does not count.',
    [consent(permit({ but: [deny({ to: 'Organization/b' })] }))],
    'permit',
    {
      residual: [],
    },
  ),
  row(
    'A nested objection for another purpose does not count.',
    [consent(permit({ but: [deny({ for: 'HRESCH' })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested objection for another action does not count.',
    [consent(permit({ but: [deny({ actions: ['collect'] })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested objection whose time is over does not count.',
    [consent(permit({ but: [deny({ period: { end: '2025-05-31' } })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested objection counts until the end of its last day.',
    [consent(permit({ but: [deny({ period: { end: '2025-06-01' } })] }))],
    'deny',
    { asked: at('2025-06-01T23:59:59Z') },
  ),
  row(
    'A nested provision counts only where its parent matches: not for another purpose than the parent’s.',
    [consent(permit({ for: 'HRESCH', but: [deny({ for: 'TREAT' })] })), consent(permit(), { id: 'other' })],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested provision counts only where its parent matches: not for another party than the parent’s.',
    [consent(permit({ but: [permit({ to: 'Organization/b', but: [deny()] })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested provision counts only where its parent matches: not outside the parent’s period.',
    [consent(permit({ but: [permit({ period: { end: '2024' }, but: [deny()] })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested permit may name a part of the parent’s parties.',
    [consent(deny({ but: [permit({ to: 'Organization/a' })] }))],
    'permit',
    { residual: [] },
  ),
  row(
    'A nested permit for another party leaves the objection.',
    [consent(deny({ but: [permit({ to: 'Organization/a' })] }))],
    'deny',
    {
      asked: by({ reference: 'Organization/b' }),
    },
  ),
  row(
    'What the parent is about, the nested provision is about.',
    [consent(permit({ classes: ['Observation'], but: [deny({ labels: ['R'] })] }))],
    'permit',
    {
      discloses: [normal],
      withholds: [restricted, condition],
      residual: [
        { type: 'forbid' },
        { type: 'permit', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }] },
        {
          type: 'forbid',
          securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }],
          class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
        },
      ],
    },
  ),
  row(
    'A kind of filter that the nested provision names replaces the parent’s.',
    [consent(permit({ labels: ['N'], but: [permit({ labels: ['R'] })] }))],
    'permit',
    { discloses: [normal, restricted], withholds: [observation(['V'])] },
  ),
  row(
    'A nested objection may reach beyond the labels of its parent.',
    [
      consent(permit({ labels: ['N'], but: [deny({ labels: ['HIV'] })] })),
      consent(permit({ labels: ['R'] }), { id: 'other' }),
    ],
    'permit',
    { discloses: [restricted], withholds: [hiv] },
  ),
  row(
    'Filters are inherited through every level.',
    [
      consent(
        permit({ classes: ['Observation'], but: [deny({ labels: ['R'], but: [permit({ codes: ['1'] })] })] }),
      ),
    ],
    'permit',
    {
      discloses: [{ ...restricted, code: { coding: [{ system: 'http://snomed.info/sct', code: '1' }] } }],
      withholds: [
        restricted,
        { ...condition, code: { coding: [{ system: 'http://snomed.info/sct', code: '1' }] } },
      ],
    },
  ),
  row(
    'Where none of its provisions matches, a consent is silent.',
    [
      consent(permit({ to: 'Organization/a', labels: ['N'] })),
      consent(permit({ labels: ['R'] }), { id: 'other' }),
    ],
    'permit',
    { discloses: [normal, restricted], withholds: [observation(['V'])] },
  ),
  row('Forty levels are as good as four.', [consent(deep(40))], 'permit', { residual: [] }),
  row('So are forty-one.', [consent(deep(41))], 'deny'),
]

/** Permit and objection in turn, a permit at every even depth. */
function deep(levels: number) {
  let provision = levels % 2 === 0 ? permit() : deny()
  for (let level = levels - 1; level >= 0; level--)
    provision = level % 2 === 0 ? permit({ but: [provision] }) : deny({ but: [provision] })
  return provision
}
