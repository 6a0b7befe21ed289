import { createHash, randomUUID } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { type Asker, b2bExtension, iuaExtension, pcfExtension, readAsker } from './b2b.ts'

/** What one access token allows: a HIS client its scopes, another member's broker one record, or what is behind a share. */
export type Grant =
  | { kind: 'his'; clientId: string; scopes: string[]; asker?: Asker }
  /** `share` is the reference of the share under whose consent it was issued, where one was sent. */
  | { kind: 'record'; requester: Hex; tag: Hex; asker: Asker; thumbprint: string; share?: string }
  | { kind: 'share'; requester: Hex; reference: string; asker: Asker; thumbprint: string }

type OfKind<K extends Grant['kind']> = Extract<Grant, { kind: K }>

/** The longest life of a token of another member's broker (design §6), and of a HIS client's. Seconds. */
const PEER_TOKEN_LIFETIME = 60
const HIS_TOKEN_LIFETIME = 300

/** The one scope of another member's broker: `record:` and a tag, or `share:` and the reference of a share. */
export function readPeerScope(scope: string): { tag: Hex } | { reference: string } | undefined {
  const tag = /^record:(0x[0-9a-f]{64})$/.exec(scope)?.[1]
  const reference = /^share:([A-Za-z0-9_-]{22})$/.exec(scope)?.[1]
  return tag ? { tag: tag as Hex } : reference ? { reference } : undefined
}

export const peerScope = (of: { tag: Hex } | { reference: string }): string =>
  'tag' in of ? `record:${of.tag}` : `share:${of.reference}`

export type TokenKeys = { privateKey: CryptoKey; publicKey: CryptoKey; kid: string; issuer: string }

/** An RFC 9068 access token, signed by this broker for itself. */
export async function issueToken(
  keys: TokenKeys,
  grant: Grant,
  nowMs: number,
): Promise<{ token: string; expiresIn: number }> {
  const now = Math.floor(nowMs / 1000)
  const lifetime = grant.kind === 'his' ? HIS_TOKEN_LIFETIME : PEER_TOKEN_LIFETIME
  const share = grant.kind === 'share' ? grant.reference : grant.kind === 'record' ? grant.share : undefined
  const claims =
    grant.kind === 'his'
      ? { scope: grant.scopes.join(' '), ...(grant.asker ? { extensions: b2bExtension(grant.asker) } : {}) }
      : {
          scope: peerScope(grant),
          cnf: { jkt: grant.thumbprint },
          extensions: {
            ...b2bExtension(grant.asker),
            ...iuaExtension(grant.asker),
            ...(share ? pcfExtension(share) : {}),
          },
        }
  const client = grant.kind === 'his' ? grant.clientId : grant.requester
  const token = await new SignJWT({ ...claims, client_id: client })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.kid })
    .setIssuer(keys.issuer)
    .setAudience(`${keys.issuer}/${grant.kind}`)
    .setSubject(client)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetime)
    .setJti(randomUUID())
    .sign(keys.privateKey)
  return { token, expiresIn: lifetime }
}

/**
 * @param kinds of which of these it may be
 * @throws WayleaveError `token-missing`, `token-expired`, `token-invalid`.
 */
export async function verifyToken<K extends Grant['kind']>(
  keys: TokenKeys,
  kinds: readonly K[],
  token: string | undefined,
  nowMs: number,
): Promise<OfKind<K>> {
  return (await verified(keys, kinds, token, nowMs)).grant
}

/** How many tokens that verified are remembered. */
const REMEMBERED = 10_000

/**
 * Verifies tokens as {@link verifyToken} does, the signature of each once: it is the dearest part of a request, and a token
 * says the same every time until it expires.
 */
export function createTokenVerifier(keys: TokenKeys) {
  const known = new LRUCache<string, { grant: Grant; expiresAt: number }>({ max: REMEMBERED })
  return async <K extends Grant['kind']>(
    kinds: readonly K[],
    token: string | undefined,
    nowMs: number,
  ): Promise<OfKind<K>> => {
    // By its hash: what a memory dump would show of it opens nothing.
    const name = createHash('sha256')
      .update(token ?? '')
      .digest('base64')
    const before = known.get(name)
    if (before && isOneOf(kinds, before.grant)) {
      if (nowMs / 1000 >= before.expiresAt) throw wayleaveError('token-expired')
      return before.grant
    }
    const found = await verified(keys, kinds, token, nowMs)
    known.set(name, found)
    return found.grant
  }
}

export type TokenVerifier = ReturnType<typeof createTokenVerifier>

const isOneOf = <K extends Grant['kind']>(kinds: readonly K[], grant: Grant): grant is OfKind<K> =>
  (kinds as readonly string[]).includes(grant.kind)

async function verified<K extends Grant['kind']>(
  keys: TokenKeys,
  kinds: readonly K[],
  token: string | undefined,
  nowMs: number,
): Promise<{ grant: OfKind<K>; expiresAt: number }> {
  if (!token) throw wayleaveError('token-missing')
  const { payload } = await jwtVerify(token, keys.publicKey, {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    issuer: keys.issuer,
    audience: kinds.map((kind) => `${keys.issuer}/${kind}`),
    requiredClaims: ['exp', 'client_id', 'scope'],
    currentDate: new Date(nowMs),
  }).catch((cause: unknown) => {
    throw wayleaveError(
      cause instanceof errors.JWTExpired ? 'token-expired' : 'token-invalid',
      String(cause),
      cause,
    )
  })
  const grant = grantIn(payload)
  if (!isOneOf(kinds, grant) || payload.aud !== `${keys.issuer}/${grant.kind}`)
    throw wayleaveError('token-invalid', 'for nothing of the kind')
  return { grant, expiresAt: payload.exp ?? 0 }
}

function grantIn(payload: JWTPayload): Grant {
  const scope = String(payload.scope)
  const client = String(payload.client_id)
  const asker = payload.extensions ? readAsker(payload) : undefined
  if (String(payload.aud).endsWith('/his'))
    return { kind: 'his', clientId: client, scopes: scope.split(' '), ...(asker ? { asker } : {}) }
  const of = readPeerScope(scope)
  const { jkt } = (payload.cnf ?? {}) as { jkt?: string }
  if (!of || !jkt || !asker) throw wayleaveError('token-invalid', 'not bound, or for nothing')
  const bound = { requester: client as Hex, asker, thumbprint: jkt }
  return 'tag' in of ? { kind: 'record', ...of, ...bound } : { kind: 'share', ...of, ...bound }
}
