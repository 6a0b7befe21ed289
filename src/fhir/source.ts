import type { Patient } from 'fhir/r4.js'
import { Client } from 'fhir-kit-client'
import { Agent, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import { type ErrorCode, errorCodeOf, wayleaveError } from '../domain/errors.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import { isResourceId } from '../domain/records/resource-id.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'
import { callHeaders } from '../observe/call-context.ts'

/** One version of one resource, as a `history` Bundle tells it; `resource` is absent for a deletion. */
export type FhirChange = {
  resourceType: string
  id: string
  versionId: string
  /** An instant; empty where the server gave none. */
  lastUpdated: string
  resource?: Record<string, unknown> & { resourceType: string; id: string }
  /** The server says that nothing of this resource came before. */
  first?: true
  /** Why this version cannot be committed to; then there is no resource. */
  refused?: ErrorCode
}

/** A page of history, oldest first. `next` leads to older versions; `total` is what the server counts over all pages. */
export type HistoryPage = { changes: FhirChange[]; next?: string; total?: number }

/** The hospital's own FHIR server, as its broker reads it. */
export type FhirSource = {
  /** Its base address, without a trailing slash. */
  base: string
  /** @throws WayleaveError `source-unavailable`. */
  readPatient(id: string): Promise<Patient | undefined>
  findPatients(identifier: Identifier): Promise<Patient[]>
  /**
   * The newest versions at or after an instant, or of all, or what an earlier page's `next` led to; strictly parsed. Never
   * more than a page is held: a server may have millions.
   * @returns undefined where the server no longer knows the link.
   * @throws WayleaveError `source-unavailable`.
   */
  historyPage(from: { since?: string } | { next: string }): Promise<HistoryPage | undefined>
  /**
   * All versions of one resource, oldest first; undefined where the server has none.
   * @throws WayleaveError `source-unavailable`.
   */
  recordHistory(resourceType: string, id: string): Promise<FhirChange[] | undefined>
  /** The exact bytes of one version. @throws WayleaveError `source-unavailable`; undefined where it is gone. */
  readVersion(resourceType: string, id: string, versionId: string): Promise<Uint8Array | undefined>
  /** Asks the server to notify `endpoint` of every change (REST-hook without payload), once. */
  subscribe(endpoint: string): Promise<void>
  close(): Promise<void>
}

const TYPE = /^[A-Z][A-Za-z]{2,40}$/
/** Versions a page; more of one resource than pages times this are not looked at. */
const PAGE = 250
const MAX_RECORD_PAGES = 100

/** undici's word for an answer beyond `maxBytes`. */
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE'

export function createFhirSource(deps: { base: string; bounds?: Partial<Bounds> }): FhirSource {
  const base = deps.base.replace(/\/$/, '')
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const dispatcher = new Agent({
    maxResponseSize: bounds.maxBytes,
    headersTimeout: bounds.headersMs,
    bodyTimeout: bounds.bodyMs,
  })
  // The client types its options as fetch's; `dispatcher` is undici's own addition to them.
  const requestOptions = { redirect: 'error', dispatcher } as unknown as RequestInit
  const client = new Client({ baseUrl: base, requestOptions: requestOptions as never })

  async function bytes(url: string): Promise<{ status: number; body: Uint8Array }> {
    try {
      // undici's request follows no redirect, so a 3xx comes back as what it is and is refused below.
      const headers = { accept: 'application/fhir+json', 'cache-control': 'no-cache', ...callHeaders() }
      const answer = await request(url, { dispatcher, headers, signal: AbortSignal.timeout(bounds.totalMs) })
      return { status: answer.statusCode, body: new Uint8Array(await answer.body.arrayBuffer()) }
    } catch (cause) {
      throw wayleaveError('source-unavailable', String(cause), cause)
    }
  }

  /** A `next` link may lead nowhere but to this server's own base. */
  function within(link: string): string {
    const url = new URL(link, `${base}/`)
    const home = new URL(base)
    const inside = url.pathname === home.pathname || url.pathname.startsWith(`${home.pathname}/`)
    if (url.origin !== home.origin || !inside) {
      throw wayleaveError('source-unavailable', 'a next link leaves the base')
    }
    return url.href
  }

  /**
   * A page that is larger than what is taken is asked for again with fewer versions on it, and one that is too large with a
   * single version without that one's content: then it is known which one that is, and what follows.
   */
  async function pageBytes(url: string): Promise<{ status: number; body: Uint8Array; isTooLarge?: true }> {
    const asked = new URL(within(url))
    for (let count = PAGE; ; count = Math.ceil(count / 8)) {
      try {
        return await bytes(asked.href)
      } catch (error) {
        const tooLarge = (error as { cause?: { code?: string } }).cause?.code === TOO_LARGE
        if (!tooLarge) throw error
        if (count > 1) {
          asked.searchParams.set('_count', String(Math.ceil(count / 8)))
          continue
        }
        asked.searchParams.set('_elements', 'id,meta')
        return { ...(await bytes(asked.href)), isTooLarge: true }
      }
    }
  }

  async function page(url: string): Promise<HistoryPage | undefined> {
    const { status, body, isTooLarge } = await pageBytes(url)
    if (status === 404 || status === 410) return undefined
    if (status !== 200) throw wayleaveError('source-unavailable', `history answered ${status}`)
    const { bundle, strict } = readPage(body)
    const link = bundle.link?.find(({ relation }) => relation === 'next')?.url
    const next = link && (isTooLarge ? wholeAgain(within(link)) : within(link))
    const changes: FhirChange[] = []
    for (const entry of bundle.entry ?? []) {
      const change = changeOf(entry)
      if (change && isTooLarge) changes.push(tooLarge(change))
      else if (change) changes.push(strict ? change : await readAlone(change))
    }
    return {
      changes: changes.reverse(),
      ...(next ? { next } : {}),
      ...(Number.isSafeInteger(bundle.total) ? { total: bundle.total as number } : {}),
    }
  }

  /** What follows what was too large comes in pages of the usual size again, with all that is in it. */
  function wholeAgain(link: string): string {
    const url = new URL(link)
    url.searchParams.set('_count', String(PAGE))
    url.searchParams.delete('_elements')
    return url.href
  }

  /** One version that spoils its page must not keep the others from being registered: each is then read by itself. */
  async function readAlone(change: FhirChange): Promise<FhirChange> {
    const { resource, ...place } = change
    if (!resource) return change
    const { status, body } = await bytes(
      `${base}/${place.resourceType}/${place.id}/_history/${place.versionId}`,
    )
    // Named by the history and yet not to be had: no later try brings it, and the others must not wait for it.
    if (status === 404 || status === 410) return { ...place, refused: 'not-found' }
    if (status !== 200) throw wayleaveError('source-unavailable', `vread answered ${status}`)
    try {
      const read = parseStrictJson(body) as NonNullable<FhirChange['resource']>
      const same = read.resourceType === place.resourceType && read.id === place.id
      return same && object(read.meta).versionId === place.versionId
        ? { ...place, resource: read }
        : { ...place, refused: 'id-invalid' }
    } catch (error) {
      return { ...place, refused: errorCodeOf(error) }
    }
  }

  async function resources<T>(load: () => Promise<unknown>): Promise<T | undefined> {
    try {
      return (await load()) as T
    } catch (cause) {
      const status = (cause as { response?: { status?: number } }).response?.status
      if (status === 404 || status === 410) return undefined
      // Not the client's message: it quotes the address, and with it the identifier that was searched for.
      throw wayleaveError('source-unavailable', status ? `answered ${status}` : (cause as Error).name, cause)
    }
  }

  return {
    base,
    async readPatient(id) {
      if (!isResourceId(id)) throw wayleaveError('id-invalid', 'a Patient id')
      const read = await resources<Patient>(() =>
        client.read({ resourceType: 'Patient', id, options: { headers: callHeaders() } }),
      )
      // Somebody else's identifiers must never be taken for this patient's.
      if (read && (read.resourceType !== 'Patient' || read.id !== id))
        throw wayleaveError('source-unavailable', 'a read of a Patient answered something else')
      return read
    },

    async findPatients({ system, value }) {
      const searchParams = { identifier: `${system}|${value}`, _count: '10' }
      const bundle = await resources<{ entry?: { resource: Patient }[] }>(() =>
        client.search({ resourceType: 'Patient', searchParams, options: { headers: callHeaders() } }),
      )
      // What the server says is checked: a careless search must not hand over another person.
      return (bundle?.entry ?? [])
        .map((entry) => entry.resource)
        .filter(
          (p) =>
            p.resourceType === 'Patient' &&
            p.identifier?.some((i) => i.system === system && i.value === value),
        )
    },

    async historyPage(from) {
      if ('next' in from) return page(from.next)
      const since = from.since === undefined ? '' : `_since=${encodeURIComponent(from.since)}&`
      return page(`${base}/_history?${since}_count=${PAGE}`)
    },

    async recordHistory(resourceType, id) {
      if (!TYPE.test(resourceType) || !isResourceId(id)) throw wayleaveError('id-invalid', 'a resource')
      const changes: FhirChange[] = []
      const seen = new Set<string>()
      let next: string | undefined = `${base}/${resourceType}/${id}/_history?_count=${PAGE}`
      for (let count = 0; next && count < MAX_RECORD_PAGES; count++) {
        if (seen.has(next)) throw wayleaveError('source-unavailable', 'history does not end')
        seen.add(next)
        const answer: HistoryPage | undefined = await page(next)
        if (!answer && count > 0) throw wayleaveError('source-unavailable', 'a page of history is gone')
        if (!answer) return undefined
        // Whatever the server adds of other resources is not asked for.
        changes.unshift(...answer.changes.filter((c) => c.resourceType === resourceType && c.id === id))
        next = answer.next
      }
      return changes
    },

    async readVersion(resourceType, id, versionId) {
      if (!TYPE.test(resourceType) || !isResourceId(id) || !isResourceId(versionId))
        throw wayleaveError('id-invalid', 'a version')
      const { status, body } = await bytes(`${base}/${resourceType}/${id}/_history/${versionId}`)
      if (status === 404 || status === 410) return undefined
      if (status !== 200) throw wayleaveError('source-unavailable', `vread answered ${status}`)
      return body
    },

    async subscribe(endpoint) {
      const subscription = {
        resourceType: 'Subscription',
        id: 'wayleave-broker',
        status: 'requested',
        reason: 'Registers what changes with the record directory',
        criteria: '[*]',
        channel: { type: 'rest-hook', endpoint },
      }
      await resources(() =>
        client.update({ resourceType: 'Subscription', id: 'wayleave-broker', body: subscription }),
      )
    },

    close: () => dispatcher.close(),
  }
}

/** A version beyond all bounds is one that nobody can commit to; a deletion has no size. */
function tooLarge({ resource, ...place }: FhirChange): FhirChange {
  return resource ? { ...place, refused: 'body-too-large' } : place
}

function readPage(body: Uint8Array): { bundle: HistoryBundle; strict: boolean } {
  try {
    return { bundle: parseStrictJson(body) as HistoryBundle, strict: true }
  } catch {
    try {
      return { bundle: JSON.parse(Buffer.from(body).toString()) as HistoryBundle, strict: false }
    } catch (cause) {
      throw wayleaveError('source-unavailable', 'history is not JSON', cause)
    }
  }
}

type HistoryBundle = { entry?: unknown[]; link?: { relation: string; url: string }[]; total?: unknown }

type Json = Readonly<Record<string, unknown>>

/** Whatever is no object has no members. */
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})

