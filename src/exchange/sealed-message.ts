import {
  CompactEncrypt,
  CompactSign,
  compactDecrypt,
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import { type Hex, isHex } from '../domain/hex.ts'

/** Signs (JWS, ES256), then seals to one member (JWE, ECDH-ES+A256KW, A256GCM): the order of RFC 7519 §11.2. */
export async function sealMessage(
  typ: string,
  payload: object,
  signing: { key: CryptoKey; kid: string },
  recipient: JWK,
): Promise<string> {
  const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ })
    .sign(signing.key)
  return new CompactEncrypt(new TextEncoder().encode(jws))
    .setProtectedHeader({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      ...(recipient.kid ? { kid: recipient.kid } : {}),
      cty: 'JWT',
    })
    .encrypt(await importJWK(recipient, 'ECDH-ES+A256KW'))
}

/**
 * Opens a message and verifies it with the keys that its sender published. What it says is the caller's to check.
 * @param senderOf the member that the payload names as its sender
 * @throws WayleaveError `not-ready` where nothing is known of the sender, or of the key that it signed with, yet: then it is sent
 * again; any other error
 * where it is not sealed to us, not of this type or not signed by its sender
 */
export async function openMessage(
  typ: string,
  jwe: string,
  own: CryptoKey,
  senderOf: (payload: Record<string, unknown>) => unknown,
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<Record<string, unknown>> {
  const { plaintext } = await compactDecrypt(jwe, own, {
    keyManagementAlgorithms: ['ECDH-ES+A256KW'],
    contentEncryptionAlgorithms: ['A256GCM'],
  })
  const jws = new TextDecoder().decode(plaintext)
  const claimed: unknown = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
  const sender = typeof claimed === 'object' && claimed ? senderOf(claimed as Record<string, unknown>) : ''
  if (!isHex(sender, 32)) throw new Error('no sender')
  const jwks = await keysOf(sender)
  if (!jwks) throw wayleaveError('not-ready', 'a member without a profile so far')
  // One that the sender will publish in a moment, or one that it has taken back: then it says it again under its present one.
  const { kid } = decodeProtectedHeader(jws)
  if (kid !== undefined && !jwks.keys.some((key) => key.kid === kid))
    throw wayleaveError('not-ready', 'a key not published so far')
  const { payload } = await compactVerify(jws, createLocalJWKSet(jwks), { algorithms: ['ES256'] })
  if (decodeProtectedHeader(jws).typ !== typ) throw new Error('a message of another type')
  return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
}
