import type { Operation } from '../operation.ts'
import { json, jsonBody, REPORT, REPORT_QUERY } from '../parts.ts'

const ANYTHING = { 200: json('Anything') } as const

const FILTER: [string, string][] = [
  ['kind', 'kinds of line, with commas between'],
  ['outcome', '0, 4, 8 or 12'],
  ['purpose', 'v3 PurposeOfUse'],
  ['from', 'day in UTC, or instant'],
  ['to', 'the same, included'],
  ['of', 'reference of this session to a patient, a consent or a request'],
  ['with', 'reference of this session to an organisation'],
  ['gaps', 'yes: lines of exchanges that the other side’s word does not match'],
  ['sort', 'date or -date'],
]

const asked = (summary: string, more: Partial<Operation> = {}): Operation => ({
  ...{ tag: 'console', summary, needs: 'console', answers: ANYTHING },
  ...more,
})

const signing = (summary: string, answers: Operation['answers']): Operation => ({
  ...{ tag: 'console', summary, body: jsonBody('Anything'), answers },
  errors: ['cross-site-refused', 'sign-in-refused', 'audit-unavailable'],
})

const operator = { tag: 'console', needs: 'system/operator' } as const

/** The console. */
export const CONSOLE: Readonly<Record<string, Operation>> = {
  'POST /console/api/invitation': signing('What a browser needs to make a passkey', ANYTHING),
  'POST /console/api/invitation/passkey': signing('Take the passkey, and sign in', { 204: null }),
  'POST /console/api/sign-in/challenge': {
    tag: 'console',
    summary: 'What a browser needs to ask for a passkey',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: ANYTHING,
    errors: ['cross-site-refused'],
  },
  'POST /console/api/sign-in': signing('Sign in by passkey', { 204: null }),
  'POST /console/api/sign-out': {
    tag: 'console',
    summary: 'End the session',
    body: { ...jsonBody('Anything'), isOptional: true },
    answers: { 204: null },
    errors: ['cross-site-refused'],
  },
  'GET /console/api/session': asked('Who is signed in, as what, and until when'),
  'GET /console/api/overview': asked('What happened, by day, and how the broker is', {
    query: [['days', 'how many, up to 90; 14 unless given']],
  }),
  'GET /console/api/events': asked('A page of the trail, which names no patient', {
    query: [...FILTER, ['page', 'from `next`']],
    errors: ['unsupported-parameter', 'reference-unknown', 'not-ready'],
  }),
  'GET /console/api/events/export': asked('All lines of a filter', {
    query: [...FILTER, ['format', 'csv or json']],
    answers: { 200: [['application/json', 'text/csv'], 'Anything'] },
    errors: ['unsupported-parameter', 'reference-unknown', 'not-ready'],
  }),
  'GET /console/api/members': asked('Members, and how it stands with each'),
  'GET /console/api/reports/:name': asked('A report', {
    query: [...REPORT_QUERY, ['of', 'reference of this session to a patient']],
    answers: REPORT.answers,
    errors: [...REPORT.errors, 'reference-unknown'],
  }),
  'POST /console/api/look-ups': asked('Look a person up by an identifier, with a reason', {
    body: jsonBody('Anything'),
    errors: ['not-available', 'resolution-reason', 'identifier-invalid', 'identifier-system-unknown'],
  }),
  'POST /console/api/resolutions': asked('Find out whose handle it is, with a reason', {
    body: jsonBody('Anything'),
    errors: ['not-available', 'resolution-reason'],
  }),
  'GET /console/api/searches': asked('Your saved searches'),
  'POST /console/api/searches': asked('Save a search', {
    body: jsonBody('Anything'),
    answers: { 201: json('Anything') },
    errors: ['unsupported-parameter', 'reference-unknown'],
  }),
  'DELETE /console/api/searches/:id': asked('Remove a saved search', {
    answers: { 204: null },
    errors: ['saved-search-unknown'],
  }),
  'GET /console/api/holds': asked('Legal holds'),
  'POST /console/api/holds': asked('Place a legal hold', {
    body: jsonBody('Anything'),
    answers: { 201: json('Anything') },
    errors: ['reference-unknown'],
  }),
  'POST /console/api/holds/:id/lifting': asked('Lift a legal hold, or ask for it', {
    body: jsonBody('Anything'),
    errors: ['hold-unknown', 'hold-lifted', 'second-person-needed'],
  }),
  'GET /operator/console/people': { ...operator, summary: 'Who may use the console', answers: ANYTHING },
  'POST /operator/console/people': {
    ...operator,
    summary: 'Invite a person: a code that is good once, for 24 hours',
    body: jsonBody('Anything'),
    answers: { 201: json('Anything') },
  },
  'DELETE /operator/console/people/:id': {
    ...operator,
    summary: 'Remove a person: passkeys and sessions end at once',
    answers: { 204: null },
    errors: ['staff-unknown'],
  },
}
