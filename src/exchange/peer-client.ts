import { generateKeyPair } from 'jose'
import { Agent, errors, request } from 'undici'
import { type Bounds, DEFAULT_BOUNDS } from '../domain/bounds.ts'
import type { Clock } from '../domain/clock.ts'
import { type ErrorCode, isErrorCode, wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { traceHeaders } from '../observe/trace-headers.ts'
import { peerScope } from './access-token.ts'
import type { Asker } from './b2b.ts'
import { ASSERTION_TYPE, makeClientAssertion } from './client-assertion.ts'
import { makeDpopProof } from './dpop-proof.ts'

/** What a custodian's broker answered: unverified. `fetch` is the jti that its signature must name. */
export type FetchedRecord = {
  bytes: Uint8Array
  recordJws: string
  responseJws: string
  fetch: string
  at: number
}

/** The same for a list: unverified. */
export type FetchedList = { bytes: Uint8Array; responseJws: string; fetch: string; at: number }

export type PeerClient = {
  /**
   * Asks another member's broker for one record: token (private_key_jwt, DPoP), then the record (design §6).
   * @throws WayleaveError `not-available` where the custodian refuses; `peer-unavailable` where it does not answer;
   * `response-invalid` where what it answers breaks the protocol, a redirect or too large a body for example.
   * @param deadline ends the waiting sooner than the client's own bounds
   */
  fetchRecord(endpoint: string, tag: Hex, asker: Asker, deadline?: AbortSignal): Promise<FetchedRecord>
  /** Asks another member's broker what there is behind a share of its. Throws as `fetchRecord` does. */
  fetchList(endpoint: string, reference: string, asker: Asker, deadline?: AbortSignal): Promise<FetchedList>
  /** Posts a sealed message; resolves to the HTTP status. */
  post(url: string, contentType: string, body: string): Promise<number>
  close(): Promise<void>
}

export const RECORD_SIGNATURE_HEADER = 'wayleave-record-signature'
export const RESPONSE_SIGNATURE_HEADER = 'wayleave-response-signature'
export const RESPONSE_TIME_HEADER = 'wayleave-response-time'

export async function createPeerClient(deps: {
  member: Hex
  signing: { key: CryptoKey; kid: string }
  clock: Clock
  bounds?: Partial<Bounds>
}): Promise<PeerClient> {
  const { clock, signing } = deps
  // Peers are reached directly, never through a redirect: undici's request follows none.
  const bounds = { ...DEFAULT_BOUNDS, ...deps.bounds }
  const dispatcher = new Agent({
    maxResponseSize: bounds.maxBytes,
    headersTimeout: bounds.headersMs,
    bodyTimeout: bounds.bodyMs,
  })
  const dpopKeys = await generateKeyPair('ES256')

  async function call(
    url: string,
    options: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
    deadline?: AbortSignal,
  ) {
    const timeout = AbortSignal.timeout(bounds.totalMs)
    try {
      const { statusCode, headers, body } = await request(url, {
        ...options,
        headers: { ...options.headers, ...traceHeaders() },
        dispatcher,
        signal: deadline ? AbortSignal.any([timeout, deadline]) : timeout,
      })
      return { status: statusCode, headers, bytes: new Uint8Array(await body.arrayBuffer()) }
    } catch (cause) {
      if (cause instanceof errors.ResponseExceededMaxSizeError)
        throw wayleaveError('response-invalid', 'too large', cause)
      throw wayleaveError('peer-unavailable', String(cause), cause)
    }
  }

  async function token(
    endpoint: string,
    scope: string,
    asker: Asker,
    deadline?: AbortSignal,
  ): Promise<string> {
    const url = `${endpoint}/exchange/token`
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
    const answer = await call(url, { method: 'POST', headers, body: body.toString() }, deadline)
    if (answer.status !== 200) throw refusal(answer)
    return tokenIn(answer.bytes)
  }

  /** A token for one thing, and with it that thing. */
  async function fetchWithToken(
    endpoint: string,
    path: string,
    scope: string,
    asker: Asker,
    deadline?: AbortSignal,
  ) {
    const accessToken = await token(endpoint, scope, asker, deadline)
    const url = `${endpoint}${path}`
    const { proof, jti } = await makeDpopProof({
      keys: dpopKeys,
      method: 'GET',
      url,
      accessToken,
      nowMs: clock.now(),
    })
    const headers = { authorization: `DPoP ${accessToken}`, dpop: proof }
    const answer = await call(url, { method: 'GET', headers }, deadline)
    if (answer.status !== 200) throw refusal(answer)
    const header = (name: string) => String(answer.headers[name] ?? '')
    return {
      bytes: answer.bytes,
      recordJws: header(RECORD_SIGNATURE_HEADER),
      responseJws: header(RESPONSE_SIGNATURE_HEADER),
      at: Number(header(RESPONSE_TIME_HEADER)),
      fetch: jti,
    }
  }

  return {
    fetchRecord: (endpoint, tag, asker, deadline) =>
      fetchWithToken(endpoint, `/exchange/record/${tag}`, peerScope({ tag }), asker, deadline),
    fetchList: (endpoint, reference, asker, deadline) =>
      fetchWithToken(endpoint, `/exchange/list/${reference}`, peerScope({ reference }), asker, deadline),
    async post(url, contentType, body) {
      return (await call(url, { method: 'POST', headers: { 'content-type': contentType }, body })).status
    },
    close: () => dispatcher.close(),
  }
}

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

/** A peer's refusal is handed on as one answer; only its inability to answer, and nonsense, are told apart. */
function refusal({ status, bytes }: { status: number; bytes: Uint8Array }) {
  const code = status >= 500 ? 'peer-unavailable' : status >= 400 ? 'not-available' : 'response-invalid'
  return wayleaveError(code, `the peer answered ${status} ${codeIn(bytes) ?? ''}`)
}

function codeIn(bytes: Uint8Array): ErrorCode | undefined {
  try {
    const outcome = JSON.parse(new TextDecoder().decode(bytes)) as {
      issue?: { details?: { coding?: { code?: string }[] } }[]
    }
    const code = outcome.issue?.[0]?.details?.coding?.[0]?.code
    return isErrorCode(code) ? code : undefined
  } catch {
    return undefined
  }
}
