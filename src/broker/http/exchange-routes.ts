import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JSONWebKeySet } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import { type ErrorCode, errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import { type Hex, isHex, ZERO_32 } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import {
  type Grant,
  issueToken,
  peerScope,
  readPeerScope,
  type TokenKeys,
  type TokenVerifier,
} from '../../exchange/access-token.ts'
import { readAsker } from '../../exchange/b2b.ts'
import { verifyClientAssertion } from '../../exchange/client-assertion.ts'
import { sameText, verifyDpopProof } from '../../exchange/dpop-proof.ts'
import { readSearchRequest } from '../../exchange/live-search.ts'
import {
  CONTENTS_HEADER,
  RECORD_SIGNATURE_HEADER,
  RESPONSE_SIGNATURE_HEADER,
  RESPONSE_TIME_HEADER,
} from '../../exchange/peer-client.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { ReceivedShares } from '../receive/receive-share.ts'
import type { Listings } from '../release/list-records.ts'
import type { ContentReleases } from '../release/release-content.ts'
import type { Releases } from '../release/release-record.ts'
import type { SearchReleases } from '../release/release-search.ts'
import type { ReceivedRequests } from '../requests/received-requests.ts'
import { sendPieces } from './send-pieces.ts'
import { credential, OAUTH_ENDPOINT, textOf } from './server.ts'

type PeerGrant = Extract<Grant, { thumbprint: string }>

type Remember = (key: string, expiresAtMs: number) => Promise<boolean>

/** The one refusal takes at least this long, so that its cause does not show in its time (I11). Milliseconds. */
const REFUSAL_STEP = 120

/** What one broker asks of another: a token, a record, what there is behind a share, and to take a share or a request. */
export function exchangeRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    clock: Clock
    keys: TokenKeys
    verifyToken: TokenVerifier
    remember: Remember
    keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
    releases: Releases
    contentReleases: ContentReleases
    searchReleases: SearchReleases
    listings: Listings
    shares: ReceivedShares
    books: Pick<ExchangeBooks, 'take'>
    requests: Pick<ReceivedRequests, 'take'>
    onShare: (share: { custodian: Hex; ended: boolean }) => Promise<void>
  },
): void {
  const { clock, remember } = deps

  /** Misuse of credentials that did verify goes into the trail; whatever does not even verify names nobody. */
  async function noted(
    error: unknown,
    { requester, tag }: { requester: Hex; tag?: Hex; reference?: string },
  ): Promise<never> {
    const reason = MISUSES[errorCodeOf(error)]
    if (reason) await deps.releases.misused({ requester, reason, ...(tag ? { tag } : {}) })
    throw error
  }

  app.post('/exchange/token', OAUTH_ENDPOINT, async (request, reply) => {
    const body = (request.body ?? {}) as Record<string, unknown>
    const url = `${deps.base()}/exchange/token`
    const scope = readPeerScope(textOf(body.scope))
    if (body.grant_type !== 'client_credentials') throw wayleaveError('grant-type-unsupported')
    if (!scope) throw wayleaveError('request-invalid', 'scope')
    let claimed = ZERO_32
    const { clientId, claims } = await verifyClientAssertion({
      assertion: textOf(body.client_assertion),
      audience: url,
      keysOf: async (id) => {
        if (!isHex(id, 32)) return undefined
        claimed = id
        return deps.keysOf(id)
      },
      remember,
      nowMs: clock.now(),
    }).catch((error: unknown) => noted(error, { requester: claimed, ...scope }))
    const proof = await verifyDpopProof({
      proof: header(request.headers.dpop),
      method: 'POST',
      url,
      remember,
      nowMs: clock.now(),
    }).catch((error: unknown) => noted(error, { requester: claimed, ...scope }))
    const by = { requester: clientId as Hex, asker: readAsker(claims) }
    // A member answers for its own users only.
    if (memberId(by.asker.organization) !== clientId)
      throw wayleaveError('user-missing', 'a user of another organisation')
    const under = await alike(async () => {
      if ('tag' in scope) return deps.releases.mayAsk({ ...scope, ...by })
      await deps.listings.assertSent({ ...scope, ...by })
      return {}
    })
    const bound = { ...by, thumbprint: proof.thumbprint }
    const grant: Grant =
      'tag' in scope
        ? { kind: 'record', ...scope, ...bound, ...under }
        : { kind: 'share', ...scope, ...bound }
    const { token, expiresIn } = await issueToken(deps.keys, grant, clock.now())
    return reply.send({
      access_token: token,
      token_type: 'DPoP',
      expires_in: expiresIn,
      scope: peerScope(scope),
    })
  })

  const verified = <K extends PeerGrant['kind']>(request: FastifyRequest, ...kinds: K[]) =>
    deps.verifyToken(kinds, credential(request, 'DPoP'), clock.now())

  /** Who asks for the record at this path, and by which right: a token for it alone, or for what is behind a share. */
  async function askFor(tag: string, path: string, request: FastifyRequest) {
    const grant = await verified(request, 'record', 'share')
    const fetch = await provenAt(path, request, grant)
    if (grant.kind === 'record' && grant.tag !== tag)
      return noted(wayleaveError('scope-insufficient', 'a token for another record'), grant)
    // No tag is longer; what is none names nothing, like any that is not known.
    if (!isHex(tag, 32)) return noted(wayleaveError('scope-insufficient', 'no record'), grant)
    const { requester, asker } = grant
    const share = grant.kind === 'share' ? { share: grant.reference } : {}
    return { tag, requester, asker, fetch, ...share }
  }

  /** Whether a token is in the hands of whom it was issued to, for what stands at this path; the proof's `jti`. */
  async function provenAt(path: string, request: FastifyRequest, grant: PeerGrant): Promise<string> {
    const proof = await verifyDpopProof({
      proof: header(request.headers.dpop),
      method: request.method,
      url: `${deps.base()}${path}`,
      accessToken: credential(request, 'DPoP') ?? '',
      remember,
      nowMs: clock.now(),
    }).catch((error: unknown) => noted(error, grant))
    if (!sameText(proof.thumbprint, grant.thumbprint)) return noted(wayleaveError('token-wrong-key'), grant)
    return proof.jti
  }

  app.get<{ Params: { reference: string } }>('/exchange/list/:reference', async (request, reply) => {
    const { reference } = request.params
    const grant = await verified(request, 'share')
    const fetch = await provenAt(`/exchange/list/${reference}`, request, grant)
    if (grant.reference !== reference)
      return noted(wayleaveError('scope-insufficient', 'a token for another list'), grant)
    const { requester, asker } = grant
    const listed = await alike(() => deps.listings.list({ reference, requester, asker, fetch }))
    return reply
      .header(RESPONSE_SIGNATURE_HEADER, listed.jws)
      .header(RESPONSE_TIME_HEADER, String(listed.at))
      .type('application/json')
      .send(Buffer.from(listed.bytes))
  })

  // By POST, so that what is searched for stands in no address.
  app.post<{ Params: { reference: string } }>('/exchange/search/:reference', async (request, reply) => {
    const { reference } = request.params
    const grant = await verified(request, 'share')
    const fetch = await provenAt(`/exchange/search/${reference}`, request, grant)
    if (grant.reference !== reference)
      return noted(wayleaveError('scope-insufficient', 'a token for another share'), grant)
    const search = readSearchRequest(request.body)
    const asked: Hex = `0x${createHash('sha256').update(JSON.stringify(request.body)).digest('hex')}`
    const { requester, asker } = grant
    const ask = { reference, requester, asker, fetch, search, asked }
    const found = await alike(() => deps.searchReleases.release(ask))
    return reply
      .header(RESPONSE_SIGNATURE_HEADER, found.jws)
      .header(RESPONSE_TIME_HEADER, String(found.at))
      .type('application/json')
      .send(Buffer.from(found.bytes))
  })

  app.get<{ Params: { tag: string } }>('/exchange/record/:tag', async (request, reply) => {
    const { tag } = request.params
    const ask = await askFor(tag, `/exchange/record/${tag}`, request)
    const released = await alike(() => deps.releases.release(ask))
    return reply
      .header(RECORD_SIGNATURE_HEADER, released.recordJws)
      .header(RESPONSE_SIGNATURE_HEADER, released.responseJws)
      .header(RESPONSE_TIME_HEADER, String(released.at))
      .headers(released.contents === '' ? {} : { [CONTENTS_HEADER]: released.contents })
      .type('application/fhir+json')
      .send(Buffer.from(released.bytes))
  })

  app.get<{ Params: { tag: string; number: string } }>(
    '/exchange/record/:tag/content/:number',
    async (request, reply) => {
      const { tag, number } = request.params
      const asked = await askFor(tag, `/exchange/record/${tag}/content/${number}`, request)
      if (!/^\d{1,2}$/.test(number)) return noted(wayleaveError('scope-insufficient', 'no content'), asked)
      const ask = { ...asked, number: Number(number) }
      const released = await alike(() => deps.contentReleases.release(ask))
      const { content, responseJws, at } = released
      reply
        .header(RESPONSE_SIGNATURE_HEADER, responseJws)
        .header(RESPONSE_TIME_HEADER, String(at))
        .header('content-length', String(content.size))
        .type(content.contentType)
      return sendPieces(reply, released)
    },
  )

  app.post('/exchange/request', async (request, reply) => {
    if (typeof request.body !== 'string') throw wayleaveError('content-type-unsupported')
    await deps.requests.take(request.body)
    return reply.status(204).send()
  })

  app.post('/exchange/receipt', async (request, reply) => {
    if (typeof request.body !== 'string') throw wayleaveError('content-type-unsupported')
    return reply.send(await deps.books.take(request.body))
  })

  app.post('/exchange/share', async (request, reply) => {
    if (typeof request.body !== 'string') throw wayleaveError('content-type-unsupported')
    const { share, changed } = await deps.shares.receive(request.body)
    if (changed) await deps.onShare(share)
    return reply.status(204).send()
  })
}

/** What a known member's credentials were used for, where its own fault or a theft shows. */
const MISUSES: Partial<Record<ErrorCode, 'token-mismatch' | 'replayed'>> = {
  'assertion-replayed': 'replayed',
  'dpop-replayed': 'replayed',
  'token-wrong-key': 'token-mismatch',
  'scope-insufficient': 'token-mismatch',
}

/** Lets a refusal take a whole number of steps, whatever its cause. */
export async function alike<T>(work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    return await work()
  } catch (error) {
    const spent = performance.now() - started
    const until = Math.ceil((spent + 1) / REFUSAL_STEP) * REFUSAL_STEP
    await new Promise((done) => setTimeout(done, until - spent))
    throw error
  }
}

const header = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined
