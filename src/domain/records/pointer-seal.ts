import { createCipheriv, createDecipheriv } from 'node:crypto'
import { fromHex, type Hex } from '../hex.ts'
import { POINTER_BYTES } from './pointer.ts'

/** Bytes of every pointer ciphertext on the chain: 12 nonce, 132 pointer, 16 authentication tag (I7). */
export const SEALED_POINTER_BYTES = 160

/** Where an entry belongs: bound into it as associated data, so that it opens nowhere else. */
export type EntryPlace = { chainId: number; contract: Hex; tag: Hex }

function associatedData({ chainId, contract, tag }: EntryPlace): Uint8Array {
  const chain = new Uint8Array(8)
  new DataView(chain.buffer).setBigUint64(0, BigInt(chainId))
  return Buffer.concat([chain, fromHex(contract.toLowerCase()), fromHex(tag)])
}

/**
 * AES-256-GCM with a random 12-byte nonce given by the caller and kept in front.
 * @throws RangeError when nonce or pointer have another length: the result must not tell itself apart by its own (I7).
 */
export function sealPointer(
  sealKey: Uint8Array,
  place: EntryPlace,
  nonce: Uint8Array,
  pointer: Uint8Array,
): Uint8Array {
  if (nonce.length !== 12 || pointer.length !== POINTER_BYTES)
    throw new RangeError('A pointer has 132 bytes, its nonce 12')
  const cipher = createCipheriv('aes-256-gcm', sealKey, nonce)
  cipher.setAAD(associatedData(place))
  return Buffer.concat([nonce, cipher.update(pointer), cipher.final(), cipher.getAuthTag()])
}

/** @throws Error when the key, the place or a single bit is not the one it was sealed with. */
export function openPointer(sealKey: Uint8Array, place: EntryPlace, sealed: Uint8Array): Uint8Array {
  if (sealed.length !== SEALED_POINTER_BYTES) throw new RangeError('A sealed pointer has 160 bytes')
  const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, 12))
  decipher.setAAD(associatedData(place))
  decipher.setAuthTag(sealed.subarray(144))
  return Buffer.concat([decipher.update(sealed.subarray(12, 144)), decipher.final()])
}