/** Undefined for entries that say too little to be a version of anything. */
function changeOf(entry: unknown): FhirChange | undefined {
  const { resource, request: asked, response } = object(entry)
  const { method, url } = object(asked)
  const { lastModified, etag, status } = object(response)
  if (typeof resource === 'object' && resource !== null && method !== 'DELETE') {
    const { resourceType, id, meta } = resource as Json
    const { versionId, lastUpdated } = object(meta)
    const place = {
      resourceType: String(resourceType).slice(0, 64),
      id: String(id).slice(0, 64),
      versionId: String(versionId).slice(0, 64),
      lastUpdated: instant(lastUpdated) ?? instant(lastModified) ?? '',
      ...(versionId === '1' || String(status).startsWith('201') ? { first: true as const } : {}),
    }
    // Names that no request can carry: what is registered under them could never be read again.
    const named = [resourceType, id, versionId].every((text) => typeof text === 'string')
    if (
      !named ||
      !TYPE.test(place.resourceType) ||
      !isResourceId(String(id)) ||
      !isResourceId(String(versionId))
    )
      return { ...place, refused: 'id-invalid' }
    // One version under the name of another: whatever it is, it is not what was written there.
    if (isAbout(url, place) === false || (tagged(etag) ?? place.versionId) !== place.versionId)
      return { ...place, refused: 'id-invalid' }
    return { ...place, resource: resource as NonNullable<FhirChange['resource']> }
  }
  const [resourceType, id] = String(url).split('/')
  const lastUpdated = instant(lastModified) ?? ''
  // Without an ETag, the instant tells one deletion from another.
  const versionId = tagged(etag) ?? `deleted-${lastUpdated}`
  if (!resourceType || !id || !isResourceId(id) || !TYPE.test(resourceType)) return undefined
  return { resourceType, id, versionId, lastUpdated }
}

/** The version in an ETag such as `W/"3"`. */
const tagged = (etag: unknown): string | undefined => /"([^"]+)"/.exec(String(etag))?.[1]

/** Whether a request's address names this resource; undefined where it names none. */
function isAbout(url: unknown, { resourceType, id }: FhirChange): boolean | undefined {
  const named = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(String(url))
  return named ? named[1] === resourceType && named[2] === id : undefined
}

const instant = (value: unknown): string | undefined =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : undefined
