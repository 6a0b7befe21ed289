import { consent, deny, label, observation, permit, purpose } from '../builders.ts'
import { row } from './row.ts'

const HTEST = purpose('HTEST')
const marked = (...security: object[]) => observation([], { meta: { security } })

/** How confidential (rule 5), and what a CDS Hooks client is told of it. */
export const labels = [
  row(
    'A resource without a confidentiality code counts as normal.',
    [consent(permit({ labels: ['N'] }))],
    'permit',
    {
      discloses: [observation()],
    },
  ),
  row('It does so whatever other labels it has.', [consent(permit({ labels: ['N'] }))], 'permit', {
    discloses: [observation(['ETH'])],
  }),
  row(
    'A permit for normal data does not open restricted data.',
    [consent(permit({ labels: ['N'] }))],
    'permit',
    {
      withholds: [observation(['R']), observation(['V'])],
    },
  ),
  row('Normal covers what is less confidential still.', [consent(permit({ labels: ['N'] }))], 'permit', {
    discloses: [observation(['M']), observation(['L']), observation(['U'])],
  }),
  row(
    'An objection to normal data covers that as well.',
    [consent(permit({ but: [deny({ labels: ['N'] })] }))],
    'permit',
    {
      discloses: [observation(['R'])],
      withholds: [observation(), observation(['M']), observation(['L']), observation(['U'])],
    },
  ),
  row('Restricted covers itself only, not normal.', [consent(permit({ labels: ['R'] }))], 'permit', {
    discloses: [observation(['R'])],
    withholds: [observation(['N']), observation(['V']), observation()],
  }),
  row('Low covers itself only, not unrestricted.', [consent(permit({ labels: ['L'] }))], 'permit', {
    discloses: [observation(['L'])],
    withholds: [observation(['U']), observation(['M'])],
  }),
  row(
    'Of several labels named, one on the resource suffices.',
    [consent(permit({ labels: ['R', 'HIV'] }))],
    'permit',
    {
      discloses: [observation(['R']), observation(['HIV']), observation(['V', 'HIV'])],
      withholds: [observation(['PSY'])],
    },
  ),
  row(
    'An objection to a sensitive kind stops what carries it.',
    [consent(permit({ but: [deny({ labels: ['HIV'] })] }))],
    'permit',
    {
      discloses: [observation(['PSY'])],
      withholds: [observation(['N', 'HIV'])],
    },
  ),
  row(
    'A sensitive kind covers itself only: alcohol and drugs not opioids.',
    [consent(permit({ but: [deny({ labels: ['ETH'] })] }))],
    'permit',
    { discloses: [observation(['OPIOIDUD'])], withholds: [observation(['ETH'])] },
  ),
  row(
    'The same code of another system is another label.',
    [consent(permit({ but: [deny({ labels: ['R'] })] }))],
    'permit',
    {
      discloses: [marked({ system: 'urn:x', code: 'R' })],
    },
  ),
  row(
    'A confidentiality code of another system is none, so that the resource is normal.',
    [consent(permit({ labels: ['N'] }))],
    'permit',
    { discloses: [marked({ system: 'urn:x', code: 'R' })] },
  ),
  row('That data are for a test is ignored on a resource.', [consent(permit({ labels: ['N'] }))], 'permit', {
    discloses: [marked(HTEST)],
  }),
  row(
    'It is ignored in a permit, which then covers nothing by it.',
    [consent(permit({ securityLabel: [HTEST] }))],
    'deny',
    {
      withholds: [marked(HTEST)],
    },
  ),
  row(
    'It is ignored in an objection, which then stops nothing by it.',
    [consent(permit({ but: [deny({ securityLabel: [HTEST] })] }))],
    'permit',
    { discloses: [marked(HTEST)] },
  ),
  row(
    'Objections to every confidentiality leave nothing.',
    [consent(permit({ but: [deny({ labels: ['N', 'R', 'V'] })] }))],
    'deny',
    { withholds: [observation(), observation(['R', 'HIV'])] },
  ),
  row(
    'Objections to every confidentiality but one leave that.',
    [consent(permit({ but: [deny({ labels: ['N', 'V'] })] }))],
    'permit',
    { discloses: [observation(['R'])] },
  ),
  row(
    'A client is told to redact what carries a forbidden label.',
    [consent(permit({ but: [deny({ labels: ['R'] })] }))],
    'permit',
    { obligations: [redact({ codes: [label('R')] })] },
  ),
  row(
    'A client is told to redact all but what carries a permitted label.',
    [consent(permit({ labels: ['N'] }))],
    'permit',
    {
      obligations: [redact({ exceptAnyOfCodes: [label('N')] })],
    },
  ),
  row(
    'A client is told both where both are so.',
    [consent(permit({ labels: ['N'], but: [deny({ labels: ['HIV'] })] }))],
    'permit',
    { obligations: [redact({ exceptAnyOfCodes: [label('N')] }), redact({ codes: [label('HIV')] })] },
  ),
  row(
    'Permits for two labels make one obligation.',
    [consent(permit({ labels: ['N'], but: [permit({ labels: ['R'] })] }))],
    'permit',
    { obligations: [redact({ exceptAnyOfCodes: [label('N'), label('R')] })] },
  ),
  row(
    'A client is told nothing where no label is restricted.',
    [consent(permit({ classes: ['Observation'] }))],
    'permit',
    {
      obligations: [],
    },
  ),
]

function redact(parameters: object) {
  return { id: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'REDACT' }, parameters }
}
