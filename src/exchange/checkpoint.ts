import {
  CompactSign,
  compactVerify,
  decodeProtectedHeader,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import { type Checkpoint, checkpointText, readCheckpoint } from '../domain/evidence/checkpoint.ts'
import type { Hex } from '../domain/hex.ts'

const TYP = 'wayleave-checkpoint+jws'

/** Longest signed checkpoint that is looked at: several times what one takes. Characters. */
export const MAX_CHECKPOINT = 2_000

/** As many as one message holds: a member's newest, and the newest of each other member that it knows. */
export const MAX_CHECKPOINTS = 200

/** A checkpoint that was verified, with the public key that did. */
export type OpenedCheckpoint = { checkpoint: Checkpoint; jws: string; jwk: JWK }

/** Compact JWS (RFC 7515 §7.1, ES256) over the RFC 8785 form; `typ` keeps it from passing for anything else. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  signing: { key: CryptoKey; kid: string },
): Promise<string> {
  return new CompactSign(new TextEncoder().encode(checkpointText(checkpoint)))
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: TYP })
    .sign(signing.key)
}

/**
 * Verifies a checkpoint with a key that the member which it names has published.
 * @throws WayleaveError `checkpoint-invalid`
 */
export async function openCheckpoint(
  jws: string,
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>,
): Promise<OpenedCheckpoint> {
  try {
    if (jws.length > MAX_CHECKPOINT) throw new Error('too long')
    const { typ, kid, alg } = decodeProtectedHeader(jws)
    if (typ !== TYP || alg !== 'ES256') throw new Error('a signature over something else')
    const checkpoint = readCheckpoint(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
    const jwks = await keysOf(checkpoint.member)
    const jwk = jwks?.keys.find((key) => key.kid === kid && key.use !== 'enc')
    if (!jwk) throw new Error('a key that its member does not publish')
    const key = await importJWK(jwk, 'ES256')
    // The payload that was read is what the signature covers: both are the same part of the same text.
    await compactVerify(jws, key, { algorithms: ['ES256'] })
    return { checkpoint, jws, jwk }
  } catch (cause) {
    throw wayleaveError('checkpoint-invalid', cause instanceof Error ? cause.message : 'no error', cause)
  }
}
