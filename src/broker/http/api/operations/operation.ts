import type { Operation } from '../operation.ts'
import { FHIR, JSON_TYPE, json, jsonBody, KEYED } from '../parts.ts'

const hook = (summary: string): Operation => ({
  tag: 'operation',
  summary,
  body: { schema: 'Anything', types: [FHIR, JSON_TYPE], isOptional: true },
  answers: { 200: json('Anything') },
})

/** For supervision, and for the FHIR server. */
export const OPERATION: Readonly<Record<string, Operation>> = {
  'POST /operator/reconciliations': {
    tag: 'operation',
    summary: 'Compare the FHIR server with the chain, and mend where told to',
    needs: 'system/operator',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 202: json('Anything') },
    errors: [...KEYED],
  },
  'GET /operator/reconciliations/:id': {
    tag: 'operation',
    summary: 'How far it is, and what it found',
    needs: 'system/operator',
    answers: { 200: json('Anything') },
    errors: ['not-found'],
  },
  'GET /health': {
    tag: 'operation',
    summary: 'Whether the process lives',
    answers: { 200: json('Anything') },
  },
  'GET /ready': {
    tag: 'operation',
    summary: 'Whether it can serve; 503 where it cannot',
    answers: { 200: json('Anything'), 503: json('Anything') },
  },
  'POST /hooks/fhir': hook('The FHIR server’s hook'),
  'PUT /hooks/fhir/*': hook('The same, of servers that put'),
  'DELETE /hooks/fhir/*': hook('The same, of servers that delete'),
}
