import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { generateKeyPair } from 'jose'
import { errors, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import type { Clock } from '../domain/clock.ts'
import { type ErrorCode, isErrorCode, wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { refusedAddress } from '../outward/address-guard.ts'
import { callHeaders } from '../tracing/call-context.ts'
import { peerScope } from './access-token.ts'
import type { Asker } from './b2b.ts'
import { ASSERTION_TYPE, makeClientAssertion } from './client-assertion.ts'
import { makeDpopProof } from './dpop-proof.ts'
import type { SearchRequest } from './live-search.ts'
import { codeOfOAuthError } from './oauth-error.ts'
import { createPeerConnections, type Peer, type PeerRules } from './peer-connections.ts'

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

export type PeerClient = {
  /**
   * Asks another member's broker for one record: token (private_key_jwt, DPoP), then the record (design §6).
   * @throws WayleaveError `not-available` where the custodian refuses; `peer-unavailable` where it does not answer;
   * `response-invalid` where what it answers breaks the protocol, a redirect or too large a body for example;
   * `address-refused` and `peer-untrusted` where it must not be called; then nothing was sent.
   * @param deadline ends the waiting sooner than the client's own bounds
   */
  fetchRecord(peer: Peer, tag: Hex, asker: Asker, deadline?: AbortSignal): Promise<FetchedRecord>
  /** Asks for one of a record's contents, by its number. Throws as `fetchRecord` does. */
  fetchContent(peer: Peer, tag: Hex, number: number, asker: Asker): Promise<FetchedContent>
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
  const dpopKeys = await generateKeyPair('ES256')

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

  async function token(peer: Peer, scope: string, asker: Asker, deadline?: AbortSignal): Promise<string> {
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
    const { proof } = await makeDpopProof({ keys: dpopKeys, method: 'POST', url, nowMs: clock.now() })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop: proof }
    const answer = await call(peer, path, { method: 'POST', headers, body: body.toString() }, deadline)
    if (answer.status !== 200) throw refusal(answer)
    return tokenIn(answer.bytes)
  }

  /** The headers that fetch what stands at a path: a token for one thing, and the proof that goes with it. */
  async function withToken(
    peer: Peer,
    path: string,
    scope: string,
    asker: Asker,
    { method = 'GET', deadline }: { method?: 'GET' | 'POST'; deadline?: AbortSignal | undefined } = {},
  ) {
    const accessToken = await token(peer, scope, asker, deadline)
    const url = `${peer.endpoint}${path}`
    const { proof, jti } = await makeDpopProof({
      keys: dpopKeys,
      method,
      url,
      accessToken,
      nowMs: clock.now(),
    })
    return { headers: { authorization: `DPoP ${accessToken}`, dpop: proof }, fetch: jti }
  }

  async function fetchWithToken(
    peer: Peer,
    path: string,
    scope: string,
    asker: Asker,
    deadline?: AbortSignal,
  ) {
    const { headers, fetch } = await withToken(peer, path, scope, asker, { deadline })
    const answer = await call(peer, path, { method: 'GET', headers }, deadline)
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
  async function fetchContent(peer: Peer, tag: Hex, number: number, asker: Asker): Promise<FetchedContent> {
    const path = `/exchange/record/${tag}/content/${number}`
    const { headers, fetch } = await withToken(peer, path, peerScope({ tag }), asker)
    const { url, dispatcher } = connections.to(peer, path, 'unbounded')
    const traced = { ...headers, ...callHeaders() }
    const answer = await request(url, { method: 'GET', headers: traced, dispatcher }).catch(
      (cause: unknown) => {
        throw refusedAddress(cause) ?? wayleaveError('peer-unavailable', String(cause), cause)
      },
    )
    if (answer.statusCode !== 200) {
      answer.body.on('error', () => {}).destroy()
      throw refusal({ status: answer.statusCode, bytes: new Uint8Array() })
    }
    const size = Number(answer.headers['content-length'] ?? Number.NaN)
    return { body: answer.body, size, fetch, ...signedParts(answer.headers) }
  }

  async function fetchSearch(
    peer: Peer,
    reference: string,
    search: SearchRequest,
    asker: Asker,
  ): Promise<FetchedSearch> {
    const path = `/exchange/search/${reference}`
    const { headers, fetch } = await withToken(peer, path, peerScope({ reference }), asker, {
      method: 'POST',
    })
    const body = JSON.stringify(search)
    const asked: Hex = `0x${createHash('sha256').update(body).digest('hex')}`
    const answer = await call(peer, path, {
      ...{ method: 'POST', body },
      headers: { ...headers, 'content-type': 'application/json' },
    })
    // What the custodian's server cannot search by says nothing of anybody.
    if (codeIn(answer.bytes) === 'unsupported-parameter') throw wayleaveError('unsupported-parameter')
    if (answer.status !== 200) throw refusal(answer)
    return { bytes: answer.bytes, fetch, asked, ...signedParts(answer.headers) }
  }

  return {
    fetchRecord: (peer, tag, asker, deadline) =>
      fetchWithToken(peer, `/exchange/record/${tag}`, peerScope({ tag }), asker, deadline),
    fetchList: (peer, reference, asker, deadline) =>
      fetchWithToken(peer, `/exchange/list/${reference}`, peerScope({ reference }), asker, deadline),
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
      return unknownIn(answer.bytes)
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

function tokenIn(bytes: Uint8Array): string {
  let answer: { access_token?: unknown } | null
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes)) as typeof answer
  } catch (cause) {
    throw wayleaveError('response-invalid', 'the token is not JSON', cause)
  }
  if (typeof answer?.access_token !== 'string' || !TOKEN.test(answer.access_token)) {
    throw wayleaveError('response-invalid', 'no token')
  }
  return answer.access_token
}

function unknownIn(bytes: Uint8Array): string[] {
  try {
    const { unknown } = JSON.parse(new TextDecoder().decode(bytes)) as { unknown?: unknown }
    if (Array.isArray(unknown) && unknown.every((id) => typeof id === 'string')) return unknown
  } catch {
    // falls through: what cannot be read names nothing
  }
  throw wayleaveError('response-invalid', 'no answer to a receipt')
}

/** A peer's refusal is handed on as one answer; only its inability to answer, and nonsense, are told apart. */
function refusal({ status, bytes }: { status: number; bytes: Uint8Array }) {
  const code = status >= 500 ? 'peer-unavailable' : status >= 400 ? 'not-available' : 'response-invalid'
  return wayleaveError(code, `the peer answered ${status} ${codeIn(bytes) ?? ''}`)
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
