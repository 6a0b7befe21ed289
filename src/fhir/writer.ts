import { Agent, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import { wayleaveError } from '../domain/errors.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import { isResourceId } from '../domain/records/resource-id.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'

type Resource = { readonly resourceType: string } & Readonly<Record<string, unknown>>

/** One entry of a transaction (FHIR R4 §3.1.0.11.2). */
export type Write =
  | { method: 'POST'; fullUrl: string; resource: Resource; ifNoneExist?: string }
  | { method: 'PUT'; id: string; resource: Resource; ifMatch: string }

/** What became of an entry. `location` is relative: `Type/id/_history/version`. */
export type Written = { status: string; location: string }

/** The hospital's own FHIR server, as its broker writes to it on behalf of a HIS. */
export type FhirWriter = {
  /**
   * All of it, or nothing. Resolves to what became of each, in order.
   * @throws WayleaveError `document-refused` where the server takes it not; `source-unavailable` where it does not answer:
   * then it may have been written.
   */
  transaction(writes: readonly Write[]): Promise<Written[]>
  /** @throws WayleaveError `source-unavailable`; undefined where it is not there. */
  read(resourceType: string, id: string): Promise<Resource | undefined>
  /** Whether there is a resource of the type with this identifier. @throws WayleaveError `source-unavailable`. */
  has(resourceType: string, identifier: Identifier): Promise<boolean>
  close(): Promise<void>
}

const LOCATION = /([A-Z][A-Za-z]{2,40}\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?)$/

export function createFhirWriter(deps: { base: string; bounds?: Partial<Bounds> }): FhirWriter {
  const base = deps.base.replace(/\/$/, '')
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const dispatcher = new Agent({
    maxResponseSize: bounds.maxBytes,
    headersTimeout: bounds.headersMs,
    bodyTimeout: bounds.bodyMs,
  })

  async function call(method: 'GET' | 'POST', url: string, body?: unknown) {
    try {
      const answer = await request(url, {
        method,
        dispatcher,
        headers: {
          accept: 'application/fhir+json',
          'cache-control': 'no-cache',
          ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(bounds.totalMs),
      })
      return { status: answer.statusCode, bytes: new Uint8Array(await answer.body.arrayBuffer()) }
    } catch (cause) {
      throw wayleaveError('source-unavailable', String(cause), cause)
    }
  }

  function read(status: number, bytes: Uint8Array): Record<string, unknown> {
    if (status !== 200) throw wayleaveError('source-unavailable', `answered ${status}`)
    try {
      return parseStrictJson(bytes, { exactNumbers: false }) as Record<string, unknown>
    } catch (cause) {
      throw wayleaveError('source-unavailable', 'the answer is not JSON', cause)
    }
  }

  return {
    async transaction(writes) {
      const { status, bytes } = await call('POST', base, {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: writes.map(entryOf),
      })
      if (status >= 400 && status < 500) throw wayleaveError('document-refused', `answered ${status}`)
      const { entry = [] } = read(status, bytes) as { entry?: { response?: Partial<Written> }[] }
      if (entry.length !== writes.length)
        throw wayleaveError('source-unavailable', 'not every entry is answered')
      return entry.map(({ response }) => {
        const location = LOCATION.exec(String(response?.location))?.[1]
        if (!location) throw wayleaveError('source-unavailable', 'an entry without a location')
        return { status: String(response?.status), location }
      })
    },

    async read(resourceType, id) {
      if (!isResourceId(id)) return undefined
      const { status, bytes } = await call('GET', `${base}/${resourceType}/${id}`)
      return status === 404 || status === 410 ? undefined : (read(status, bytes) as Resource)
    },

    async has(resourceType, { system, value }) {
      const query = new URLSearchParams({ identifier: token({ system, value }), _count: '1' })
      const { status, bytes } = await call('GET', `${base}/${resourceType}?${query}`)
      const { entry = [] } = read(status, bytes) as { entry?: { resource?: { resourceType?: unknown } }[] }
      return entry.some(({ resource }) => resource?.resourceType === resourceType)
    },

    close: () => dispatcher.close(),
  }
}

/** An identifier as a search token, with what means something there escaped (FHIR R4 §3.1.1.4.2). */
export const token = ({ system, value }: Identifier): string =>
  [system, value].map((part) => part.replace(/[\\,|$]/g, '\\$&')).join('|')

function entryOf(write: Write): unknown {
  const { resource } = write
  return write.method === 'POST'
    ? {
        fullUrl: write.fullUrl,
        resource,
        request: {
          method: 'POST',
          url: resource.resourceType,
          ...(write.ifNoneExist ? { ifNoneExist: write.ifNoneExist } : {}),
        },
      }
    : {
        resource,
        request: { method: 'PUT', url: `${resource.resourceType}/${write.id}`, ifMatch: write.ifMatch },
      }
}
