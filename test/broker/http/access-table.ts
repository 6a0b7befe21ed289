import type { ErrorCode } from '../../../src/domain/errors.ts'

/**
 * Who may call what, written down by hand from what each endpoint is for, and never taken from the broker's own table: what
 * that says is what is tried against this.
 */

/** Who calls, at the hospital whose broker is called. */
export const OWN_CALLERS = [
  'nobody',
  'HIS',
  'registrar',
  'auditor',
  'client administrator',
  'operator',
  'removed program',
  'expired token',
  'auditor at the console',
  'compliance at the console',
  'removed from the console',
  'another patient',
  'patient',
  'member for a record',
  'member for a record, by another key',
  'member for a share',
  'member for a share, by another key',
] as const

/** Who calls with what another hospital's broker gave them. */
export const FOREIGN_CALLERS = [
  'HIS',
  'registrar',
  'auditor',
  'client administrator',
  'operator',
  'compliance at the console',
  'patient',
  'member for a record',
  'member for a share',
] as const

export type CallerName = (typeof OWN_CALLERS)[number]

/** Let in, or refused with this code. */
type Word = 'in' | ErrorCode
type Words = Readonly<Record<CallerName, Word>>
export type Door = { own: Words; foreign: Readonly<Record<(typeof FOREIGN_CALLERS)[number], Word>> }

const everybody = Object.fromEntries(OWN_CALLERS.map((caller) => [caller, 'in'])) as Words

/** A token of this broker's for a program that has the scope; it comes as a bearer token. */
const noProgram: Words = {
  nobody: 'token-missing',
  'auditor at the console': 'token-missing',
  'compliance at the console': 'token-missing',
  'removed from the console': 'token-missing',
  HIS: 'scope-insufficient',
  registrar: 'scope-insufficient',
  auditor: 'scope-insufficient',
  'client administrator': 'scope-insufficient',
  operator: 'scope-insufficient',
  'removed program': 'token-invalid',
  'expired token': 'token-expired',
  'another patient': 'token-invalid',
  patient: 'token-invalid',
  'member for a record': 'token-missing',
  'member for a record, by another key': 'token-missing',
  'member for a share': 'token-missing',
  'member for a share, by another key': 'token-missing',
}
const noForeignProgram: Door['foreign'] = {
  HIS: 'token-invalid',
  registrar: 'token-invalid',
  auditor: 'token-invalid',
  'client administrator': 'token-invalid',
  operator: 'token-invalid',
  'compliance at the console': 'token-missing',
  patient: 'token-invalid',
  'member for a record': 'token-missing',
  'member for a share': 'token-missing',
}
/** The removed program never had these scopes, and hears of that first. */
const notForPrograms: Words = { ...noProgram, 'removed program': 'scope-insufficient' }

/** A session of a patient of this hospital; whatever else comes as a bearer token is no session. */
const noSession: Words = {
  nobody: 'token-missing',
  'auditor at the console': 'token-missing',
  'compliance at the console': 'token-missing',
  'removed from the console': 'token-missing',
  HIS: 'session-expired',
  registrar: 'session-expired',
  auditor: 'session-expired',
  'client administrator': 'session-expired',
  operator: 'session-expired',
  'removed program': 'session-expired',
  'expired token': 'session-expired',
  'another patient': 'session-expired',
  patient: 'session-expired',
  'member for a record': 'token-missing',
  'member for a record, by another key': 'token-missing',
  'member for a share': 'token-missing',
  'member for a share, by another key': 'token-missing',
}
const noForeignSession: Door['foreign'] = {
  HIS: 'session-expired',
  registrar: 'session-expired',
  auditor: 'session-expired',
  'client administrator': 'session-expired',
  operator: 'session-expired',
  'compliance at the console': 'token-missing',
  patient: 'session-expired',
  'member for a record': 'token-missing',
  'member for a share': 'token-missing',
}

