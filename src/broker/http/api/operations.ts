/**
 * What every route of a broker is for, by method and address: what it takes, what it answers, which scope it asks for, and
 * which codes of the error table it may refuse with beside those that any route may. `/openapi.json` is made of it; a test
 * holds that every route is here, and that what is answered is what is said.
 */
import type { ErrorCode } from '../../../domain/errors.ts'

export type Operation = {
  tag: (typeof TAGS)[number]['name']
  summary: string
  /** The scope that its token needs; `session` for a patient's, `dpop` for another broker's; none where anybody may ask. */
  needs?: string
  /** What a body is: its schema's name and media types. */
  body?: { schema: string; types: readonly string[]; isOptional?: true }
  query?: readonly (readonly [name: string, about: string])[]
  /** The answer where it succeeds: statuses with media type and the name of a schema; 204 and 304 have neither. */
  answers: Readonly<Record<number, readonly [type: string | readonly string[], schema: string] | null>>
  errors?: readonly ErrorCode[]
}

export const TAGS = [
  { name: 'discovery', description: 'What the broker is and can; for anybody' },
  { name: 'token', description: 'Tokens and programs (SMART Backend Services, RFC 6749, RFC 7591)' },
  { name: 'records', description: 'Records that other hospitals share (IHE MHD)' },
  { name: 'consents', description: 'Consents of this hospital’s patients (IHE PCF, CDS Hooks)' },
  { name: 'requests', description: 'Asking a patient for access, and approving' },
  { name: 'events', description: 'Hearing of changes of consents' },
  { name: 'trail', description: 'The audit trail' },
  { name: 'enrolment', description: 'The enrolment desk' },
  { name: 'patient', description: 'What a patient’s device asks' },
  { name: 'exchange', description: 'Between two brokers' },
  { name: 'operation', description: 'For supervision, and for the FHIR server' },
] as const

const FHIR = 'application/fhir+json'
const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'
const JOSE = 'application/jose'

const fhir = (schema: string) => [FHIR, schema] as const
const json = (schema: string) => [JSON_TYPE, schema] as const
const fhirBody = (schema: string) => ({ schema, types: [FHIR, JSON_TYPE] })
const jsonBody = (schema: string) => ({ schema, types: [JSON_TYPE] })

