import { randomUUID } from 'node:crypto'
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import { type Asker, b2bExtension } from './b2b.ts'
import { keySetOf } from './key-set.ts'

/** SMART Backend Services allows five minutes at the most. Seconds. */
const MAX_LIFETIME = 300

/** RS384 and ES384 are those that SMART requires; none is symmetric, and `none` is none. */
export const ASSERTION_ALGORITHMS: readonly string[] = ['ES256', 'ES384', 'RS384', 'PS384']

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A `private_key_jwt` client assertion (RFC 7523, SMART App Launch 2.1 "Backend Services") with the hl7-b2b extension. */
export async function makeClientAssertion(args: {
  key: CryptoKey
  kid: string
  alg: string
  clientId: string
  audience: string
  asker?: Asker
  nowMs: number
}): Promise<string> {
  const now = Math.floor(args.nowMs / 1000)
  return new SignJWT(args.asker ? { extensions: b2bExtension(args.asker) } : {})
    .setProtectedHeader({ alg: args.alg, kid: args.kid, typ: 'JWT' })
    .setIssuer(args.clientId)
    .setSubject(args.clientId)
    .setAudience(args.audience)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .setJti(randomUUID())
    .sign(args.key)
}

/**
 * Verifies a client assertion: signature by a registered key, `iss` = `sub` = the client, `aud` this endpoint, at most
 * five minutes of life, and a `jti` never seen before.
 * @throws WayleaveError `assertion-invalid` or `assertion-replayed`.
 */
export async function verifyClientAssertion(args: {
  assertion: string
  audience: string
  /** The client's keys; `kid` is the one that the assertion says it was signed with, for whoever must look for it. */
  keysOf: (clientId: string, kid?: string) => Promise<JSONWebKeySet | undefined>
  remember: (key: string, expiresAtMs: number) => Promise<boolean>
  nowMs: number
}): Promise<{ clientId: string; claims: JWTPayload }> {
  const clientId = issuerOf(args.assertion)
  const jwks = await args.keysOf(clientId, kidOf(args.assertion))
  if (!jwks) throw wayleaveError('assertion-invalid', 'unknown client')
  const claims = await verified(args.assertion, jwks, clientId, args)
  // SMART asks for no `iat`: where there is none, the life counted is what is left of it.
  const { jti, exp = 0, iat = args.nowMs / 1000 } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > 128)
    throw wayleaveError('assertion-invalid', 'no jti')
  if (exp - Math.min(iat, args.nowMs / 1000) > MAX_LIFETIME)
    throw wayleaveError('assertion-invalid', 'lives too long')
  const fresh = await args.remember(`assertion/${clientId}/${jti}`, exp * 1000 + 60_000)
  if (!fresh) throw wayleaveError('assertion-replayed', 'jti seen before')
  return { clientId, claims }
}

function issuerOf(assertion: string): string {
  try {
    const { iss, sub } = decodeJwt(assertion)
    if (typeof iss === 'string' && iss === sub && iss.length <= 256) return iss
  } catch {
    // falls through: whatever cannot be read is refused like whatever names nobody
  }
  throw wayleaveError('assertion-invalid', 'iss and sub must be the client')
}

function kidOf(assertion: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(assertion)
    return typeof kid === 'string' && kid.length <= 256 ? kid : undefined
  } catch {
    return undefined // a header that cannot be read names no key, and fails its verification
  }
}

async function verified(
  assertion: string,
  jwks: JSONWebKeySet,
  clientId: string,
  { audience, nowMs }: { audience: string; nowMs: number },
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(assertion, keySetOf(jwks), {
      audience,
      issuer: clientId,
      subject: clientId,
      algorithms: [...ASSERTION_ALGORITHMS],
      requiredClaims: ['exp', 'jti'],
      currentDate: new Date(nowMs),
    })
    return payload
  } catch (cause) {
    const detail = cause instanceof errors.JOSEError ? cause.code : String(cause)
    throw wayleaveError('assertion-invalid', detail, cause)
  }
}
