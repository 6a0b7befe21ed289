import type { Operation } from '../operation.ts'
import { CHAIN, json, jsonBody, KEYED, PATIENT_NAMED } from '../parts.ts'

/** A patient who lost the key gets another one, and people who help. */
export const RECOVERY: Readonly<Record<string, Operation>> = {
  'POST /registrar/recoveries': {
    tag: 'enrolment',
    summary: 'Begin to replace a patient’s key: a code goes to the contact on file',
    needs: 'system/registrar',
    body: jsonBody('Anything'),
    answers: { 201: json('Anything') },
    errors: [
      ...(['user-missing', 'request-invalid', 'not-available', 'recovery-not-open'] as const),
      ...(['identity-frozen', 'handle-closed', 'source-unavailable'] as const),
      ...[...PATIENT_NAMED, ...CHAIN, ...KEYED],
    ],
  },
  'GET /registrar/recoveries/:id': {
    tag: 'enrolment',
    summary: 'Where it stands',
    needs: 'system/registrar',
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'not-available', ...CHAIN],
  },
  'POST /registrar/recoveries/:id/confirmation': {
    tag: 'enrolment',
    summary: 'Confirm it as the second registrar',
    needs: 'system/registrar',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 204: null },
    errors: ['user-missing', 'not-available', 'enrolment-needs-second-registrar', ...KEYED],
  },
  'POST /registrar/recoveries/:id/cancellation': {
    tag: 'enrolment',
    summary: 'Take it back while it waits',
    needs: 'system/registrar',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 202: json('Anything') },
    errors: ['user-missing', 'not-available', 'recovery-not-open', ...CHAIN, ...KEYED],
  },
  'POST /patient/recovery/offer': {
    tag: 'patient',
    summary: 'What the new key is to sign',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: [
      ...(['enrolment-code-wrong', 'enrolment-needs-second-registrar', 'recovery-not-open'] as const),
      ...(['identity-frozen', 'handle-closed', ...CHAIN] as const),
    ],
  },
  'POST /patient/recovery': {
    tag: 'patient',
    summary: 'Prove possession of the new key: from then on the old one has seven days to veto',
    body: jsonBody('Anything'),
    answers: { 202: json('Anything') },
    errors: [
      ...(['enrolment-code-wrong', 'enrolment-needs-second-registrar', 'recovery-not-open'] as const),
      ...(['signature-invalid', 'typed-data-invalid', 'key-taken', 'deadline-passed'] as const),
      ...(['identity-frozen', 'handle-closed', ...CHAIN] as const),
    ],
  },
  'GET /patient/recovery': {
    tag: 'patient',
    summary: 'Where the replacement of the key stands, for the old key and for the new one',
    needs: 'session',
    answers: { 200: json('Anything') },
    errors: [...CHAIN],
  },
  'GET /patient/delegates': {
    tag: 'patient',
    summary: 'Whom the patient has appointed to help, within which bounds',
    needs: 'session',
    answers: { 200: json('Anything') },
    errors: [...CHAIN],
  },
  'GET /patient/helping': {
    tag: 'patient',
    summary: 'What a helper may do, asked with the helper’s own session',
    needs: 'session',
    answers: { 200: json('Anything') },
    errors: ['not-within-bounds', ...CHAIN],
  },
}
