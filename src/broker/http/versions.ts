import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Resource } from 'fhir/r4.js'
import { wayleaveError } from '../../domain/errors.ts'

type Versioned<T extends Resource> = T & { meta: { versionId: string } }

/**
 * A resource that is made anew for each answer, with the version that its content makes: `meta.versionId` is a digest of it
 * (FHIR R4 §2.27.1). There are no older versions to read: what was so before is in the audit trail.
 */
export function withVersion<T extends Resource>(resource: T): Versioned<T> {
  const digest = createHash('sha256').update(canonicalize(resource) ?? '')
  const versionId = digest.digest('hex').slice(0, 32)
  return { ...resource, meta: { ...resource.meta, versionId } }
}

/** FHIR's version as an entity tag: weak, since the bytes of one version may differ (FHIR R4 §3.1.0.1). */
const etagOf = (resource: Versioned<Resource>): string => `W/"${resource.meta.versionId}"`

/** Answers with a resource and its ETag; 304 where the caller has that version (FHIR R4 §3.1.0.1.1, `If-None-Match`). */
export function sendVersion(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Versioned<Resource>,
): FastifyReply {
  reply.header('etag', etagOf(resource))
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && names(request.headers['if-none-match'], resource)) return reply.status(304).send()
  return reply.type('application/fhir+json').send(resource)
}

/**
 * Holds a change to the version that its caller has seen (FHIR R4 §3.1.0.5, "Managing Resource Contention").
 * @throws WayleaveError `version-conflict` where `If-Match` names another one, or nothing that is an entity tag
 */
export function assertMatch(request: FastifyRequest, resource: Versioned<Resource>): void {
  const given = request.headers['if-match']
  if (given !== undefined && !names(given, resource)) throw wayleaveError('version-conflict')
}

/** Whether a list of entity tags names this version, or any; compared weakly (RFC 9110 §8.8.3.2). */
function names(given: string | undefined, resource: Versioned<Resource>): boolean {
  if (given === undefined) return false
  if (given.trim() === '*') return true
  return given
    .split(',')
    .some((tag) => /^(?:W\/)?"([^"]*)"$/.exec(tag.trim())?.[1] === resource.meta.versionId)
}
