import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Publisher } from '../publish/publish-documents.ts'
import type { ClinicalGrant } from './his-routes.ts'

/** Bytes of the largest submission taken: documents of 9 MB in all, in base64, with what describes them. */
export const SUBMISSION_LIMIT = 12 * 1024 * 1024

/** Where a HIS pushes documents: IHE MHD, Provide Document Bundle (ITI-65) and Simplified Publish (ITI-105). */
export function publishRoutes(
  app: FastifyInstance,
  deps: {
    publisher: Publisher
    authoriseClinical: (request: FastifyRequest, scope: string) => Promise<ClinicalGrant>
  },
): void {
  void app.register(async (scope) => {
    const grants = new WeakMap<FastifyRequest, ClinicalGrant>()
    // Before the body is read: nobody makes the broker hold megabytes without a token.
    scope.addHook('onRequest', async (request) => {
      grants.set(request, await deps.authoriseClinical(request, 'system/DocumentReference.c'))
    })
    scope.removeContentTypeParser(['application/json', 'application/fhir+json'])
    // What is stored is committed to: it must be readable in one way only.
    scope.addContentTypeParser(
      ['application/json', 'application/fhir+json'],
      { parseAs: 'buffer', bodyLimit: SUBMISSION_LIMIT },
      (_request, body, done) => {
        try {
          done(null, parseStrictJson(body as Buffer))
        } catch (error) {
          done(error as Error)
        }
      },
    )
    const by = (request: FastifyRequest) => grants.get(request) as ClinicalGrant

    // The base of a server is written with and without a slash behind it.
    for (const base of ['/fhir', '/fhir/'])
      scope.post(base, { bodyLimit: SUBMISSION_LIMIT }, async (request, reply) =>
        reply.type('application/fhir+json').send(await deps.publisher.provide(request.body, by(request))),
      )

    scope.post('/fhir/DocumentReference', { bodyLimit: SUBMISSION_LIMIT }, async (request, reply) => {
      const { location, resource } = await deps.publisher.publish(request.body, by(request))
      reply.status(201).header('location', location)
      if (/(?:^|[,;])\s*return\s*=\s*"?minimal/i.test(String(request.headers.prefer))) return reply.send()
      return reply.type('application/fhir+json').send(resource)
    })
  })
}
