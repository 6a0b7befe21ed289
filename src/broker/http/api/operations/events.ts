import type { Operation } from '../operation.ts'
import { fhir, fhirBody, json, KEYED, VERSIONED } from '../parts.ts'

/** Hearing of changes of consents. */
export const EVENTS: Readonly<Record<string, Operation>> = {
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
}