/** A DPoP-bound token of this broker's for this record or for what is behind a share, with a proof by the key that it is bound to. */
const noMember: Words = {
  nobody: 'token-missing',
  'auditor at the console': 'token-missing',
  'compliance at the console': 'token-missing',
  'removed from the console': 'token-missing',
  HIS: 'token-missing',
  registrar: 'token-missing',
  auditor: 'token-missing',
  'client administrator': 'token-missing',
  operator: 'token-missing',
  'removed program': 'token-missing',
  'expired token': 'token-missing',
  'another patient': 'token-missing',
  patient: 'token-missing',
  'member for a record': 'token-invalid',
  'member for a record, by another key': 'token-invalid',
  'member for a share': 'token-invalid',
  'member for a share, by another key': 'token-invalid',
}
const noForeignMember: Door['foreign'] = {
  HIS: 'token-missing',
  registrar: 'token-missing',
  auditor: 'token-missing',
  'client administrator': 'token-missing',
  operator: 'token-missing',
  'compliance at the console': 'token-missing',
  patient: 'token-missing',
  'member for a record': 'token-invalid',
  'member for a share': 'token-invalid',
}

/** A session at this hospital's console; no token is looked at. */
const noStaff = Object.fromEntries(OWN_CALLERS.map((caller) => [caller, 'session-expired'])) as Words
const noForeignStaff = Object.fromEntries(
  FOREIGN_CALLERS.map((caller) => [caller, 'session-expired']),
) as Door['foreign']

/** What a page of the console asks before anybody has signed in: of nobody else's page. */
const fromConsole = Object.fromEntries(
  OWN_CALLERS.map((caller) => [caller, caller.endsWith('the console') ? 'in' : 'cross-site-refused']),
) as Words
const fromForeignConsole = Object.fromEntries(
  FOREIGN_CALLERS.map((caller) => [caller, 'cross-site-refused']),
) as Door['foreign']

const DOORS = {
  everybody: { own: everybody, foreign: everybody },
  HIS: { own: { ...noProgram, HIS: 'in' }, foreign: noForeignProgram },
  registrar: { own: { ...noProgram, registrar: 'in' }, foreign: noForeignProgram },
  auditor: { own: { ...noProgram, auditor: 'in' }, foreign: noForeignProgram },
  'case worker': { own: { ...noProgram, auditor: 'in' }, foreign: noForeignProgram },
  'HIS or auditor': { own: { ...noProgram, HIS: 'in', auditor: 'in' }, foreign: noForeignProgram },
  'client administrator': {
    own: { ...notForPrograms, 'client administrator': 'in' },
    foreign: noForeignProgram,
  },
  'privacy officer': { own: { ...notForPrograms, auditor: 'in' }, foreign: noForeignProgram },
  operator: { own: { ...notForPrograms, operator: 'in' }, foreign: noForeignProgram },
  'console page': { own: fromConsole, foreign: fromForeignConsole },
  staff: {
    own: { ...noStaff, 'auditor at the console': 'in', 'compliance at the console': 'in' },
    foreign: noForeignStaff,
  },
  'compliance officer': {
    own: { ...noStaff, 'auditor at the console': 'role-insufficient', 'compliance at the console': 'in' },
    foreign: noForeignStaff,
  },
  patient: { own: { ...noSession, patient: 'in', 'another patient': 'in' }, foreign: noForeignSession },
  record: {
    own: {
      ...noMember,
      'member for a record': 'in',
      'member for a record, by another key': 'token-wrong-key',
      'member for a share': 'in',
      'member for a share, by another key': 'token-wrong-key',
    },
    foreign: noForeignMember,
  },
  share: {
    own: { ...noMember, 'member for a share': 'in', 'member for a share, by another key': 'token-wrong-key' },
    foreign: noForeignMember,
  },
} as const satisfies Record<string, Door>

