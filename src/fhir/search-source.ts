import { Agent, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import { readAnswer } from '../domain/consent/filtering/read-answer.ts'
import { wayleaveError } from '../domain/errors.ts'

/** One page of a search as the FHIR server answered it: unfiltered, for the custodian's eyes only. */
export type SearchPage = { bundle: unknown; next?: string }

export type SearchSource = {
  /** Where a search among one patient's resources of one type begins. */
  begin(type: string, patientId: string, parameters: readonly (readonly [string, string])[]): string
  /**
   * @throws WayleaveError `unsupported-parameter` where the server does not take the search; `source-unavailable` where it
   * does not answer, answers no Bundle, or leads out of its own base
   */
  page(url: string): Promise<SearchPage>
  close(): Promise<void>
}

/** What other members' searches ask of the hospital's FHIR server. */
export function createSearchSource(deps: { base: string; bounds?: Partial<Bounds> }): SearchSource {
  const base = deps.base.replace(/\/$/, '')
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const dispatcher = new Agent({
    ...{ maxResponseSize: bounds.maxBytes, headersTimeout: bounds.headersMs, bodyTimeout: bounds.bodyMs },
  })

  async function read(url: string): Promise<{ status: number; body: Uint8Array }> {
    try {
      const headers = { accept: 'application/fhir+json', 'cache-control': 'no-cache' }
      const answer = await request(url, { dispatcher, headers, signal: AbortSignal.timeout(bounds.totalMs) })
      return { status: answer.statusCode, body: new Uint8Array(await answer.body.arrayBuffer()) }
    } catch (cause) {
      throw wayleaveError('source-unavailable', (cause as Error).name, cause)
    }
  }

  function within(link: string): string {
    const url = URL.canParse(link, `${base}/`) ? new URL(link, `${base}/`) : undefined
    const home = new URL(base)
    const isInside = url?.pathname === home.pathname || url?.pathname.startsWith(`${home.pathname}/`)
    if (!url || url.origin !== home.origin || !isInside)
      throw wayleaveError('source-unavailable', 'a next link leaves the base')
    return url.href
  }

  return {
    begin(type, patientId, parameters) {
      const query = new URLSearchParams([['patient', patientId], ...parameters.map(([k, v]) => [k, v])])
      return `${base}/${type}?${query}`
    },

    async page(url) {
      const { status, body } = await read(within(url))
      if (status === 400 || status === 422) throw wayleaveError('unsupported-parameter', `answered ${status}`)
      if (status !== 200) throw wayleaveError('source-unavailable', `a search answered ${status}`)
      let bundle: { resourceType?: unknown; type?: unknown; link?: unknown }
      try {
        bundle = readAnswer(body) as typeof bundle
      } catch (cause) {
        throw wayleaveError('source-unavailable', 'a search is not JSON', cause)
      }
      if (bundle?.resourceType !== 'Bundle' || bundle.type !== 'searchset')
        throw wayleaveError('source-unavailable', 'a search is no searchset')
      const links = Array.isArray(bundle.link) ? (bundle.link as { relation?: unknown; url?: unknown }[]) : []
      const next = links.find((link) => link?.relation === 'next')?.url
      return { bundle, ...(typeof next === 'string' ? { next: within(next) } : {}) }
    },

    close: () => dispatcher.close(),
  }
}
