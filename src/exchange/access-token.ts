import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import { type Hex, isHex } from '../domain/hex.ts'
import { type Asker, b2bExtension, readAsker } from './b2b.ts'

/** What one access token allows: a HIS client its scopes, another member's broker one record. */
export type Grant =
  | { kind: 'his'; clientId: string; scopes: string[]; asker?: Asker }
  | { kind: 'record'; requester: Hex; tag: Hex; asker: Asker; thumbprint: string }

/** The longest life of a token for one record (design §6), and of a HIS client's. Seconds. */
const RECORD_TOKEN_LIFETIME = 60
const HIS_TOKEN_LIFETIME = 300

const RECORD_SCOPE = 'record:'

export type TokenKeys = { privateKey: CryptoKey; publicKey: CryptoKey; kid: string; issuer: string }

/** An RFC 9068 access token, signed by this broker for itself. */
export async function issueToken(
  keys: TokenKeys,
  grant: Grant,
  nowMs: number,
): Promise<{ token: string; expiresIn: number }> {
  const now = Math.floor(nowMs / 1000)
  const lifetime = grant.kind === 'record' ? RECORD_TOKEN_LIFETIME : HIS_TOKEN_LIFETIME
  const claims =
    grant.kind === 'record'
      ? {
          scope: `${RECORD_SCOPE}${grant.tag}`,
          cnf: { jkt: grant.thumbprint },
          extensions: b2bExtension(grant.asker),
        }
      : { scope: grant.scopes.join(' '), ...(grant.asker ? { extensions: b2bExtension(grant.asker) } : {}) }
  const client = grant.kind === 'record' ? grant.requester : grant.clientId
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
  const tag = scope.startsWith(RECORD_SCOPE) ? scope.slice(RECORD_SCOPE.length) : undefined
  if (!isHex(tag, 32)) throw wayleaveError('token-invalid', 'for no record')
  const { jkt } = (payload.cnf ?? {}) as { jkt?: string }
  if (!jkt || !asker) throw wayleaveError('token-invalid', 'not bound')
  const grant: Grant = {
    kind: 'record',
    requester: client as Hex,
    tag,
    asker,
    thumbprint: jkt,
  }
  return grant as Extract<Grant, { kind: K }>
}