/** What there is at a hospital to ask for: ids of its own, and of what the other one shares with it. */
export type Place = {
  /** A record that the other hospital shares, as this one's HIS knows it. */
  record: string
  /** A Consent that this hospital's HIS has filed for its patient. */
  consent: string
  proposal: string
  /** One of this hospital's own records, and a share of it, as the other member asks for them. */
  tag: string
  reference: string
  /** Of the patient whose record the other hospital shares, and of that hospital: system|value. */
  person: string
  custodian: string
}

type Ask = { query?: Record<string, string>; type?: string; body?: string; params?: Record<string, string> }
/** What whoever is let in is answered: a status, or a code; another patient may be answered otherwise. */
type Answer = number | ErrorCode
export type Row = {
  door: Door
  ask: (place: Place) => Ask
  answer: Answer
  anotherPatient?: Answer
}

const row = (door: keyof typeof DOORS, answer: Answer, ask: Row['ask'] | Ask = {}, more: Partial<Row> = {}) =>
  ({ door: DOORS[door], answer, ask: typeof ask === 'function' ? ask : () => ask, ...more }) satisfies Row

const FORM = 'application/x-www-form-urlencoded'
const JOSE = 'application/jose'
const json = (body: unknown = {}): Ask => ({ type: 'application/json', body: JSON.stringify(body) })
const fhir = (body: unknown = {}): Ask => ({ type: 'application/fhir+json', body: JSON.stringify(body) })
const unknown = (id = 'unknown') => ({ params: { id } })
const whose = ({ person, custodian }: Place) => ({
  'patient.identifier': person,
  'custodian.identifier': custodian,
})
const task = unknown('ab'.repeat(32))

