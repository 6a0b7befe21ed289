import type { Operation } from '../operation.ts'
import { FORM, json, jsonBody, KEYED } from '../parts.ts'

const CLIENT_ERRORS = ['user-missing', 'client-metadata-invalid'] as const

/** Tokens and programs (SMART Backend Services, RFC 6749, RFC 7591). */
export const TOKEN: Readonly<Record<string, Operation>> = {
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
}
