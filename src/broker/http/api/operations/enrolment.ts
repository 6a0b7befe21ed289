import type { Operation } from '../operation.ts'
import { json, jsonBody, KEYED, PATIENT_NAMED } from '../parts.ts'

const decideIdentity = (summary: string): Operation => ({
  tag: 'enrolment',
  summary,
  needs: 'system/registrar',
  body: jsonBody('Anything'),
  answers: { 200: json('Anything') },
  errors: [
    ...(['user-missing', 'identity-event-unknown', 'identity-event-closed', 'identity-unresolved'] as const),
    ...(['second-person-needed', 'source-unavailable', ...KEYED] as const),
  ],
})

/** The enrolment desk. */
export const ENROLMENT: Readonly<Record<string, Operation>> = {
  'GET /registrar/enrolments': {
    tag: 'enrolment',
    summary: 'What waits for a confirmation, begun at a desk or by patients themselves',
    needs: 'system/registrar',
    answers: { 200: json('OpenEnrolments') },
    errors: ['user-missing'],
  },
  'POST /registrar/enrolments': {
    tag: 'enrolment',
    summary: 'Begin an enrolment: a code goes to the contact on file',
    needs: 'system/registrar',
    body: jsonBody('Identifier'),
    answers: { 201: json('Enrolment') },
    errors: [
      ...(['user-missing', 'request-invalid', 'not-available', 'patient-bound'] as const),
      ...(['identity-frozen'] as const),
      ...([...PATIENT_NAMED, 'source-unavailable', ...KEYED] as const),
    ],
  },
  'POST /registrar/enrolments/:id/confirmation': {
    tag: 'enrolment',
    summary: 'Confirm it: two persons do, and whoever began it at the desk is one',
    needs: 'system/registrar',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 204: null },
    errors: [
      ...(['user-missing', 'not-available', 'enrolment-needs-second-registrar'] as const),
      ...(['patient-bound', 'identity-frozen', ...KEYED] as const),
    ],
  },
  'POST /registrar/enrolments/:id/rejection': {
    tag: 'enrolment',
    summary: 'Say that it is not to be',
    needs: 'system/registrar',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 204: null },
    errors: ['user-missing', 'not-available', ...KEYED],
  },

  'GET /registrar/identity-events': {
    tag: 'enrolment',
    summary: 'What happened to patients’ identities, for two persons to decide',
    needs: 'system/registrar',
    query: [['status', 'open, confirmed, done or rejected; all unless given']],
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'unsupported-parameter'],
  },
  'GET /registrar/identity-events/:id': {
    tag: 'enrolment',
    summary: 'One of them',
    needs: 'system/registrar',
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'identity-event-unknown'],
  },
  'POST /registrar/identity-events/:id/confirmation': decideIdentity(
    'Confirm it; what follows follows from two',
  ),
  'POST /registrar/identity-events/:id/rejection': decideIdentity('Say that it was a mistake'),
}
