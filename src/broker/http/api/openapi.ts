import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { ERRORS, type ErrorCode } from '../../../domain/errors.ts'
import { toOAuthError } from '../../../exchange/oauth-error.ts'
import { isForDevices } from '../page-origins.ts'
import { type Operation, TAGS } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { SCHEMAS } from './schemas.ts'

/** What any route may refuse with, and any that takes a body, or a token: who comes by one is in the trail. */
const ANY = ['request-invalid', 'rate-limited', 'internal'] as const
const WITH_BODY = ['malformed-json', 'body-too-large', 'content-type-unsupported'] as const
const WITH_TOKEN = [
  ...(['token-missing', 'token-invalid', 'token-expired'] as const),
  ...(['scope-insufficient', 'audit-unavailable'] as const),
] as const
const AT_CONSOLE = [
  'session-expired',
  'cross-site-refused',
  'role-insufficient',
  'audit-unavailable',
] as const
const WITH_SESSION = ['token-missing', 'session-expired', 'audit-unavailable'] as const

/**
 * Gives every route its schema out of {@link OPERATIONS}, serves the description made of them (OpenAPI 3.1) at
 * `/openapi.json`, and pages to read and try it at `/docs`, with nothing from elsewhere. Schemas describe: each handler checks
 * what it is sent, so that refusals are in the words of the error table.
 */
export async function describeApi(app: FastifyInstance): Promise<void> {
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  for (const [name, schema] of Object.entries(SCHEMAS)) app.addSchema({ $id: name, ...schema })
  app.addHook('onRoute', (route) => {
    const operation = OPERATIONS[`${String(route.method)} ${route.url}`]
    if (operation) route.schema = schemaOf(operation, route)
    // Pages, and what they are made of.
    else if (/^\/(docs|console)/.test(route.url)) route.schema = { ...route.schema, hide: true }
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Wayleave broker',
        version: '0.1.0',
        description: 'What a hospital’s programs, patients’ devices and other brokers ask of a broker.',
        license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
      },
      tags: TAGS.map(({ name, description }) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'From /auth/token, with the scope that the operation names',
          },
          session: {
            type: 'http',
            scheme: 'bearer',
            description: 'A patient’s session, from /patient/session',
          },
          console: {
            type: 'apiKey',
            in: 'cookie',
            name: 'wayleave-console-<member>',
            description: 'The session of a person who signed in at the console',
          },
          dpop: {
            type: 'http',
            scheme: 'DPoP',
            description: 'From /exchange/token, with a proof (RFC 9449)',
          },
        },
      },
    },
    refResolver: { buildLocalReference: ({ $id }) => (typeof $id === 'string' ? $id : '') },
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  app.get('/openapi.json', () => app.swagger())
}

function schemaOf(operation: Operation, route: RouteOptions): FastifySchema {
  const { tag, summary, needs, body, query = [], answers } = operation
  const names = [...route.url.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  if (route.url.endsWith('*')) names.push('*')
  const text = { type: 'string' }
  const security = securityOf(needs)
  return {
    tags: [tag],
    summary,
    ...(needs?.startsWith('system/') ? { description: `Scope: ${needs}` } : {}),
    ...(security ? { security: [{ [security]: [] }] } : {}),
    ...(names.length > 0
      ? { params: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, text])) } }
      : {}),
    ...(query.length > 0
      ? {
          querystring: {
            type: 'object',
            properties: Object.fromEntries(
              query.map(([name, description]) => [name, { ...text, description }]),
            ),
          },
        }
      : {}),
    ...(body ? { consumes: [...body.types], body: { $ref: `${body.schema}#` } } : {}),
    response: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
      ...refusalsOf(operation, route),
    },
  }
}

const securityOf = (needs: string | undefined) =>
  needs === undefined || ['session', 'dpop', 'console'].includes(needs) ? needs : 'bearer'

function answerOf(answer: Operation['answers'][number]) {
  if (!answer) return { description: 'Done; nothing more to say', type: 'null' }
  const [types, schema] = answer
  const content = [types].flat().map((type) => [type, { schema: { $ref: `${schema}#` } }])
  return { description: schema, content: Object.fromEntries(content) }
}

/** By status, the codes that it may be answered with. */
function refusalsOf({ needs, errors = [], answers }: Operation, route: RouteOptions) {
  const isOAuth = route.config?.errors === 'oauth'
  const codes = new Set<ErrorCode>([
    ...ANY,
    // Whatever may carry a body is refused for it, wanted or not.
    ...(['POST', 'PUT'].includes(String(route.method)) ? WITH_BODY : []),
    ...(needs === 'console' ? AT_CONSOLE : needs === 'session' ? WITH_SESSION : needs ? WITH_TOKEN : []),
    // A browser names the page that a call comes from.
    ...(isForDevices(route.url) ? (['origin-refused'] as const) : []),
    ...errors,
  ])
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const status = isOAuth ? toOAuthError(code).status : ERRORS[code].status
    if (!(status in answers)) byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const [type, schema] = isOAuth
    ? ['application/json', 'OAuthError']
    : ['application/fhir+json', 'OperationOutcome']
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      { description: named.join(', '), content: { [type]: { schema: { $ref: `${schema}#` } } } },
    ]),
  )
}
