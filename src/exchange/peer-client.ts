import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { generateKeyPair } from 'jose'
import { errors, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import type { Clock } from '../domain/clock.ts'
import { type ErrorCode, isErrorCode, wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { callHeaders } from '../observe/call-context.ts'
import { refusedAddress } from '../outward/address-guard.ts'
import { peerScope } from './access-token.ts'
import type { Asker } from './b2b.ts'
import { ASSERTION_TYPE, makeClientAssertion } from './client-assertion.ts'
import { createDpopProver } from './dpop-proof.ts'
import type { SearchRequest } from './live-search.ts'
import { codeOfOAuthError } from './oauth-error.ts'
import { createPeerConnections, type Peer, type PeerRules } from './peer-connections.ts'
import { createPeerTokens, type IssuedToken } from './peer-tokens.ts'

/** What a custodian's broker answered: unverified. `fetch` is the jti that its signature must name. */
export type FetchedRecord = {
  bytes: Uint8Array
  recordJws: string
  responseJws: string
  fetch: string
  at: number
  /** What the record has outside of itself, as the custodian's header says. */
  contents: string
}

/** One of a record's contents: unverified, and to be read to its end or destroyed. */
export type FetchedContent = { body: Readable; size: number; responseJws: string; fetch: string; at: number }

/** The same for a list: unverified. */
export type FetchedList = { bytes: Uint8Array; responseJws: string; fetch: string; at: number }

/** A page of a search: unverified. `asked` is the SHA-256 of what was asked. */
export type FetchedSearch = FetchedList & { asked: Hex }

/** A record by its tag, and the reference of the share that led to it. */
export type SharedRecord = { tag: Hex; share: string }

export type PeerClient = {
  /**
   * Asks another member's broker for one record behind a share of its: token (private_key_jwt, DPoP), then the record
   * (design §6). A token serves its person for all that is behind the share, as long as it lasts.
   * @throws WayleaveError `not-available` where the custodian refuses; `peer-unavailable` where it does not answer;
   * `response-invalid` where what it answers breaks the protocol, a redirect or too large a body for example;
   * `address-refused` and `peer-untrusted` where it must not be called; then nothing was sent.
   * @param deadline ends the waiting sooner than the client's own bounds
   */
  fetchRecord(peer: Peer, of: SharedRecord, asker: Asker, deadline?: AbortSignal): Promise<FetchedRecord>
  /** Asks for one of a record's contents, by its number. Throws as `fetchRecord` does. */
  fetchContent(peer: Peer, of: SharedRecord, number: number, asker: Asker): Promise<FetchedContent>
  /** Asks another member's broker what there is behind a share of its. Throws as `fetchRecord` does. */
  fetchList(peer: Peer, reference: string, asker: Asker, deadline?: AbortSignal): Promise<FetchedList>
  /**
   * Asks for a page of a search behind a share. Throws as `fetchRecord` does, and `unsupported-parameter` where the custodian
   * does not take the search.
   */
  fetchSearch(peer: Peer, reference: string, search: SearchRequest, asker: Asker): Promise<FetchedSearch>
  /** Posts a sealed message; resolves to the HTTP status. Throws as `fetchRecord` does. */
  post(peer: Peer, path: string, contentType: string, body: string): Promise<number>
  /** Posts a sealed receipt; resolves to the exchanges that the custodian does not know. Throws as `fetchRecord` does. */
  postReceipt(peer: Peer, body: string): Promise<string[]>
  /** Shows signed checkpoints; resolves to those that the other shows, unverified. Throws as `fetchRecord` does. */
  postCheckpoints(peer: Peer, checkpoints: readonly string[]): Promise<string[]>
  /** Posts a sealed request for evidence; resolves to the sealed answer, unopened. Throws as `fetchRecord` does. */
  postEvidence(peer: Peer, body: string): Promise<string>
  close(): Promise<void>
}

export const RECORD_SIGNATURE_HEADER = 'wayleave-record-signature'
export const RESPONSE_SIGNATURE_HEADER = 'wayleave-response-signature'
export const RESPONSE_TIME_HEADER = 'wayleave-response-time'
export const CONTENTS_HEADER = 'wayleave-contents'

export async function createPeerClient(deps: {
  member: Hex
  signing: { key: CryptoKey; kid: string }
  clock: Clock
  rules: PeerRules
  bounds?: Partial<Bounds>
}): Promise<PeerClient> {
  const { clock, signing } = deps
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const connections = createPeerConnections(deps.rules, bounds)
  const prove = await createDpopProver(await generateKeyPair('ES256'))

  // Peers are reached directly, never through a redirect: undici's request follows none.
  async function call(
    peer: Peer,
    path: string,
    options: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
    deadline?: AbortSignal,
  ) {
    const { url, dispatcher } = connections.to(peer, path)
    const timeout = AbortSignal.timeout(bounds.totalMs)
    try {
      const { statusCode, headers, body } = await request(url, {
        ...options,
        headers: { ...options.headers, ...callHeaders() },
        dispatcher,
        signal: deadline ? AbortSignal.any([timeout, deadline]) : timeout,
      })
      return { status: statusCode, headers, bytes: new Uint8Array(await body.arrayBuffer()) }
    } catch (cause) {
      if (cause instanceof errors.ResponseExceededMaxSizeError)
        throw wayleaveError('response-invalid', 'too large', cause)
      const refused = refusedAddress(cause)
      if (refused) throw refused
      throw wayleaveError('peer-unavailable', String(cause), cause)
    }
  }

  async function askToken(
    peer: Peer,
    share: string,
    asker: Asker,
    deadline?: AbortSignal,
  ): Promise<IssuedToken> {
    const path = '/exchange/token'
    const url = `${peer.endpoint}${path}`
    const assertion = await makeClientAssertion({
      key: signing.key,
      kid: signing.kid,
      alg: 'ES256',
      clientId: deps.member,
      audience: url,
      asker,
      nowMs: clock.now(),
    })
    const { proof } = await prove({ method: 'POST', url, nowMs: clock.now() })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: peerScope({ reference: share }),
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop: proof }
    const answer = await call(peer, path, { method: 'POST', headers, body: body.toString() }, deadline)
    if (answer.status !== 200) throw refusal(answer)
    return tokenIn(answer.bytes)
  }
  const tokens = createPeerTokens({ clock, ask: askToken })

  /** What stands at a path behind a share, and how it is asked for. */
  type Place = { share: string; path: string; method?: 'GET' | 'POST'; asker: Asker }

  /**
   * Sends what needs a token, with one and its proof. One that was kept may have lost its worth meanwhile: then another is
   * asked for, once.
   */
  async function withToken<T extends { status: number }>(
    peer: Peer,
    { share, path, method = 'GET', asker }: Place,
    send: (headers: Record<string, string>) => Promise<T>,
    deadline?: AbortSignal,
  ): Promise<{ answer: T; fetch: string }> {
    const { token, kept } = await tokens.take(peer, share, asker, deadline)
    const url = `${peer.endpoint}${path}`
    const { proof, jti } = await prove({ method, url, accessToken: token, nowMs: clock.now() })
    const answer = await send({ authorization: `DPoP ${token}`, dpop: proof })
    if (answer.status !== 401) return { answer, fetch: jti }
    tokens.drop(peer, share, asker)
    return kept ? withToken(peer, { share, path, method, asker }, send, deadline) : { answer, fetch: jti }
  }

  async function fetchWithToken(peer: Peer, place: Place, deadline?: AbortSignal) {
    const get = (headers: Record<string, string>) =>
      call(peer, place.path, { method: 'GET', headers }, deadline)
    const { answer, fetch } = await withToken(peer, place, get, deadline)
    if (answer.status !== 200) throw refusal(answer)
    const header = (name: string) => String(answer.headers[name] ?? '')
    return {
      bytes: answer.bytes,
      recordJws: header(RECORD_SIGNATURE_HEADER),
      contents: header(CONTENTS_HEADER),
      ...signedParts(answer.headers),
      fetch,
    }
  }

  /** Not bounded in size or time as a whole: whoever reads it knows its size, and stops where more comes. */
  async function fetchContent(
    peer: Peer,
    { tag, share }: SharedRecord,
    number: number,
    asker: Asker,
  ): Promise<FetchedContent> {
    const path = `/exchange/record/${tag}/content/${number}`
    const { answer, fetch } = await withToken(peer, { share, path, asker }, async (headers) => {
      const { url, dispatcher } = connections.to(peer, path, 'unbounded')
      const traced = { ...headers, ...callHeaders() }
      const begun = await request(url, { method: 'GET', headers: traced, dispatcher }).catch(
        (cause: unknown) => {
          throw refusedAddress(cause) ?? wayleaveError('peer-unavailable', String(cause), cause)
        },
      )
      if (begun.statusCode !== 200) begun.body.on('error', () => {}).destroy()
      return { status: begun.statusCode, headers: begun.headers, body: begun.body }
    })
    if (answer.status !== 200) throw refusal({ status: answer.status, bytes: new Uint8Array() })
    const size = Number(answer.headers['content-length'] ?? Number.NaN)
    return { body: answer.body, size, fetch, ...signedParts(answer.headers) }
  }

  async function fetchSearch(
    peer: Peer,
    share: string,
    search: SearchRequest,
    asker: Asker,
  ): Promise<FetchedSearch> {
    const path = `/exchange/search/${share}`
    const body = JSON.stringify(search)
    const asked: Hex = `0x${createHash('sha256').update(body).digest('hex')}`
    const { answer, fetch } = await withToken(peer, { share, path, method: 'POST', asker }, (headers) =>
      call(peer, path, {
        ...{ method: 'POST', body },
        headers: { ...headers, 'content-type': 'application/json' },
      }),
    )
    // What the custodian's server cannot search by says nothing of anybody.
    if (codeIn(answer.bytes) === 'unsupported-parameter') throw wayleaveError('unsupported-parameter')
    if (answer.status !== 200) throw refusal(answer)
    return { bytes: answer.bytes, fetch, asked, ...signedParts(answer.headers) }
  }

  return {
    fetchRecord: (peer, { tag, share }, asker, deadline) =>
      fetchWithToken(peer, { share, path: `/exchange/record/${tag}`, asker }, deadline),
    fetchList: (peer, share, asker, deadline) =>
      fetchWithToken(peer, { share, path: `/exchange/list/${share}`, asker }, deadline),
    fetchContent,
    fetchSearch,
    async post(peer, path, contentType, body) {
      const headers = { 'content-type': contentType }
      return (await call(peer, path, { method: 'POST', headers, body })).status
    },
    async postReceipt(peer, body) {
      const headers = { 'content-type': 'application/jose' }
      const answer = await call(peer, '/exchange/receipt', { method: 'POST', headers, body })
      if (answer.status !== 200) throw refusal(answer)
      return textsIn(answer.bytes, 'unknown')
    },
    async postCheckpoints(peer, checkpoints) {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ checkpoints })
      const answer = await call(peer, '/exchange/checkpoints', { method: 'POST', headers, body })
      if (answer.status !== 200) throw refusal(answer)
      return textsIn(answer.bytes, 'checkpoints')
    },
    async postEvidence(peer, body) {
      const headers = { 'content-type': 'application/jose' }
      const answer = await call(peer, '/exchange/evidence', { method: 'POST', headers, body })
      if (answer.status !== 200) throw refusal(answer)
      return new TextDecoder().decode(answer.bytes)
    },
    close: () => connections.close(),
  }
}