/** Every endpoint: who comes in, and what they are answered there. */
export const ACCESS: Readonly<Record<string, Row>> = {
  'GET /fhir/.well-known/smart-configuration': row('everybody', 200),
  'GET /.well-known/oauth-authorization-server': row('everybody', 200),
  'GET /.well-known/jwks.json': row('everybody', 200),
  'GET /fhir/metadata': row('everybody', 200),
  'GET /cds-services': row('everybody', 200),
  'GET /openapi.json': row('everybody', 200),
  'GET /health': row('everybody', 200),
  'GET /ready': row('everybody', 200),
  'POST /hooks/fhir': row('everybody', 200),
  'PUT /hooks/fhir/*': row('everybody', 200, { params: { '*': 'Condition/x' } }),
  'DELETE /hooks/fhir/*': row('everybody', 200, { params: { '*': 'Condition/x' } }),

  // These let nobody in by a token: what is sent is what counts, and nothing was.
  'POST /auth/token': row('everybody', 'grant-type-unsupported', { type: FORM, body: 'a=b' }),
  'POST /exchange/token': row('everybody', 'request-invalid', {
    type: FORM,
    body: 'grant_type=client_credentials',
  }),
  'POST /exchange/checkpoints': row('everybody', 'checkpoint-invalid', json({ checkpoints: ['x.y.z'] })),
  'POST /exchange/receipt': row('everybody', 'receipt-invalid', { type: JOSE, body: 'x.y.z' }),
  'POST /exchange/request': row('everybody', 'access-request-invalid', { type: JOSE, body: 'x.y.z' }),
  'POST /exchange/evidence': row('everybody', 'evidence-invalid', { type: JOSE, body: 'x.y.z' }),
  'POST /exchange/share': row('everybody', 'share-invalid', { type: JOSE, body: 'x.y.z' }),
  'GET /patient/enrolment/systems': row('everybody', 200),
  'POST /patient/enrolment/requests': row('everybody', 'identifier-invalid', json()),
  'POST /patient/enrolment/offer': row('everybody', 'enrolment-code-wrong', json()),
  'POST /patient/enrolment': row('everybody', 'enrolment-code-wrong', json()),
  'POST /patient/recovery/offer': row('everybody', 'enrolment-code-wrong', json()),
  'POST /patient/recovery': row('everybody', 'enrolment-code-wrong', json()),
  'POST /patient/challenge': row('everybody', 'signer-unknown', json()),
  'POST /patient/session': row('everybody', 'signer-unknown', json()),
  'POST /relay': row('everybody', 'typed-data-invalid', json()),

  'POST /auth/clients': row('client administrator', 'client-metadata-invalid', json()),
  'GET /auth/clients': row('client administrator', 200),
  'GET /auth/clients/:id': row('client administrator', 'client-unknown', unknown()),
  'PUT /auth/clients/:id': row('client administrator', 'client-metadata-invalid', {
    ...unknown(),
    ...json(),
  }),
  'DELETE /auth/clients/:id': row('client administrator', 'client-unknown', unknown()),

  'GET /fhir/DocumentReference': row('HIS', 200, ({ person }) => ({
    query: { 'patient.identifier': person },
  })),
  'POST /fhir/DocumentReference/_search': row('HIS', 200, ({ person }) => ({
    type: FORM,
    body: new URLSearchParams({ 'patient.identifier': person }).toString(),
  })),
  'GET /fhir/Binary/:id': row('HIS', 200, ({ record }) => unknown(record)),
  'GET /fhir/Binary/:id/attachment/:number': row('HIS', 'not-available', ({ record }) => ({
    params: { id: record, number: '7' },
  })),
  'GET /fhir/Provenance/:id': row('HIS', 'not-available', unknown()),
  'GET /shared/fhir/:type': row('HIS', 200, (place) => ({
    params: { type: 'Condition' },
    query: whose(place),
  })),
  'POST /shared/fhir/:type/_search': row('HIS', 200, (place) => ({
    params: { type: 'Condition' },
    type: FORM,
    body: new URLSearchParams(whose(place)).toString(),
  })),
  'POST /fhir': row('HIS', 'document-invalid', fhir()),
  'POST /fhir/': row('HIS', 'document-invalid', fhir()),
  'POST /fhir/DocumentReference': row('HIS', 'request-invalid', fhir()),
  'GET /fhir/Patient/$everything': row('HIS', 200, ({ person }) => ({ query: { identifier: person } })),
  'POST /fhir/Patient/$everything': row('HIS', 'request-invalid', fhir()),
  'GET /fhir/Patient/:id/$everything': row('HIS', 200, unknown('one')),
  'POST /fhir/Patient/:id/$everything': row('HIS', 200, unknown('one')),
  'GET /fhir/Patient/$summary': row('HIS', 200, ({ person }) => ({ query: { identifier: person } })),
  'POST /fhir/Patient/$summary': row('HIS', 'request-invalid', fhir()),
  'GET /fhir/Patient/:id/$summary': row('HIS', 200, unknown('one')),
  'POST /fhir/Patient/:id/$summary': row('HIS', 200, unknown('one')),

  'GET /fhir/Consent': row('HIS', 200, { query: { patient: 'Patient/one' } }),
  'GET /fhir/Consent/:id': row('HIS', 200, ({ consent }) => unknown(consent)),
  'POST /fhir/Consent': row('HIS', 'consent-unenforceable', fhir()),
  'POST /fhir/Consent/$fileConsent': row('HIS', 'consent-unenforceable', fhir()),
  'PUT /fhir/Consent/:id': row('HIS', 'consent-unknown', { ...unknown(), ...fhir() }),
  'DELETE /fhir/Consent/:id': row('HIS', 'consent-unknown', unknown()),
  'POST /fhir/Consent/:id/$revokeConsent': row('HIS', 'consent-unknown', unknown()),
  'POST /fhir/Consent/$explain': row('HIS', 'request-invalid', fhir()),
  'POST /fhir/Consent/$preview': row('HIS', 'request-invalid', fhir()),
  'POST /cds-services/patient-consent-consult': row('HIS', 'request-invalid', json()),

  'POST /fhir/Task': row('HIS', 'request-invalid', fhir()),
  'GET /fhir/Task': row('HIS', 200),
  'GET /fhir/Task/:id': row('HIS', 'task-unknown', task),
  'POST /fhir/Task/:id/$approve': row('HIS', 'task-unknown', task),
  'POST /fhir/Task/:id/$reject': row('HIS', 'task-unknown', task),

  'POST /fhir/Subscription': row('HIS or auditor', 'subscription-invalid', fhir()),
  'GET /fhir/Subscription': row('HIS or auditor', 200),
  'GET /fhir/Subscription/:id': row('HIS or auditor', 'subscription-unknown', unknown()),
  'DELETE /fhir/Subscription/:id': row('HIS or auditor', 'subscription-unknown', unknown()),
  'GET /events': row('HIS', 200),
  'GET /events/:id': row('HIS', 'event-unknown', unknown()),

  'GET /audit/proofs/:id': row('auditor', 'not-found', unknown()),
  'GET /audit/unmatched': row('auditor', 200),
  'GET /audit/events': row('auditor', 200),
  'GET /audit/holds': row('auditor', 200),
  'POST /audit/holds': row('auditor', 'request-invalid', json()),
  'POST /audit/holds/:id/lifting': row('auditor', 'request-invalid', {
    ...unknown(),
    ...json(),
  }),
  'GET /fhir/AuditEvent': row('auditor', 200),
  'GET /fhir/AuditEvent/:id': row('auditor', 'audit-event-unknown', unknown()),
  'POST /fhir/AuditEvent/_search': row('auditor', 200, ({ person }) => ({
    type: FORM,
    body: new URLSearchParams({ 'patient.identifier': person }).toString(),
  })),
  'GET /reports/:name': row('auditor', 200, { params: { name: 'refusals' } }),
  'POST /reports/:name': row('auditor', 200, ({ person }) => ({
    params: { name: 'disclosures' },
    type: FORM,
    body: new URLSearchParams({ 'patient.identifier': person }).toString(),
  })),
  'POST /console/api/invitation': row('console page', 'sign-in-refused', json({ code: 'unknown' })),
  'POST /console/api/invitation/passkey': row('console page', 'sign-in-refused', json({ code: 'unknown' })),
  'POST /console/api/sign-in/challenge': row('console page', 200, json()),
  'POST /console/api/sign-in': row('console page', 'sign-in-refused', json()),
  // What is well-formed would end the sessions of this table's other rows; whom it ends, the console's own tests say.
  'POST /console/api/sign-out': row('everybody', 'malformed-json', { type: 'application/json', body: '{' }),
  'GET /console/api/session': row('staff', 200),
  'GET /console/api/overview': row('staff', 200),
  'GET /console/api/events': row('staff', 200),
  'GET /console/api/events/export': row('staff', 200, { query: { format: 'csv', kind: 'alarm' } }),
  'GET /console/api/members': row('staff', 200),
  'GET /console/api/reports/:name': row('staff', 200, { params: { name: 'refusals' } }),
  'POST /console/api/look-ups': row('compliance officer', 'resolution-reason', ({ person }) =>
    json({ identifier: person }),
  ),
  'POST /console/api/resolutions': row('compliance officer', 'request-invalid', json()),
  'GET /console/api/searches': row('compliance officer', 200),
  'POST /console/api/searches': row('compliance officer', 'request-invalid', json()),
  'DELETE /console/api/searches/:id': row('compliance officer', 'saved-search-unknown', unknown()),
  'GET /console/api/holds': row('compliance officer', 200),
  'POST /console/api/holds': row('compliance officer', 'request-invalid', json()),
  'POST /console/api/holds/:id/lifting': row('compliance officer', 'request-invalid', {
    ...unknown(),
    ...json(),
  }),
  'GET /operator/console/people': row('operator', 200),
  'POST /operator/console/people': row('operator', 'request-invalid', json()),
  'DELETE /operator/console/people/:id': row('operator', 'staff-unknown', unknown()),

  'POST /audit/reconciliations': row('auditor', 202, json({ members: 'none' })),
  'GET /audit/reconciliations/:id': row('auditor', 'not-found', unknown()),
  'POST /audit/evidence': row('auditor', 'request-invalid', json()),
  // A program that may, and that names no person.
  'POST /audit/resolutions': row('privacy officer', 'user-missing', json()),

  'GET /registrar/enrolments': row('registrar', 200),
  'POST /registrar/enrolments/:id/rejection': row('registrar', 'not-available', unknown()),
  'GET /cases': row('case worker', 200),
  'POST /cases/:id/answer': row('case worker', 'request-invalid', { ...unknown(), ...json() }),

  'POST /registrar/enrolments': row('registrar', 'identifier-invalid', json()),
  'POST /registrar/enrolments/:id/confirmation': row('registrar', 'not-available', unknown()),
  'POST /registrar/recoveries': row('registrar', 'identifier-invalid', json()),
  'GET /registrar/recoveries/:id': row('registrar', 'not-available', unknown()),
  'POST /registrar/recoveries/:id/confirmation': row('registrar', 'not-available', unknown()),
  'POST /registrar/recoveries/:id/cancellation': row('registrar', 'not-available', unknown()),
  'GET /registrar/identity-events': row('registrar', 200),
  'GET /registrar/identity-events/:id': row('registrar', 'identity-event-unknown', unknown()),
  'POST /registrar/identity-events/:id/confirmation': row('registrar', 'identity-event-unknown', {
    ...unknown(),
    ...json({ reason: 'files-compared' }),
  }),
  'POST /registrar/identity-events/:id/rejection': row('registrar', 'identity-event-unknown', {
    ...unknown(),
    ...json({ reason: 'files-compared' }),
  }),

  'GET /patient/consents': row('patient', 200),
  'GET /patient/recovery': row('patient', 200),
  'GET /patient/delegates': row('patient', 200),
  // A patient of this hospital who helps nobody.
  'GET /patient/helping': row('patient', 'not-within-bounds'),
  'GET /patient/history': row('patient', 200),
  'GET /patient/notices': row('patient', 200),
  'POST /patient/notices/read': row('patient', 'request-invalid', json()),
  'GET /patient/preferences': row('patient', 200),
  'POST /patient/preferences': row('patient', 'request-invalid', json()),
  'GET /patient/cases': row('patient', 200),
  'POST /patient/cases': row('patient', 'request-invalid', json()),
  'POST /patient/cases/:id/withdrawal': row('patient', 'case-unknown', unknown()),
  // With a body it ends nothing: the sessions are wanted below.
  'POST /patient/session/end': row('patient', 'request-invalid', json({ session: 'this' })),
  'GET /patient/AuditEvent': row('patient', 200),
  'GET /patient/reports/:name': row('patient', 200, { params: { name: 'subject-access' } }),
  'POST /patient/explain': row('patient', 'request-invalid', json()),
  'POST /patient/preview': row('patient', 200, json()),
  'GET /patient/record': row('patient', 200),
  'GET /patient/proposals': row('patient', 200),
  // What waits for one patient's word is nothing to another one.
  'POST /patient/proposals/:id/refusal': row('patient', 204, ({ proposal }) => unknown(proposal), {
    anotherPatient: 'consent-unknown',
  }),
  'GET /patient/requests': row('patient', 200),
  'POST /patient/requests/:id/refusal': row('patient', 'task-unknown', task),

  'GET /exchange/record/:tag': row('record', 200, ({ tag }) => ({ params: { tag } })),
  'GET /exchange/record/:tag/content/:number': row('record', 'not-available', ({ tag }) => ({
    params: { tag, number: '0' },
  })),
  'GET /exchange/list/:reference': row('share', 200, ({ reference }) => ({ params: { reference } })),
  'POST /exchange/search/:reference': row('share', 200, ({ reference }) => ({
    params: { reference },
    ...json({ type: 'Condition', parameters: [] }),
  })),

  'POST /operator/reconciliations': row('operator', 202, json()),
  'GET /operator/reconciliations/:id': row('operator', 'not-found', unknown()),
}
