import { at, by, category, claiming, consent, deny, number, permit, purpose, request } from '../builders.ts'
import { row } from './row.ts'

const yes = permit({ to: 'Organization/a', for: 'TREAT' })
const period = (start?: string, end?: string) =>
  consent(permit({ period: { ...(start ? { start } : {}), ...(end ? { end } : {}) } }))

/** Which consents apply (rule 1). */
export const applying = [
  row('Without any consent nothing is disclosed.', [], 'no-consent'),
  row('A consent in force for the party and the purpose permits.', [consent(yes)], 'permit'),
  ...['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error'].map((status) =>
    row(`A consent whose status is ${status} does not count.`, [consent(yes, { status })], 'no-consent'),
  ),
  row('A consent without a status does not count.', [consent(yes, { status: undefined })], 'no-consent'),
  row(
    'An objection that is no longer in force does not count either.',
    [consent(yes), consent(deny(), { id: 'old', status: 'inactive' })],
    'permit',
  ),
  row('Of the patient named, the consent counts.', [consent(yes)], 'permit', {
    asked: { patient: { reference: 'Patient/p' } },
  }),
  row('Of another patient, it does not.', [consent(yes)], 'no-consent', {
    asked: { patient: { reference: 'Patient/q' } },
  }),
  row('A patient named by a full address is the one with the same type and id.', [consent(yes)], 'permit', {
    asked: { patient: { reference: 'https://fhir.example/r4/Patient/p' } },
  }),
  row(
    'A patient may be named by an identifier that the consent carries too.',
    [consent(yes, { patient: { identifier: number('7') } })],
    'permit',
    { asked: { patient: number('7') } },
  ),
  row(
    'A patient with another number in the same system is another patient.',
    [consent(yes, { patient: { identifier: number('7') } })],
    'no-consent',
    { asked: { patient: number('8') } },
  ),
  row(
    'A permit of a patient known by reference says nothing for one known by number only.',
    [consent(yes)],
    'no-consent',
    { asked: { patient: number('7') } },
  ),
  row(
    'An objection of a patient known by reference might be that of one known by number only.',
    [
      consent(yes, { id: 'mine', patient: { identifier: number('7') } }),
      consent(deny({ to: 'Organization/a', for: 'TREAT' })),
    ],
    'unenforceable',
    { asked: { patient: number('7') } },
  ),
  row(
    'An objection that names no patient might be this patient’s.',
    [consent(permit()), consent(deny(), { id: 'nameless', patient: undefined })],
    'unenforceable',
    { asked: { patient: { reference: 'Patient/p' } } },
  ),
  row(
    'Where the request names no patient, every consent counts.',
    [consent(yes, { patient: { reference: 'Patient/q' } })],
    'permit',
  ),
  row('Before its period a consent does not count.', [period('2025-06-02')], 'no-consent'),
  row('From the first moment of its first day it counts.', [period('2025-06-01')], 'permit', {
    asked: at('2025-06-01T00:00:00Z'),
  }),
  row('On its last day it counts until the end of the day.', [period(undefined, '2025-06-01')], 'permit', {
    asked: at('2025-06-01T23:59:59.999Z'),
  }),
  row('On the day after, it does not.', [period(undefined, '2025-06-01')], 'no-consent', {
    asked: at('2025-06-02T00:00:00Z'),
  }),
  row(
    'The last day is a day in UTC, whatever the zone of the request.',
    [period(undefined, '2025-06-01')],
    'no-consent',
    { asked: at('2025-06-01T23:30:00-02:00') },
  ),
  row('An end given as a month includes that month.', [period(undefined, '2025-06')], 'permit', {
    asked: at('2025-06-30T23:00:00Z'),
  }),
  row('An end given as a year includes that year.', [period(undefined, '2025')], 'permit', {
    asked: at('2025-12-31T23:59:59Z'),
  }),
  row(
    'An end with a time ends at that time.',
    [period(undefined, '2025-06-01T10:00:00+02:00')],
    'no-consent',
    {
      asked: at('2025-06-01T08:00:01Z'),
    },
  ),
  row(
    'The date on which a consent was signed does not limit it.',
    [consent(yes, { dateTime: '2030-01-01' })],
    'permit',
  ),
  row('A category that is asked for must be one of the consent’s.', [consent(yes)], 'no-consent', {
    asked: { category: [category('64292-6')] },
  }),
  row('The category may be among several asked for.', [consent(yes)], 'permit', {
    asked: { category: [category('64292-6'), category('59284-0')] },
  }),
  row('The category may stand as the consent’s scope.', [consent(yes)], 'permit', {
    asked: {
      category: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    },
  }),
  row('The same code of another system is another category.', [consent(yes)], 'no-consent', {
    asked: { category: [{ system: 'urn:oid:1', code: '59284-0' }] },
  }),
  row(
    'A consent for another party does not count.',
    [consent(permit({ to: 'Organization/b' }))],
    'no-consent',
  ),
  row(
    'An objection against another party does not count.',
    [consent(permit()), consent(deny({ to: 'Organization/b' }), { id: 'objection' })],
    'permit',
  ),
  row('A consent for another purpose does not count.', [consent(permit({ for: 'HRESCH' }))], 'no-consent'),
  row(
    'A consent for another action does not count.',
    [consent(permit({ actions: ['collect'] }))],
    'no-consent',
  ),
  row('Where no action is asked for, access is.', [consent(permit({ actions: ['access'] }))], 'permit'),
  row('A consent that names no action covers all.', [consent(permit())], 'permit', {
    asked: { action: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'correct' }] },
  }),
  row(
    'A permit for one of two actions asked for permits neither.',
    [consent(permit({ actions: ['access'] }))],
    'no-consent',
    { asked: { action: ['access', 'disclose'].map(actionOf) } },
  ),
  row(
    'An objection to one of two actions asked for stops both.',
    [consent(permit()), consent(deny({ actions: ['disclose'] }), { id: 'objection' })],
    'deny',
    { asked: { action: ['access', 'disclose'].map(actionOf) } },
  ),
  row(
    'A consent of which no provision takes effect counts as not applying.',
    [consent(permit({ for: 'TREAT', but: [deny({ for: 'BTG' })] }))],
    'no-consent',
    { asked: claiming('TREAT', 'HRESCH') },
  ),
  row('A consent for whomever and whatever permits anybody.', [consent(permit())], 'permit', {
    asked: { ...by({ reference: 'Practitioner/x' }), purposeOfUse: [purpose('HMARKT')] },
  }),
  row(
    'Consents may come in a Bundle, and that in another.',
    [
      {
        resourceType: 'Bundle',
        entry: [{ resource: { resourceType: 'Bundle', entry: [{ resource: consent(yes) }] } }],
      },
    ],
    'permit',
  ),
  row(
    'Other resources among the consents are passed over.',
    [{ resourceType: 'Patient', id: 'p' }, consent(yes), request()],
    'permit',
  ),
]

function actionOf(code: string) {
  return { system: 'http://terminology.hl7.org/CodeSystem/consentaction', code }
}