/** What a signed answer says of itself; a time that is none is NaN. */
const signedParts = (headers: Record<string, string | string[] | undefined>) => ({
  responseJws: String(headers[RESPONSE_SIGNATURE_HEADER] ?? ''),
  at: Number(headers[RESPONSE_TIME_HEADER] ?? ''),
})

/** RFC 6750's `b64token`, at a length that a header can hold. */
const TOKEN = /^[\w.~+/-]{1,8000}=*$/

function tokenIn(bytes: Uint8Array): IssuedToken {
  let answer: { access_token?: unknown; expires_in?: unknown } | null
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes)) as typeof answer
  } catch (cause) {
    throw wayleaveError('response-invalid', 'the token is not JSON', cause)
  }
  if (typeof answer?.access_token !== 'string' || !TOKEN.test(answer.access_token)) {
    throw wayleaveError('response-invalid', 'no token')
  }
  return { token: answer.access_token, expiresIn: Number(answer.expires_in) }
}

function textsIn(bytes: Uint8Array, name: 'unknown' | 'checkpoints'): string[] {
  try {
    const { [name]: texts } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return texts
  } catch {
    // falls through: what cannot be read names nothing
  }
  throw wayleaveError('response-invalid', `no list of ${name}`)
}

/**
 * A peer's refusal is handed on as one answer; only its inability to answer, and nonsense, are told apart. One that does not
 * know the key that signs here, since its index has another profile, cannot answer either.
 */
function refusal({ status, bytes }: { status: number; bytes: Uint8Array }) {
  const said = codeIn(bytes)
  const unable = status >= 500 || said === 'assertion-invalid'
  const code = unable ? 'peer-unavailable' : status >= 400 ? 'not-available' : 'response-invalid'
  return wayleaveError(code, `the peer answered ${status} ${said ?? ''}`)
}

function codeIn(bytes: Uint8Array): ErrorCode | undefined {
  try {
    const outcome = JSON.parse(new TextDecoder().decode(bytes)) as {
      issue?: { details?: { coding?: { code?: string }[] } }[]
    } | null
    const code = codeOfOAuthError(outcome) ?? outcome?.issue?.[0]?.details?.coding?.[0]?.code
    return isErrorCode(code) ? code : undefined
  } catch {
    return undefined
  }
}
