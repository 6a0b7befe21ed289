/** Entries of a Bundle: what can be read of them, and what of them may be handed on beside the resource. */
import { isObject, type JsonObject, textOf } from '../fhir/read.ts'
import { isId } from './survey.ts'
import { readTarget } from './targets.ts'

/** Stands where an entry could not be read, such as one with a key that comes twice. */
export const UNREADABLE = Symbol('an entry that could not be read')

export type ReadEntry =
  | {
      readonly kind: 'resource'
      readonly resource: JsonObject
      readonly fullUrl?: string
      /** The base of its fullUrl where that is an address, without a trailing slash. */
      readonly base?: string
      readonly isInclude: boolean
    }
  /** The history's note that a resource was deleted. */
  | { readonly kind: 'deletion'; readonly type: string; readonly id: string; readonly base?: string }
  | { readonly kind: 'malformed'; readonly why: string }

const URN = /^urn:(?:uuid:[0-9a-fA-F-]{36}|oid:[0-2](?:\.\d+)+)$/
const malformed = (why: string): ReadEntry => ({ kind: 'malformed', why })

export function readEntry(entry: unknown, type: string): ReadEntry {
  if (entry === UNREADABLE) return malformed('a key that comes twice, or no JSON')
  if (!isObject(entry)) return malformed('no object')
  const { fullUrl, resource, search, request } = entry
  if (search !== undefined && !isObject(search)) return malformed('search')
  if (request !== undefined && !isObject(request)) return malformed('request')
  const method = request?.method
  if (resource === undefined) {
    if (type !== 'history' || method !== 'DELETE') return malformed('no resource')
    const target = readTarget(textOf(request?.url) ?? '')
    return target.kind === 'literal' ? { ...target, kind: 'deletion' } : malformed('request.url')
  }
  if (!isObject(resource)) return malformed('no resource')
  if (type === 'history' && method === 'DELETE') return malformed('deleted, and there')
  const mode = type === 'searchset' ? search?.mode : undefined
  if (mode === 'outcome' ? resource.resourceType !== 'OperationOutcome' : !MODES.has(mode))
    return malformed('search.mode')
  const named = readFullUrl(fullUrl, resource)
  if (typeof named === 'string') return malformed(named)
  return { kind: 'resource', resource, isInclude: mode === 'include', ...named }
}

const MODES: ReadonlySet<unknown> = new Set([undefined, 'match', 'include'])

/** An address agrees with the resource's own id (R4 §2.36.4); without any id, nobody could object to this resource. */
function readFullUrl(fullUrl: unknown, resource: JsonObject): { fullUrl?: string; base?: string } | string {
  const { resourceType, id } = resource
  const needsNoId = resourceType === 'Bundle' || resourceType === 'OperationOutcome'
  if (fullUrl === undefined) return isId(id) || needsNoId ? {} : 'no id'
  if (typeof fullUrl !== 'string') return 'fullUrl'
  if (URN.test(fullUrl)) return { fullUrl }
  const target = readTarget(fullUrl)
  if (target.kind !== 'literal' || target.base === undefined) return 'fullUrl'
  if (target.type !== resourceType || target.id !== id) return 'fullUrl of another resource'
  return { fullUrl, base: target.base }
}

/** Types of Bundle in which an entry bears what the server answered for it. */
const ANSWERING: ReadonlySet<string> = new Set(['history', 'batch-response', 'transaction-response'])
const METHODS: ReadonlySet<unknown> = new Set(['GET', 'POST', 'PUT', 'PATCH'])

/**
 * The entry with its resource and what R4 requires beside it, written anew: no score, no link, no extension, and of the
 * server's headers only those that are about this resource.
 */
export function releasedEntry(entry: JsonObject, read: ReadEntry, type: string, resource?: unknown): object {
  if (read.kind === 'deletion') {
    const url = `${read.type}/${read.id}`
    return { request: { method: 'DELETE', url }, response: responseOf(entry.response, url) }
  }
  if (read.kind !== 'resource') throw new TypeError('a malformed entry is never released')
  const own = `${textOf(read.resource.resourceType) ?? ''}/${textOf(read.resource.id) ?? ''}`
  const method = isObject(entry.request) && METHODS.has(entry.request.method) ? entry.request.method : 'PUT'
  return {
    ...(read.fullUrl === undefined ? {} : { fullUrl: read.fullUrl }),
    resource,
    ...(type === 'searchset' ? { search: { mode: read.isInclude ? 'include' : 'match' } } : {}),
    ...(type === 'history' ? { request: { method, url: method === 'POST' ? own.split('/')[0] : own } } : {}),
    ...(ANSWERING.has(type) ? { response: responseOf(entry.response, own) } : {}),
  }
}

const ETAG = /^(?:W\/)?"[A-Za-z0-9\-.]{1,64}"$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

function responseOf(response: unknown, own: string): object {
  const { status, location, etag, lastModified } = isObject(response) ? response : {}
  const target = readTarget(textOf(location) ?? '')
  const isOwn = target.kind === 'literal' && `${target.type}/${target.id}` === own
  return {
    status: /^[1-5]\d\d\b/.exec(textOf(status) ?? '')?.[0] ?? '200',
    ...(isOwn ? { location } : {}),
    ...(ETAG.test(textOf(etag) ?? '') ? { etag } : {}),
    ...(INSTANT.test(textOf(lastModified) ?? '') ? { lastModified } : {}),
  }
}

/** What goes out in place of a Bundle: requests answer to nobody, so they become a collection. */
const TYPES: Readonly<Record<string, string>> = {
  searchset: 'searchset',
  history: 'history',
  collection: 'collection',
  'batch-response': 'batch-response',
  'transaction-response': 'transaction-response',
  batch: 'collection',
  transaction: 'collection',
}

export const releasedType = (type: string): string | undefined =>
  Object.hasOwn(TYPES, type) ? TYPES[type] : undefined

/** Signed and read as a whole, so released whole or not at all. */
export const isWholeType = (type: unknown): boolean => type === 'document' || type === 'message'

/** A Bundle that somebody made and stored, rather than one in which a server answers. */
export const isStoredType = (type: unknown): boolean => isWholeType(type) || type === 'collection'

const WHOLE_FIELDS: ReadonlySet<string> = new Set(
  'resourceType id meta language identifier type timestamp entry signature'.split(' '),
)

/** What is wrong with a document or message that would be handed on as it is. */
export function wrongWithWhole(bundle: JsonObject): string | undefined {
  const field = Object.keys(bundle).find((key) => !WHOLE_FIELDS.has(key))
  if (field !== undefined) return `a document with ${field}`
  const entries = Array.isArray(bundle.entry) ? (bundle.entry as unknown[]) : []
  const isPlain = (entry: unknown) =>
    isObject(entry) && Object.keys(entry).every((key) => key === 'fullUrl' || key === 'resource')
  return entries.every(isPlain) ? undefined : 'a document with more than resources in an entry'
}
