import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, exportJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { wayleaveError } from '../domain/errors.ts'

/** How old a proof may be, and how far ahead its clock. Seconds. */
const WINDOW = 60

export type DpopKeys = { privateKey: CryptoKey; publicKey: CryptoKey }

const hashOf = (accessToken: string) => createHash('sha256').update(accessToken).digest('base64url')

export type DpopProver = (args: {
  method: 'GET' | 'POST'
  url: string
  accessToken?: string
  nowMs: number
}) => Promise<{ proof: string; jti: string }>

/** Makes DPoP proofs (RFC 9449 §4.2), ES256, dated by the caller's clock; the `jti` of each names the request that it goes with. */
export async function createDpopProver(keys: DpopKeys): Promise<DpopProver> {
  const { kty, crv, x, y } = await exportJWK(keys.publicKey)
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } as JWK }
  return async ({ method, url, accessToken, nowMs }) => {
    const jti = randomUUID()
    const ath = accessToken === undefined ? {} : { ath: hashOf(accessToken) }
    const proof = await new SignJWT({ htm: method, htu: url, ...ath })
      .setProtectedHeader(header)
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setJti(jti)
      .sign(keys.privateKey)
    return { proof, jti }
  }
}

/**
 * Verifies a DPoP proof (RFC 9449 §4.3): type and algorithm, embedded public key, method and address, age, access-token
 * hash where a token is presented, and a `jti` never seen before.
 * @returns the key's thumbprint (RFC 7638) and the proof's `jti`.
 * @throws WayleaveError `dpop-invalid` or `dpop-replayed`.
 */
export async function verifyDpopProof(args: {
  proof: string | undefined
  method: string
  url: string
  accessToken?: string
  remember: (key: string, expiresAtMs: number) => Promise<boolean>
  nowMs: number
}): Promise<{ thumbprint: string; jti: string }> {
  if (!args.proof || args.proof.length > 4096) throw wayleaveError('dpop-invalid', 'no proof')
  const { payload, protectedHeader } = await jwtVerify(args.proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    currentDate: new Date(args.nowMs),
    requiredClaims: ['jti', 'htm', 'htu', 'iat'],
  }).catch((cause: unknown) => {
    throw wayleaveError('dpop-invalid', String(cause), cause)
  })
  const { jti, htm, htu, iat = 0, ath } = payload
  if (htm !== args.method || htu !== args.url) throw wayleaveError('dpop-invalid', 'method or address differ')
  if (Math.abs(args.nowMs / 1000 - iat) > WINDOW)
    throw wayleaveError('dpop-invalid', 'too old or from the future')
  if (typeof jti !== 'string' || jti.length > 128) throw wayleaveError('dpop-invalid', 'no jti')
  if (args.accessToken !== undefined) {
    if (typeof ath !== 'string' || !sameText(ath, hashOf(args.accessToken)))
      throw wayleaveError('dpop-invalid', 'made for another token')
  }
  if (!protectedHeader.jwk) throw wayleaveError('dpop-invalid', 'no key')
  const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk)
  const fresh = await args.remember(`dpop/${thumbprint}/${jti}`, (iat + 2 * WINDOW) * 1000)
  if (!fresh) throw wayleaveError('dpop-replayed', 'jti seen before')
  return { thumbprint, jti }
}

/** Compares without telling by its time where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return x !== undefined && y !== undefined && timingSafeEqual(x, y)
}
