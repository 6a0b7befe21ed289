import type { Operation } from '../operation.ts'
import { CHAIN, FORM, fhir, JOSE, json, jsonBody, RELEASE } from '../parts.ts'

/** Between two brokers. */
export const EXCHANGE: Readonly<Record<string, Operation>> = {
  'POST /exchange/token': {
    tag: 'exchange',
    summary: 'A token for one record, or for what is behind one share (private_key_jwt, DPoP)',
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
}
