import type { Api, ApiResponse } from './api.ts'
import { isObject } from './json.ts'
import type { Bundle, BundleEntry } from './medplum-types.ts'
import { invalid } from './outcomes.ts'
import type { SqlRepository } from './repository.ts'
import { runTransaction } from './transaction.ts'

const MOST_ENTRIES = 5_000

/** One entry of a batch or transaction, its frame checked (FHIR R4 §3.1.0.11). `url` is relative to the base. */
export type Entry = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  url: string
  fullUrl?: string
  resource?: unknown
  ifMatch?: string
  ifNoneMatch?: string
  ifNoneExist?: string
}

/** An interaction inside a bundle, for the access log. */
export type NoteAccess = (response: ApiResponse, method: string) => void

/** Answers a bundle posted to the base. @throws OperationOutcomeError */
export async function runBundle(
  body: unknown,
  repository: SqlRepository,
  api: Api,
  note: NoteAccess,
): Promise<Bundle> {
  if (!isObject(body) || body['resourceType'] !== 'Bundle') throw invalid('The base takes a Bundle')
  const entries = body['entry'] ?? []
  if (!Array.isArray(entries)) throw invalid('Bundle.entry must be an array')
  if (entries.length > MOST_ENTRIES) throw invalid(`A bundle may have ${MOST_ENTRIES} entries`)
  const read = entries.map((entry, index) => readEntry(entry, index, repository.base))
  if (body['type'] === 'transaction') return runTransaction(read, repository, api, note)
  if (body['type'] === 'batch') return runBatch(read, repository, api, note)
  throw invalid('A Bundle for the base is a batch or a transaction')
}

async function runBatch(entries: readonly Entry[], repository: SqlRepository, api: Api, note: NoteAccess) {
  const answers: BundleEntry[] = []
  for (const entry of entries) {
    const response = await api.handle({ ...entry, body: entry.resource }, repository)
    note(response, entry.method)
    answers.push(responseEntry(response))
  }
  return { resourceType: 'Bundle', type: 'batch-response', entry: answers } satisfies Bundle
}

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

function readEntry(entry: unknown, index: number, base: string): Entry {
  const request = isObject(entry) ? entry['request'] : undefined
  if (!isObject(entry) || !isObject(request)) throw invalid(`Bundle.entry[${index}] has no request`)
  const { method, url, ...conditions } = request
  if (typeof url !== 'string') throw invalid(`Bundle.entry[${index}].request.url must be a string`)
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST' && method !== 'PUT' && method !== 'DELETE') {
    throw invalid(`Bundle.entry[${index}].request.method must be GET, POST, PUT or DELETE`)
  }
  const read: Entry = {
    method,
    url: (url.startsWith(base) ? url.slice(base.length) : url).replace(/^\//, ''),
  }
  for (const name of ['ifMatch', 'ifNoneMatch', 'ifNoneExist'] as const) {
    const value = conditions[name]
    if (value === undefined) continue
    if (typeof value !== 'string') throw invalid(`Bundle.entry[${index}].request.${name} must be a string`)
    read[name] = value
  }
  if (typeof entry['fullUrl'] === 'string') read.fullUrl = entry['fullUrl']
  if (entry['resource'] !== undefined) read.resource = entry['resource']
  return read
}
