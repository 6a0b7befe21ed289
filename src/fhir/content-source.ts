import { createHash } from 'node:crypto'
import { Agent, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import { wayleaveError } from '../domain/errors.ts'
import { type Hex, toHex } from '../domain/hex.ts'

/** Which content: a Binary of the FHIR server, and where it is known the version of it. */
export type ContentPlace = { id: string; versionId?: string; contentType: string }

/** A content as the FHIR server has it now. */
export type Measured = { versionId?: string; contentType: string; size: number; sha256: Hex }

/** Contents of any size, as the FHIR server hands them out piece by piece: no more than a few pieces are ever held. */
export type ContentSource = {
  /**
   * Reads a content from its first byte to its last, and keeps nothing but its measure. Undefined where there is none, or
   * where the server hands out the resource and not its content.
   * @throws WayleaveError `source-unavailable`
   */
  measure(place: ContentPlace): Promise<Measured | undefined>
  /**
   * Its bytes. Whoever does not read them to their end says so by `until`, or the connection is never let go of.
   * @throws WayleaveError `source-unavailable`, here or in the middle
   */
  read(place: ContentPlace, until: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>
  close(): Promise<void>
}

/** A transfer ends when nothing comes for as long as `bodyMs`, not when it takes long. */
export function createContentSource(deps: { base: string; bounds?: Partial<Bounds> }): ContentSource {
  const base = deps.base.replace(/\/$/, '')
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const dispatcher = new Agent({ headersTimeout: bounds.headersMs, bodyTimeout: bounds.bodyMs })

  async function open({ id, versionId, contentType }: ContentPlace, signal?: AbortSignal) {
    const url = `${base}/Binary/${id}${versionId === undefined ? '' : `/_history/${versionId}`}`
    // Asked for by a type that is none of FHIR's, a Binary is answered as what it holds (R4 §3.1.0.1.11).
    const options = { dispatcher, headers: { accept: contentType }, ...(signal ? { signal } : {}) }
    const answer = await request(url, options).catch((cause: unknown) => {
      throw wayleaveError('source-unavailable', String(cause), cause)
    })
    // Whoever reads hears of it; where nobody does, it is no fault of the process.
    answer.body.on('error', () => {})
    const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
    const isResource = /fhir\+|\/(json|xml)$/.test(type)
    if (answer.statusCode === 200 && !isResource) return answer
    answer.body.destroy()
    if (answer.statusCode === 200 || [404, 406, 410].includes(answer.statusCode)) return undefined
    throw wayleaveError('source-unavailable', `a content answered ${answer.statusCode}`)
  }

  async function* pieces(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    try {
      yield* body
    } catch (cause) {
      throw wayleaveError('source-unavailable', String(cause), cause)
    }
  }

  return {
    async measure(place) {
      const answer = await open(place)
      if (!answer) return undefined
      const hash = createHash('sha256')
      let size = 0
      for await (const piece of pieces(answer.body)) {
        hash.update(piece)
        size += piece.length
      }
      const versionId = place.versionId ?? /"([A-Za-z0-9\-.]{1,64})"/.exec(String(answer.headers.etag))?.[1]
      const { contentType } = place
      return { contentType, size, sha256: toHex(hash.digest()), ...(versionId ? { versionId } : {}) }
    },
    async read(place, until) {
      const answer = await open(place, until)
      return answer && pieces(answer.body)
    },
    close: () => dispatcher.close(),
  }
}
