import type { ApiResponse } from './api-types.ts'
import { isObject } from './json.ts'
import type { BundleEntry } from './medplum-types.ts'
import { invalid, notSupported } from './outcomes.ts'

/** One entry of a batch or transaction, its frame checked (FHIR R4 §3.1.0.11). `url` is relative to the base. */
export type Entry = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  url: string
  fullUrl?: string
  resource?: unknown
  ifMatch?: string
  ifNoneExist?: string
}

/** An interaction inside a bundle, for the access log. */
export type NoteAccess = (response: ApiResponse, method: string) => void

/** The answer of one interaction as an entry: a resource only where the interaction was to read. */
export function responseEntry({ status, outcome, resource, interaction }: ApiResponse): BundleEntry {
  const writes = ['create', 'update', 'delete'].includes(interaction)
  const { versionId, lastUpdated } = resource?.meta ?? {}
  return {
    ...(!writes && resource && { resource }),
    response: {
      status: String(status),
      ...(writes &&
        resource && { location: `${resource.resourceType}/${resource.id}/_history/${versionId}` }),
      ...(versionId !== undefined && { etag: `W/"${versionId}"` }),
      ...(lastUpdated !== undefined && { lastModified: lastUpdated }),
      ...(!resource && { outcome }),
    },
  }
}

/** @throws OperationOutcomeError (400) */
export function readEntry(entry: unknown, index: number, base: string): Entry {
  const request = isObject(entry) ? entry.request : undefined
  if (!isObject(entry) || !isObject(request)) throw invalid(`Bundle.entry[${index}] has no request`)
  const { method, url, ...conditions } = request
  if (typeof url !== 'string') throw invalid(`Bundle.entry[${index}].request.url must be a string`)
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST' && method !== 'PUT' && method !== 'DELETE') {
    throw invalid(`Bundle.entry[${index}].request.method must be GET, POST, PUT or DELETE`)
  }
  if (conditions.ifNoneMatch !== undefined && method !== 'GET') {
    throw notSupported(`Bundle.entry[${index}]: ifNoneMatch is for reads`)
  }
  const read: Entry = {
    method,
    url: (url.startsWith(base) ? url.slice(base.length) : url).replace(/^\//, ''),
  }
  for (const name of ['ifMatch', 'ifNoneExist'] as const) {
    const value = conditions[name]
    if (value === undefined) continue
    if (typeof value !== 'string') throw invalid(`Bundle.entry[${index}].request.${name} must be a string`)
    read[name] = value
  }
  if (typeof entry.fullUrl === 'string') read.fullUrl = entry.fullUrl
  if (entry.resource !== undefined) read.resource = entry.resource
  return read
}
