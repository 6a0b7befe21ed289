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
import type { Scope } from '../domain/consent/scope.ts'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import { type Hex, isHex } from '../domain/hex.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'

/**
 * What a custodian sends to a grantee when a consent takes effect, changes or ends (design §5). It holds neither handle,
 * nor salt, nor hash: with any of them the grantee could find the calldata and there whom else the patient trusts.
 */
export type Share = {
  /** Random, one for each grantee and scope; a later share with a higher sequence replaces an earlier one. */
  reference: string
  sequence: number
  custodian: Hex
  grantee: Hex
  /** True when nothing is shared any more; then everything below is empty. */
  ended: boolean
  identifiers: Identifier[]
  scope: Scope
  terms: { dataClasses: string[]; sensitivities: string[] }
  fromDay: number
  untilDay: number
  /** The keys of the compartments that the consent opens in full, of every pointer key's number; base64url. */
  compartments: { name: string; keyNumber: number; key: string }[]
}

const isText = (x: unknown): x is string => typeof x === 'string' && x.length <= 512
const isTexts = (x: unknown, max: number): boolean => Array.isArray(x) && x.length <= max && x.every(isText)

/** A custodian's slip, or malice, must not spoil what the others shared: what is kept has the form that is read later. */
function isShare(x: Share): boolean {
  const {
    reference,
    sequence,
    custodian,
    ended,
    identifiers,
    scope,
    terms,
    fromDay,
    untilDay,
    compartments,
  } = x
  const numbers = [sequence, fromDay, untilDay].every((n) => Number.isSafeInteger(n) && n >= 0)
  const texts = [reference, custodian, scope?.granteeType, scope?.grantee, scope?.purpose].every(isText)
  if (!numbers || !texts || typeof ended !== 'boolean') return false
  if (!isTexts(terms?.dataClasses, 64) || !isTexts(terms.sensitivities, 64)) return false
  if (
    !Array.isArray(identifiers) ||
    identifiers.length > 64 ||
    !identifiers.every((i) => isText(i?.system) && isText(i.value))
  )
    return false
  const isKey = (key: unknown) => isText(key) && Buffer.from(key, 'base64url').length === 32
  return (
    Array.isArray(compartments) &&
    compartments.length <= 10_000 &&
    compartments.every((c) => isText(c?.name) && Number.isSafeInteger(c.keyNumber) && isKey(c.key))
  )
}

const TYP = 'wayleave-share+jws'

/** Signs (ES256), then seals to the grantee (JWE, ECDH-ES+A256KW, A256GCM): RFC 7519 §11.2's order. */
export async function sealShare(
  share: Share,
  signing: { key: CryptoKey; kid: string },
  recipient: JWK,
): Promise<string> {
  const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(share)))
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: TYP })
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
 * @throws WayleaveError `share-invalid` when it is not sealed to us, not signed by its custodian, or not for us;
 * `not-ready` where nothing is known of the custodian yet: then it is sent again.
 */
export async function openShare(
  jwe: string,
  own: { member: Hex; key: CryptoKey },
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<Share> {
  try {
    const { plaintext } = await compactDecrypt(jwe, own.key, {
      keyManagementAlgorithms: ['ECDH-ES+A256KW'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    const jws = new TextDecoder().decode(plaintext)
    const claimed = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Share
    if (!isHex(claimed?.custodian, 32)) throw new Error('no custodian')
    const jwks = await keysOf(claimed.custodian)
    if (!jwks) throw wayleaveError('not-ready', 'a custodian without a profile so far')
    const { payload } = await compactVerify(jws, createLocalJWKSet(jwks), { algorithms: ['ES256'] })
    if (decodeProtectedHeader(jws).typ !== TYP) throw new Error('not a share')
    const share = JSON.parse(new TextDecoder().decode(payload)) as Share
    if (!isShare(share)) throw new Error('not a share')
    if (share.grantee !== own.member) throw new Error('a share for another member')
    return share
  } catch (cause) {
    if (cause instanceof WayleaveError) throw cause
    throw wayleaveError('share-invalid', cause instanceof Error ? cause.name : 'no error', cause)
  }
}
