import { computeAddress, keccak256, type SigningKey } from 'ethers'
import type { Hex } from '../../../src/domain/hex.ts'
import { refuse } from './outcome.ts'

/** What is sent as somebody's signature, and what its maker knows of it. */
export type Signed = { signer: Hex; bytes: Hex; by: string; over: Hex; wellFormed: boolean }

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const addresses = new WeakMap<SigningKey, Hex>()
/** Lower-case. */
export function addressOf(key: SigningKey): Hex {
  const known = addresses.get(key) ?? (computeAddress(key.publicKey).toLowerCase() as Hex)
  addresses.set(key, known)
  return known
}

const signerHashes = new Map<Hex, Hex>()
export function signerHashOf(signer: Hex): Hex {
  const known = signerHashes.get(signer) ?? (keccak256(signer) as Hex)
  signerHashes.set(signer, known)
  return known
}

/** A key's signature over a digest, said to be by that key. */
export function signedBy(key: SigningKey, digest: Hex): Signed {
  const signer = addressOf(key)
  return { signer, bytes: key.sign(digest).serialized as Hex, by: signer, over: digest, wellFormed: true }
}

/** The same signature with s in the upper half: valid to `ecrecover`, refused by us. */
export function withHighS(signed: Signed): Signed {
  const [r, s, v] = [signed.bytes.slice(2, 66), signed.bytes.slice(66, 130), signed.bytes.slice(130)]
  const high = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
  return { ...signed, bytes: `0x${r}${high}${v === '1b' ? '1c' : '1b'}`, wellFormed: false }
}

/** The hash that stands for a signer who signed this digest. */
export function requireSigned({ signer, by, over, wellFormed }: Signed, digest: Hex): Hex {
  const bytes = signer.length / 2 - 1
  if (bytes === 116) refuse('SignerVerifierUnknown', signer.slice(0, 42))
  if (bytes !== 20) refuse('SignerNotSupported', bytes)
  const signerHash = signerHashOf(signer)
  if (!wellFormed || by !== signer || over !== digest) refuse('SignerBadSignature', signerHash, digest)
  return signerHash
}
