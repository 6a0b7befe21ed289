import type { Operation } from '../operation.ts'
import { CHAIN, CHANGE, fhir, fhirBody, KEYED, PATIENT_NAMED, VERSIONED } from '../parts.ts'

const decideTask = (verb: string) =>
  ({
    tag: 'requests',
    summary: `${verb} a request for access, or a grant that waits for the hospital’s word`,
    needs: 'system/Task.u',
    answers: { 204: null },
    errors: ['user-missing', 'task-unknown', 'task-closed', ...CHANGE, ...CHAIN],
  }) satisfies Operation

/** Asking a patient for access, and approving. */
export const REQUESTS: Readonly<Record<string, Operation>> = {
  'POST /fhir/Task': {
    tag: 'requests',
    summary: 'Ask a patient for access to records of another hospital',
    needs: 'system/Task.c',
    body: fhirBody('Task'),
    answers: { 201: fhir('Task') },
    errors: ['user-missing', 'member-unknown', ...PATIENT_NAMED, ...KEYED, ...CHAIN],
  },
  'GET /fhir/Task': {
    tag: 'requests',
    summary: 'What waits for this hospital’s word',
    needs: 'system/Task.rs',
    query: [
      ['status', 'requested'],
      ['_format', 'json'],
    ],
    answers: { 200: fhir('Bundle') },
    errors: ['user-missing', 'unsupported-parameter'],
  },
  'GET /fhir/Task/:id': {
    tag: 'requests',
    summary: 'Read a request',
    needs: 'system/Task.rs',
    answers: { 200: fhir('Task'), ...VERSIONED },
    errors: ['user-missing', 'task-unknown'],
  },
  'POST /fhir/Task/:id/$approve': decideTask('Approve'),
  'POST /fhir/Task/:id/$reject': decideTask('Reject'),
}
