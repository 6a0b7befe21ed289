import { PATIENT_SCHEMAS } from './patient-schemas.ts'

const text = { type: 'string' } as const
const texts = { type: 'array', items: text } as const

/** Any FHIR R4 resource of a type; what may be in it is for FHIR, and the profiles in fhir/definitions, to say. */
const resource = (resourceType: string) => ({
  type: 'object',
  required: ['resourceType'],
  properties: { resourceType: { type: 'string', const: resourceType } },
  description: `FHIR R4 ${resourceType}: https://hl7.org/fhir/R4/${resourceType.toLowerCase()}.html`,
})

const jwks = {
  type: 'object',
  required: ['keys'],
  properties: {
    keys: {
      type: 'array',
      items: { type: 'object', required: ['kty'], properties: { kty: text, kid: text } },
    },
  },
}

const client = { client_name: text, scope: text, jwks, jwks_uri: { type: 'string', format: 'uri' } }

/** What bodies and answers are, by name. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  ...PATIENT_SCHEMAS,
  ...Object.fromEntries(
    ['Bundle', 'Consent', 'Task', 'Parameters', 'Subscription', 'OperationOutcome'].map((type) => [
      type,
      resource(type),
    ]),
  ),
  Resource: { type: 'object', required: ['resourceType'], properties: { resourceType: text } },
  Identifier: { type: 'object', required: ['system', 'value'], properties: { system: text, value: text } },
  Jwks: jwks,
  Jose: { type: 'string', description: 'A JWE in compact form (RFC 7516)' },
  Anything: {},
  Report: {
    type: 'object',
    required: [
      'name',
      'title',
      'hospital',
      'period',
      'made',
      'summary',
      'omitted',
      'columns',
      'rows',
      'complete',
    ],
    properties: {
      name: text,
      title: text,
      patient: text,
      period: {
        type: 'object',
        properties: { from: { type: ['string', 'null'] }, to: text, zone: text },
      },
      summary: { type: 'array', items: { type: 'object' } },
      omitted: { type: 'array', items: { type: 'object' }, description: 'What is not in it, and why' },
      columns: { type: 'array', items: { type: 'object' } },
      rows: { type: 'array', items: { type: 'object' } },
      complete: { type: 'object', description: 'Comes last: where it is missing, so is a part' },
    },
    description: 'The same as CSV (RFC 4180) or as a page; docs/audit.md',
  },
  Bytes: { type: 'string', format: 'binary' },
  Form: { type: 'object', additionalProperties: text },
  OAuthError: {
    type: 'object',
    required: ['error', 'error_description', 'error_uri'],
    properties: { error: text, error_description: text, error_uri: text },
    description: 'RFC 6749 §5.2; error_uri ends in the code of docs/errors.md',
  },
  TokenRequest: {
    type: 'object',
    required: ['grant_type', 'scope', 'client_assertion_type', 'client_assertion'],
    properties: {
      grant_type: { type: 'string', const: 'client_credentials' },
      scope: text,
      client_assertion_type: {
        type: 'string',
        const: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
      client_assertion: text,
    },
  },
  Token: {
    type: 'object',
    required: ['access_token', 'token_type', 'expires_in', 'scope'],
    properties: { access_token: text, token_type: text, expires_in: { type: 'integer' }, scope: text },
  },
  ClientMetadata: {
    type: 'object',
    required: ['client_name', 'scope'],
    properties: { ...client, token_endpoint_auth_method: text, grant_types: texts },
  },
  Client: {
    type: 'object',
    required: ['client_id', 'client_name', 'scope'],
    properties: {
      ...client,
      client_id: text,
      client_id_issued_at: { type: 'integer' },
      registration_client_uri: text,
      token_endpoint_auth_method: text,
      grant_types: texts,
    },
  },
  DocumentSearch: { type: 'object', properties: { 'patient.identifier': text, status: text, _format: text } },
}
