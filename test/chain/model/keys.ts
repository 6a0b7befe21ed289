import { computeAddress, keccak256, SigningKey } from 'ethers'
import type { Hex } from '../../../src/domain/hex.ts'
import type { Assertion } from './passkeys.ts'
import type { Random } from './world.ts'

/** What is sent as somebody's signature, and what its maker knows of it. */
export type Signed = {
  signer: Hex
  bytes: Hex
  /** The signer whose key made it, and the digest that it is over. */
  by: Hex
  over: Hex
  wellFormed: boolean
  /** What a passkey's signature is over. */
  assertion?: Assertion
}

/** Somebody who signs: by an account of 20 bytes, or by a passkey of 116. */
export type Key = {
  signer: Hex
  /** Stands for the signer in the contracts. */
  signerHash: Hex
  sign(digest: Hex): Signed
  /** Signs in one of the ways in which nobody should. */
  spoil(random: Random, digest: Hex): Signed
}

/** Told from an account by its length. */
export const isPasskey = ({ signer }: Key) => signer.length === 2 + 2 * 116

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

/** A secp256k1 key. */
export function createAccountKey(secret: string): Key {
  const key = new SigningKey(secret)
  const signer = addressOf(key)
  function sign(digest: Hex): Signed {
    return { signer, bytes: key.sign(digest).serialized as Hex, by: signer, over: digest, wellFormed: true }
  }
  return {
    signer,
    signerHash: signerHashOf(signer),
    sign,
    spoil: ({ chance }, digest) => (chance(50) ? withHighS(sign(digest)) : sign(keccak256(digest) as Hex)),
  }
}

/** A key that is none of an account. */
export const keyOf = (signer: Hex, more: Pick<Key, 'sign' | 'spoil'>): Key => ({
  ...more,
  signer,
  signerHash: signerHashOf(signer),
})

/** The same signature with s in the upper half: valid to `ecrecover`, refused by us. */
function withHighS(signed: Signed): Signed {
  const [r, s, v] = [signed.bytes.slice(2, 66), signed.bytes.slice(66, 130), signed.bytes.slice(130)]
  const high = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
  return { ...signed, bytes: `0x${r}${high}${v === '1b' ? '1c' : '1b'}`, wellFormed: false }
}