const CLIENT_ERRORS = ['user-missing', 'client-metadata-invalid'] as const
const PATIENT_NAMED = ['identifier-invalid', 'identifier-system-unknown'] as const
const CHANGE = ['version-conflict', 'idempotency-key-reused', 'idempotency-key-busy'] as const
const KEYED = ['idempotency-key-reused', 'idempotency-key-busy'] as const
const CHAIN = ['chain-unavailable', 'head-stale'] as const
const RELEASE = ['audit-unavailable', 'anchor-overdue', 'source-unavailable', 'not-ready', ...CHAIN] as const
const OPENED = [
  ...(['user-missing', 'not-available', 'commitment-mismatch', 'response-invalid'] as const),
  ...(['peer-unavailable', 'peer-untrusted', 'address-refused', ...RELEASE] as const),
] as const
const VERSIONED = { 304: null } as const
const REPORT = {
  answers: { 200: [[JSON_TYPE, 'text/csv', 'text/html'], 'Report'] },
  errors: ['report-unknown', 'unsupported-parameter'],
} as const
const REPORT_QUERY = [
  ['from', 'day or instant; from the beginning unless given, of disclosures six years back'],
  ['to', 'day, included, or instant; until now unless given'],
  ['zone', 'IANA time zone that days are meant in; UTC unless given'],
  ['format', 'json (the default), csv or html'],
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

const decideTask = (verb: string) =>
  ({
    tag: 'requests',
    summary: `${verb} a request for access, or a grant that waits for the hospital’s word`,
    needs: 'system/Task.u',
    answers: { 204: null },
    errors: ['user-missing', 'task-unknown', 'task-closed', ...CHANGE, ...CHAIN],
  }) satisfies Operation

const discovery = (summary: string, type: string, schema: string): Operation => ({
  tag: 'discovery',
  summary,
  answers: { 200: [type, schema] },
})

const fileConsent = {
  tag: 'consents',
  summary: 'File a Consent for the patient to sign (ITI-108)',
  needs: 'system/Consent.c',
  body: fhirBody('Consent'),
  answers: { 201: fhir('Consent') },
  errors: ['user-missing', 'consent-unenforceable', ...PATIENT_NAMED, ...KEYED, ...CHAIN],
} satisfies Operation

const hook = (summary: string): Operation => ({
  tag: 'operation',
  summary,
  body: { schema: 'Anything', types: [FHIR, JSON_TYPE], isOptional: true },
  answers: { 200: json('Anything') },
})

const TRAIL_QUERY: [string, string][] = [
  ['date', 'with prefix ge, gt, le or lt'],
  ['agent', 'an organisation’s or a person’s identifier'],
  ['entity', 'a reference or an identifier'],
  ['entity-type', 'code'],
  ['entity-role', 'code'],
  ['purpose', 'v3 PurposeOfUse'],
  ['outcome', '0, 4, 8 or 12'],
  ['type', 'code'],
  ['subtype', 'code'],
  ['action', 'C, R, U, D or E'],
  ['policy', 'Consent/ID'],
  ['_tag', 'kind of line'],
  ['_sort', 'date or -date'],
  ['_count', 'at most 500'],
  ['_page', 'from a next link, alone'],
  ['_format', 'json'],
]

const searchTrail = (summary: string) =>
  ({
    tag: 'trail',
    summary,
    needs: 'system/AuditEvent.rs',
    answers: { 200: fhir('Bundle') },
    errors: ['unsupported-parameter', ...PATIENT_NAMED],
  }) satisfies Operation

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /fhir/.well-known/smart-configuration': discovery('SMART configuration', JSON_TYPE, 'Anything'),
  'GET /.well-known/oauth-authorization-server': discovery('The same by RFC 8414', JSON_TYPE, 'Anything'),
  'GET /.well-known/jwks.json': discovery('The broker’s public key', 'application/jwk-set+json', 'Jwks'),
  'GET /fhir/metadata': discovery('CapabilityStatement', FHIR, 'Resource'),
  'GET /cds-services': discovery('CDS services', JSON_TYPE, 'Anything'),
  'GET /openapi.json': discovery('This description', JSON_TYPE, 'Anything'),

  'POST /auth/token': {
    tag: 'token',
    summary: 'Get an access token by a signed client assertion',
    body: { schema: 'TokenRequest', types: [FORM] },
    answers: { 200: json('Token') },
    errors: [
      ...([
        'grant-type-unsupported',
        'assertion-invalid',
        'assertion-replayed',
        'scope-insufficient',
      ] as const),
      ...(['user-missing', 'purpose-missing', 'purpose-unknown'] as const),
    ],
  },
  'POST /auth/clients': {
    tag: 'token',
    summary: 'Register a program (RFC 7591)',
    needs: 'system/client-admin',
    body: jsonBody('ClientMetadata'),
    answers: { 201: json('Client') },
    errors: [...CLIENT_ERRORS, ...KEYED],
  },
  'GET /auth/clients': {
    tag: 'token',
    summary: 'List programs',
    needs: 'system/client-admin',
    answers: { 200: json('Anything') },
    errors: ['user-missing'],
  },
  'GET /auth/clients/:id': {
    tag: 'token',
    summary: 'Read what is registered of a program (RFC 7592)',
    needs: 'system/client-admin',
    answers: { 200: json('Client') },
    errors: ['user-missing', 'client-unknown'],
  },
  'PUT /auth/clients/:id': {
    tag: 'token',
    summary: 'Give a program other keys, name or scopes',
    needs: 'system/client-admin',
    body: jsonBody('ClientMetadata'),
    answers: { 200: json('Client') },
    errors: [...CLIENT_ERRORS, 'client-unknown', 'client-fixed', ...KEYED],
  },
  'DELETE /auth/clients/:id': {
    tag: 'token',
    summary: 'Remove a program; its tokens end at once',
    needs: 'system/client-admin',
    answers: { 204: null },
    errors: ['user-missing', 'client-unknown', 'client-fixed', ...KEYED],
  },

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

  'POST /fhir/Subscription': {
    tag: 'events',
    summary: 'Register a webhook (Subscriptions R5 Backport)',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    body: fhirBody('Subscription'),
    answers: { 201: fhir('Subscription') },
    errors: ['subscription-invalid', ...KEYED],
  },
  'GET /fhir/Subscription': {
    tag: 'events',
    summary: 'The program’s own webhooks',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    answers: { 200: fhir('Bundle') },
    errors: ['unsupported-parameter'],
  },
  'GET /fhir/Subscription/:id': {
    tag: 'events',
    summary: 'Read a webhook',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    answers: { 200: fhir('Subscription'), ...VERSIONED },
    errors: ['subscription-unknown'],
  },
  'DELETE /fhir/Subscription/:id': {
    tag: 'events',
    summary: 'Remove a webhook',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    answers: { 204: null },
    errors: ['subscription-unknown', ...KEYED],
  },
  'GET /events': {
    tag: 'events',
    summary:
      'Changes after a cursor: a page, or with `Accept: text/event-stream` all that comes (Last-Event-ID)',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    query: [
      ['after', 'the cursor: the number of the last event that the caller has'],
      ['_count', 'at most 500'],
    ],
    answers: { 200: fhir('Bundle') },
  },
  'GET /events/:id': {
    tag: 'events',
    summary: 'One change, and whose consent it was',
    needs: 'system/Consent.rs or system/DocumentReference.rs',
    answers: { 200: json('Anything') },
    errors: ['event-unknown'],
  },

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

  'POST /registrar/enrolments': {
    tag: 'enrolment',
    summary: 'Begin an enrolment: a code goes to the contact on file',
    needs: 'system/registrar',
    body: jsonBody('Identifier'),
    answers: { 201: json('Anything') },
    errors: ['user-missing', 'not-available', ...PATIENT_NAMED, 'source-unavailable', ...KEYED],
  },
  'POST /registrar/enrolments/:id/confirmation': {
    tag: 'enrolment',
    summary: 'Confirm it as the second registrar',
    needs: 'system/registrar',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 204: null },
    errors: [
      ...(['user-missing', 'not-available', 'enrolment-code-wrong'] as const),
      ...(['enrolment-needs-second-registrar', ...KEYED] as const),
    ],
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

  'POST /patient/enrolment/offer': {
    tag: 'patient',
    summary: 'What to sign to be enrolled',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['enrolment-code-wrong', 'enrolment-needs-second-registrar', ...CHAIN],
  },
  'POST /patient/enrolment': {
    tag: 'patient',
    summary: 'Bind the device’s key',
    body: jsonBody('Anything'),
    answers: { 202: json('Anything') },
    errors: [
      ...(['enrolment-code-wrong', 'enrolment-needs-second-registrar', 'signature-invalid'] as const),
      ...(['typed-data-invalid', 'deadline-passed', 'chain-rejected', ...CHAIN] as const),
    ],
  },
  'POST /patient/challenge': {
    tag: 'patient',
    summary: 'A nonce to sign in with',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['signer-unknown'],
  },
  'POST /patient/session': {
    tag: 'patient',
    summary: 'Sign in: a session, handle and scope secret',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['signer-unknown'],
  },
  'GET /patient/consents': {
    tag: 'patient',
    summary: 'Every own consent',
    needs: 'session',
    answers: { 200: json('Anything') },
    errors: [...CHAIN],
  },
  'GET /patient/history': {
    tag: 'patient',
    summary: 'Who looked, and what changed',
    needs: 'session',
    query: [['_count', 'at most 500']],
    answers: { 200: json('Anything') },
  },
  'GET /patient/AuditEvent': {
    tag: 'patient',
    summary: 'The same as FHIR AuditEvents (as in CH:ATC)',
    needs: 'session',
    query: TRAIL_QUERY,
    answers: { 200: fhir('Bundle') },
    errors: ['unsupported-parameter'],
  },
  'GET /patient/reports/:name': {
    tag: 'patient',
    summary: 'The patient’s own report: subject-access or disclosures',
    needs: 'session',
    query: REPORT_QUERY,
    ...REPORT,
  },
  'POST /patient/explain': {
    tag: 'patient',
    summary: 'Would somebody be allowed something, and why not',
    needs: 'session',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['purpose-unknown', ...KEYED, ...CHAIN],
  },
  'POST /patient/preview': {
    tag: 'patient',
    summary: 'Which records a consent would open',
    needs: 'session',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: [...KEYED, ...CHAIN],
  },
  'GET /patient/record': {
    tag: 'patient',
    summary: 'The own record, as this hospital keeps it',
    needs: 'session',
    answers: { 200: fhir('Bundle') },
    errors: ['source-unavailable', 'audit-unavailable', ...CHAIN],
  },
  'GET /patient/proposals': {
    tag: 'patient',
    summary: 'What waits for a signature',
    needs: 'session',
    answers: { 200: json('Anything') },
  },
  'POST /patient/proposals/:id/refusal': {
    tag: 'patient',
    summary: 'Decline what was filed',
    needs: 'session',
    answers: { 204: null },
    errors: ['consent-unknown', ...KEYED],
  },
  'GET /patient/requests': {
    tag: 'patient',
    summary: 'Who asks for access',
    needs: 'session',
    answers: { 200: json('Anything') },
  },
  'POST /patient/requests/:id/refusal': {
    tag: 'patient',
    summary: 'Refuse a request',
    needs: 'session',
    answers: { 204: null },
    errors: ['task-unknown', 'task-closed', ...KEYED],
  },
  'POST /relay': {
    tag: 'patient',
    summary: 'Hand in a signed act, for this hospital or sealed for another',
    body: { schema: 'Anything', types: [JSON_TYPE, JOSE] },
    answers: { 202: json('Anything') },
    errors: [
      ...([
        'typed-data-invalid',
        'signature-invalid',
        'signer-unknown',
        'handle-unknown',
        'wrong-chain',
      ] as const),
      ...(['wrong-contract', 'deadline-passed', 'epoch-wrong', 'version-wrong', 'chain-rejected'] as const),
      ...([
        'consent-body-missing',
        'consent-body-mismatch',
        'terms-unenforceable',
        'approval-refused',
      ] as const),
      ...(['relay-undeliverable', 'peer-unavailable', 'identifier-invalid'] as const),
      ...(['audit-unavailable', ...CHAIN] as const),
    ],
  },

  'POST /exchange/token': {
    tag: 'exchange',
    summary: 'A token for one record or one list (private_key_jwt, DPoP)',
    body: { schema: 'TokenRequest', types: [FORM] },
    answers: { 200: json('Token') },
    errors: [
      ...([
        'grant-type-unsupported',
        'assertion-invalid',
        'assertion-replayed',
        'dpop-invalid',
        'dpop-replayed',
      ] as const),
      ...(['user-missing', 'purpose-missing', 'purpose-unknown', 'not-available', ...RELEASE] as const),
    ],
  },
  'GET /exchange/record/:tag': {
    tag: 'exchange',
    summary: 'The record, signed',
    needs: 'dpop',
    answers: { 200: fhir('Resource') },
    errors: ['dpop-invalid', 'dpop-replayed', 'token-wrong-key', 'not-available', ...RELEASE],
  },
  'GET /exchange/list/:reference': {
    tag: 'exchange',
    summary: 'What is permitted behind a share, signed',
    needs: 'dpop',
    answers: { 200: json('Anything') },
    errors: ['dpop-invalid', 'dpop-replayed', 'token-wrong-key', 'not-available', ...RELEASE],
  },
  'GET /exchange/record/:tag/content/:number': {
    tag: 'exchange',
    summary: 'What an attachment of the record names, signed',
    needs: 'dpop',
    answers: { 200: ['application/octet-stream', 'Bytes'] },
    errors: ['dpop-invalid', 'dpop-replayed', 'token-wrong-key', 'not-available', ...RELEASE],
  },
  'POST /exchange/search/:reference': {
    tag: 'exchange',
    summary: 'One page of a live search behind a share, signed',
    needs: 'dpop',
    body: jsonBody('Anything'),
    answers: { 200: fhir('Bundle') },
    errors: ['dpop-invalid', 'dpop-replayed', 'token-wrong-key', 'not-available', ...RELEASE],
  },
  'POST /exchange/checkpoints': {
    tag: 'exchange',
    summary: 'Signed checkpoints of the chain; whoever shows a member’s sees this one’s',
    body: jsonBody('Anything'),
    answers: { 200: json('Anything') },
    errors: ['checkpoint-invalid', 'audit-unavailable', ...CHAIN],
  },
  'POST /exchange/receipt': {
    tag: 'exchange',
    summary: 'A signed receipt of what came',
    body: { schema: 'Jose', types: [JOSE] },
    answers: { 200: json('Anything') },
    errors: ['receipt-invalid', 'not-ready', 'audit-unavailable'],
  },
  'POST /exchange/request': {
    tag: 'exchange',
    summary: 'A sealed request for access',
    body: { schema: 'Jose', types: [JOSE] },
    answers: { 204: null },
    errors: ['access-request-invalid', 'member-not-live', 'audit-unavailable', ...CHAIN],
  },
  'POST /exchange/share': {
    tag: 'exchange',
    summary: 'A sealed share',
    body: { schema: 'Jose', types: [JOSE] },
    answers: { 204: null },
    errors: ['share-invalid', 'not-ready', 'audit-unavailable'],
  },
  'POST /exchange/evidence': {
    tag: 'exchange',
    summary: 'What the log says of the exchanges with the member that asks, proven; sealed both ways',
    body: { schema: 'Jose', types: [JOSE] },
    answers: { 200: [JOSE, 'Jose'] },
    errors: ['evidence-invalid', 'not-ready', 'audit-unavailable'],
  },

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
