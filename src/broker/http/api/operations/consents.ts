import type { Operation } from '../operation.ts'
import { CHAIN, CHANGE, fhir, fhirBody, json, jsonBody, KEYED, PATIENT_NAMED, VERSIONED } from '../parts.ts'

const fileConsent = {
  tag: 'consents',
  summary: 'File a Consent for the patient to sign (ITI-108)',
  needs: 'system/Consent.c',
  body: fhirBody('Consent'),
  answers: { 201: fhir('Consent') },
  errors: ['user-missing', 'consent-unenforceable', ...PATIENT_NAMED, ...KEYED, ...CHAIN],
} satisfies Operation

/** Consents of this hospital’s patients (IHE PCF, CDS Hooks). */
export const CONSENTS: Readonly<Record<string, Operation>> = {
  'GET /fhir/Consent': {
    tag: 'consents',
    summary: 'Every consent of a patient, signed or filed',
    needs: 'system/Consent.rs',
    query: [
      ['patient', 'Patient/ID'],
      ['patient.identifier', 'system|value'],
      ['status', 'of Consent, several with commas'],
      ['_format', 'json'],
    ],
    answers: { 200: fhir('Bundle') },
    errors: ['unsupported-parameter', ...PATIENT_NAMED, ...CHAIN],
  },
  'GET /fhir/Consent/:id': {
    tag: 'consents',
    summary: 'Read a consent',
    needs: 'system/Consent.rs',
    answers: { 200: fhir('Consent'), ...VERSIONED },
    errors: ['consent-unknown', ...CHAIN],
  },
  'POST /fhir/Consent': fileConsent,
  'POST /fhir/Consent/$fileConsent': fileConsent,
  'PUT /fhir/Consent/:id': {
    tag: 'consents',
    summary: 'File what is to take its place',
    needs: 'system/Consent.u',
    body: fhirBody('Consent'),
    answers: { 200: fhir('Consent') },
    errors: [
      'user-missing',
      'consent-unknown',
      'consent-unenforceable',
      ...PATIENT_NAMED,
      ...CHANGE,
      ...CHAIN,
    ],
  },
  'DELETE /fhir/Consent/:id': {
    tag: 'consents',
    summary: 'Take back what is only filed',
    needs: 'system/Consent.u',
    answers: { 204: null },
    errors: ['consent-unknown', 'consent-unenforceable', ...CHANGE, ...CHAIN],
  },
  'POST /fhir/Consent/:id/$revokeConsent': {
    tag: 'consents',
    summary: 'Ask the patient to end it',
    needs: 'system/Consent.u',
    answers: { 200: fhir('Consent'), 204: null },
    errors: ['user-missing', 'consent-unknown', ...CHANGE, ...CHAIN],
  },
  'POST /fhir/Consent/$explain': {
    tag: 'consents',
    summary: 'Would a member be allowed a class or a record for a purpose, and why not',
    needs: 'system/Consent.rs',
    body: fhirBody('Parameters'),
    answers: { 200: fhir('Parameters') },
    errors: ['purpose-unknown', 'consent-unenforceable', ...PATIENT_NAMED, ...KEYED, ...CHAIN],
  },
  'POST /fhir/Consent/$preview': {
    tag: 'consents',
    summary: 'Which records a Consent would open',
    needs: 'system/Consent.rs',
    body: fhirBody('Parameters'),
    answers: { 200: fhir('Parameters') },
    errors: ['consent-unenforceable', ...PATIENT_NAMED, ...KEYED, ...CHAIN],
  },
  'POST /cds-services/patient-consent-consult': {
    tag: 'consents',
    summary: 'The decision as a card (CDS Hooks)',
    needs: 'system/Consent.rs',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['purpose-missing', 'purpose-unknown', ...KEYED, ...CHAIN],
  },
}
