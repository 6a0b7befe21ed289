import type { Operation } from '../operation.ts'
import {
  FORM,
  fhir,
  json,
  jsonBody,
  KEYED,
  PATIENT_NAMED,
  REPORT,
  REPORT_QUERY,
  TRAIL_QUERY,
} from '../parts.ts'

const searchTrail = (summary: string) =>
  ({
    tag: 'trail',
    summary,
    needs: 'system/AuditEvent.rs',
    answers: { 200: fhir('Bundle') },
    errors: ['unsupported-parameter', ...PATIENT_NAMED],
  }) satisfies Operation

/** The audit trail. */
export const TRAIL: Readonly<Record<string, Operation>> = {
  'GET /audit/proofs/:id': {
    tag: 'trail',
    summary: 'That one entry of the own log lies in an anchored window',
    needs: 'system/AuditEvent.rs',
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'not-found', 'not-ready', 'audit-unavailable'],
  },
  'GET /audit/unmatched': {
    tag: 'trail',
    summary: 'Exchanges that the other side’s word does not match',
    needs: 'system/AuditEvent.rs',
    query: [
      ['seconds', 'how old they are at least; 60 unless given'],
      ['count', 'at most 1000'],
    ],
    answers: { 200: json('Anything') },
  },
  'POST /audit/reconciliations': {
    tag: 'trail',
    summary: 'Compare log, trail and chain, and the exchanges with other members',
    needs: 'system/AuditEvent.rs',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 202: json('Anything') },
    errors: ['audit-unavailable', ...KEYED],
  },
  'GET /audit/reconciliations/:id': {
    tag: 'trail',
    summary: 'How far it is, and what it found',
    needs: 'system/AuditEvent.rs',
    answers: { 200: json('Anything') },
    errors: ['not-found'],
  },
  'POST /audit/evidence': {
    tag: 'trail',
    summary: 'A page of evidence of the exchanges with one member, sealed to who is to check it',
    needs: 'system/AuditEvent.rs',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['member-unknown', 'audit-unavailable', ...KEYED],
  },
  'POST /audit/resolutions': {
    tag: 'trail',
    summary: 'Whose handle it is: for a named person, with a reason, in the patient’s own trail',
    needs: 'system/reidentify',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'resolution-reason', 'not-available', 'audit-unavailable', ...KEYED],
  },
  'GET /audit/events': {
    tag: 'trail',
    summary: 'Lines of the trail after a cursor, or a stream of them',
    needs: 'system/AuditEvent.rs',
    query: [
      ['after', 'the number of the last line that is known; a stream takes Last-Event-ID'],
      ['_count', 'at most 500'],
    ],
    answers: { 200: fhir('Bundle') },
  },
  'GET /fhir/AuditEvent': {
    ...searchTrail('The trail (IHE BALP, ITI-81), by date'),
    query: [['patient', 'Patient/ID'], ['patient.identifier', 'system|value'], ...TRAIL_QUERY],
  },
  'POST /fhir/AuditEvent/_search': {
    ...searchTrail('The same, with nothing in the address'),
    body: { schema: 'Form', types: [FORM], isOptional: true },
    errors: ['unsupported-parameter', ...PATIENT_NAMED, ...KEYED],
  },
  'GET /fhir/AuditEvent/:id': {
    tag: 'trail',
    summary: 'One line of the trail',
    needs: 'system/AuditEvent.rs',
    answers: { 200: fhir('Resource') },
    errors: ['audit-event-unknown'],
  },
  'POST /audit/holds': {
    tag: 'trail',
    summary: 'Place a legal hold on the trail',
    needs: 'system/legal-hold',
    body: jsonBody('Anything'),
    answers: { 201: json('Anything') },
    errors: ['user-missing', ...KEYED],
  },
  'GET /audit/holds': {
    tag: 'trail',
    summary: 'Legal holds, standing and lifted',
    needs: 'system/legal-hold',
    answers: { 200: json('Anything') },
    errors: ['user-missing'],
  },
  'POST /audit/holds/:id/lifting': {
    tag: 'trail',
    summary: 'Ask that a hold be lifted, or lift it as the second person',
    needs: 'system/legal-hold',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['user-missing', 'hold-unknown', 'hold-lifted', 'second-person-needed', ...KEYED],
  },

  'GET /reports/:name': {
    tag: 'trail',
    summary: 'A report: subject-access, disclosures, organisations, refusals or revocations',
    needs: 'system/AuditEvent.rs',
    query: [...REPORT_QUERY, ['patient', 'Patient/ID, of the first two']],
    ...REPORT,
  },
  'POST /reports/:name': {
    tag: 'trail',
    summary: 'The same with its parameters in the body, where a patient.identifier belongs',
    needs: 'system/AuditEvent.rs',
    body: { schema: 'Form', types: [FORM] },
    answers: REPORT.answers,
    errors: [...REPORT.errors, ...PATIENT_NAMED, ...KEYED],
  },
}
