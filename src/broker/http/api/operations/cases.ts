import type { Operation } from '../operation.ts'
import { json, jsonBody, KEYED } from '../parts.ts'

/** What patients say looks wrong, for the hospital. */
export const CASES: Readonly<Record<string, Operation>> = {
  'GET /cases': {
    tag: 'cases',
    summary: 'What patients say looks wrong, the oldest first',
    needs: 'system/cases',
    query: [
      ['state', 'open, answered or closed; all unless given'],
      ['after', 'from next'],
    ],
    answers: { 200: json('HospitalCases') },
    errors: ['user-missing'],
  },
  'POST /cases/:id/answer': {
    tag: 'cases',
    summary: 'Answer the patient, and close it where nothing is left to say',
    needs: 'system/cases',
    body: jsonBody('CaseAnswer'),
    answers: { 200: json('HospitalCase') },
    errors: ['user-missing', 'case-unknown', 'case-closed', ...KEYED],
  },
}
