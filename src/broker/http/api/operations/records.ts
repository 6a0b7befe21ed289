import type { Operation } from '../operation.ts'
import { CHAIN, FORM, fhir, fhirBody, KEYED, PATIENT_NAMED, RELEASE } from '../parts.ts'

const OPENED = [
  ...(['user-missing', 'not-available', 'commitment-mismatch', 'response-invalid'] as const),
  ...(['peer-unavailable', 'peer-untrusted', 'address-refused', ...RELEASE] as const),
] as const

const searchDocuments = {
  tag: 'records',
  summary: 'Find what is shared with this hospital about a person (ITI-67)',
  needs: 'system/DocumentReference.rs',
  query: [
    ['patient.identifier', 'system|value of a national identifier'],
    ['status', 'current (the default), superseded, or both with a comma'],
    ['_format', 'json'],
  ],
  answers: { 200: fhir('Bundle') },
  errors: [
    ...PATIENT_NAMED,
    'user-missing',
    'unsupported-parameter',
    'not-acceptable',
    ...CHAIN,
    'peer-unavailable',
  ],
} satisfies Operation

const DOCUMENT = [
  'document-invalid',
  'document-mismatch',
  'document-patient',
  'document-duplicate',
  'document-refused',
] as const

const publish = (summary: string, body: string, answers: Operation['answers']): Operation => ({
  tag: 'records',
  summary,
  needs: 'system/DocumentReference.c',
  body: fhirBody(body),
  answers,
  errors: [
    ...(['user-missing', 'duplicate-key', 'number-not-exact', 'too-deep', 'source-unavailable'] as const),
    ...DOCUMENT,
    ...PATIENT_NAMED,
    ...KEYED,
  ],
})

const searchLive = (summary: string): Operation => ({
  tag: 'records',
  summary,
  needs: 'system/Binary.r',
  query: [
    ['patient.identifier', 'system|value of a national identifier'],
    ['custodian.identifier', 'system|value of the hospital that is searched'],
    ['_page', 'as a next link has it, in place of all others'],
    ['*', 'whatever else the search of that type takes'],
  ],
  answers: { 200: fhir('Bundle') },
  errors: ['unsupported-parameter', ...PATIENT_NAMED, ...OPENED],
})

/** `$everything` or `$summary`, by any of the four ways to ask. */
function merged(name: string, summary: string): Record<string, Operation> {
  const operation: Operation = {
    tag: 'records',
    summary,
    needs: 'system/Patient.r',
    query: [
      ['identifier', 'system|value, where no Patient is in the address'],
      ...(name === '$everything'
        ? ([
            ['_type', 'resource types, with commas'],
            ['_count', 'at most 200'],
            ['_cursor', 'as a next link has it'],
          ] as const)
        : []),
      ['_format', 'json'],
    ],
    answers: { 200: fhir('Bundle') },
    errors: [
      ...(['user-missing', 'not-available', 'unsupported-parameter', 'not-acceptable'] as const),
      ...(['source-unavailable', 'audit-unavailable', ...PATIENT_NAMED, ...CHAIN] as const),
    ],
  }
  const posted: Operation = {
    ...operation,
    body: { ...fhirBody('Parameters'), isOptional: true },
    errors: [...(operation.errors ?? []), ...KEYED],
  }
  return {
    [`GET /fhir/Patient/${name}`]: operation,
    [`POST /fhir/Patient/${name}`]: posted,
    [`GET /fhir/Patient/:id/${name}`]: operation,
    [`POST /fhir/Patient/:id/${name}`]: posted,
  }
}

/** Records that other hospitals share (IHE MHD). */
export const RECORDS: Readonly<Record<string, Operation>> = {
  'GET /fhir/DocumentReference': searchDocuments,
  'POST /fhir/DocumentReference/_search': {
    ...searchDocuments,
    body: { schema: 'DocumentSearch', types: [FORM] },
    errors: [...searchDocuments.errors, ...KEYED],
  },
  'GET /fhir/Binary/:id': {
    tag: 'records',
    summary: 'Open a record, verified against the chain (ITI-68)',
    needs: 'system/Binary.r',
    answers: { 200: fhir('Resource') },
    errors: OPENED,
  },

  'GET /fhir/Binary/:id/attachment/:number': {
    tag: 'records',
    summary: 'What a record’s attachment names, verified as it passes; an aborted answer is none',
    needs: 'system/Binary.r',
    answers: { 200: ['application/octet-stream', 'Bytes'] },
    errors: OPENED,
  },
  'GET /fhir/Provenance/:id': {
    tag: 'records',
    summary: 'Where what came by an exchange is from, with the custodian’s signatures',
    needs: 'system/Binary.r',
    answers: { 200: fhir('Resource') },
    errors: ['user-missing', 'not-available'],
  },
  'GET /shared/fhir/:type': searchLive(
    'Search another hospital live, each page judged and verified by itself',
  ),
  'POST /shared/fhir/:type/_search': {
    ...searchLive('The same, with nothing in the address'),
    body: { schema: 'Form', types: [FORM], isOptional: true },
  },

  'POST /fhir': publish('Push documents (ITI-65)', 'Bundle', { 200: fhir('Bundle') }),
  'POST /fhir/': publish('The same, as some servers’ bases are written', 'Bundle', { 200: fhir('Bundle') }),
  'POST /fhir/DocumentReference': publish('Push one document (ITI-105)', 'Resource', {
    201: fhir('Resource'),
  }),
  ...merged('$everything', 'All records of a person that this hospital may see, merged'),
  ...merged('$summary', 'The same as an International Patient Summary'),
}
