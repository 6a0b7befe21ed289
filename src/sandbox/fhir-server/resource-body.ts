import { isResourceType } from '../../domain/consent/resource-types.ts'
import { isObject } from './json.ts'
import type { Resource } from './medplum-types.ts'
import { invalid } from './outcomes.ts'
import { isId } from './references.ts'

/**
 * What a client sent, as a resource of the type in its URL. Only the frame is checked, not the profile: a hospital's
 * server accepts much that a validator would not, and so does this one.
 * @throws OperationOutcomeError (400)
 */
export function readResourceBody(body: unknown, type: string | undefined, id?: string): Resource {
  if (!isObject(body)) throw invalid('The body must be a FHIR resource in JSON')
  if (!isResourceType(type)) throw invalid(`There is no resource type "${type}" in R4`)
  if (body.resourceType !== type) throw invalid(`The body must be of type ${type}, as the URL says`)
  if (body.meta !== undefined && !isObject(body.meta)) throw invalid('meta must be an object')
  if (body.id !== undefined && typeof body.id !== 'string') throw invalid('id must be a string')
  if (id !== undefined && body.id !== id) throw invalid('The id in the body must be the id in the URL')
  if (id !== undefined && !isId(id)) throw invalid('An id has 1 to 64 letters, digits, hyphens and dots')
  return body as unknown as Resource
}
