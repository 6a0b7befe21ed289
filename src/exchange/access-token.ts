import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { type Asker, b2bExtension, iuaExtension, pcfExtension, readAsker } from './b2b.ts'

/** What one access token allows: a HIS client its scopes, another member's broker one record, or the list behind a share. */
export type Grant =
  | { kind: 'his'; clientId: string; scopes: string[]; asker?: Asker }
  /** `share` is the reference of the share under whose consent it was issued, where one was sent. */
  | { kind: 'record'; requester: Hex; tag: Hex; asker: Asker; thumbprint: string; share?: string }
  | { kind: 'list'; requester: Hex; reference: string; asker: Asker; thumbprint: string }

/** The longest life of a token of another member's broker (design §6), and of a HIS client's. Seconds. */
const PEER_TOKEN_LIFETIME = 60
const HIS_TOKEN_LIFETIME = 300

/** The one scope of another member's broker: `record:` and a tag, or `list:` and the reference of a share. */
export function readPeerScope(scope: string): { tag: Hex } | { reference: string } | undefined {
  const tag = /^record:(0x[0-9a-f]{64})$/.exec(scope)?.[1]
  const reference = /^list:([A-Za-z0-9_-]{22})$/.exec(scope)?.[1]
  return tag ? { tag: tag as Hex } : reference ? { reference } : undefined
}

export const peerScope = (of: { tag: Hex } | { reference: string }): string =>
  'tag' in of ? `record:${of.tag}` : `list:${of.reference}`

export type TokenKeys = { privateKey: CryptoKey; publicKey: CryptoKey; kid: string; issuer: string }

/** An RFC 9068 access token, signed by this broker for itself. */
export async function issueToken(
  keys: TokenKeys,
  grant: Grant,
  nowMs: number,
): Promise<{ token: string; expiresIn: number }> {
  const now = Math.floor(nowMs / 1000)
  const lifetime = grant.kind === 'his' ? HIS_TOKEN_LIFETIME : PEER_TOKEN_LIFETIME
  const share = grant.kind === 'list' ? grant.reference : grant.kind === 'record' ? grant.share : undefined
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

/** @throws WayleaveError `token-missing`, `token-expired`, `token-invalid`. */
export async function verifyToken<K extends Grant['kind']>(
  keys: TokenKeys,
  kind: K,
  token: string | undefined,
  nowMs: number,
): Promise<Extract<Grant, { kind: K }>> {
  if (!token) throw wayleaveError('token-missing')
  const { payload } = await jwtVerify(token, keys.publicKey, {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    issuer: keys.issuer,
    audience: `${keys.issuer}/${kind}`,
    requiredClaims: ['exp', 'client_id', 'scope'],
    currentDate: new Date(nowMs),
  }).catch((cause: unknown) => {
    throw wayleaveError(
      cause instanceof errors.JWTExpired ? 'token-expired' : 'token-invalid',
      String(cause),
      cause,
    )
  })
  const scope = String(payload.scope)
  const client = String(payload.client_id)
  const asker = payload.extensions ? readAsker(payload) : undefined
  if (kind === 'his') {
    const grant: Grant = {
      kind: 'his',
      clientId: client,
      scopes: scope.split(' '),
      ...(asker ? { asker } : {}),
    }
    return grant as Extract<Grant, { kind: K }>
  }
  const of = readPeerScope(scope)
  if (!of || (kind === 'record') !== 'tag' in of)
    throw wayleaveError('token-invalid', 'for nothing of the kind')
  const { jkt } = (payload.cnf ?? {}) as { jkt?: string }
  if (!jkt || !asker) throw wayleaveError('token-invalid', 'not bound')
  const bound = { requester: client as Hex, asker, thumbprint: jkt }
  const grant: Grant = 'tag' in of ? { kind: 'record', ...of, ...bound } : { kind: 'list', ...of, ...bound }
  return grant as Extract<Grant, { kind: K }>
}
