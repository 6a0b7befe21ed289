import { createHash } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { AbiCoder, concat, getBytes, hexlify, id } from 'ethers'
import type { Hex } from '../src/domain/hex.ts'

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

const RELYING_PARTY = sha256(new TextEncoder().encode('wayleave.example'))
/** Present, verified. */
const FLAGS = 0x05

/**
 * A passkey as an authenticator and a browser would use it (WebAuthn Level 2, section 6.1), but with a fixed key and
 * deterministic signatures (RFC 6979), s in the lower half.
 *
 * @param verifier the contract that the signer names
 */
export function createBenchPasskey(verifier: string): { signer: Hex; sign: (digest: Hex) => Hex } {
  const key = getBytes(id('Wayleave bench: a passkey'))
  const point = p256.getPublicKey(key, false).slice(1)
  return {
    signer: concat([verifier, point, RELYING_PARTY]) as Hex,
    sign(digest) {
      const challenge = Buffer.from(digest.slice(2), 'hex').toString('base64url')
      const said = { type: 'webauthn.get', challenge, origin: 'https://wayleave.example', crossOrigin: false }
      const clientData = JSON.stringify(said)
      const authenticatorData = new Uint8Array([...RELYING_PARTY, FLAGS, 0, 0, 0, 0])
      const signed = sha256(authenticatorData, sha256(new TextEncoder().encode(clientData)))
      const signature = p256.sign(signed, key, { prehash: false, lowS: true, format: 'compact' })
      return AbiCoder.defaultAbiCoder().encode(
        ['bytes32', 'bytes32', 'uint256', 'uint256', 'bytes', 'string'],
        [
          hexlify(signature.slice(0, 32)),
          hexlify(signature.slice(32)),
          clientData.indexOf('"challenge"'),
          clientData.indexOf('"type"'),
          authenticatorData,
          clientData,
        ],
      ) as Hex
    },
  }
}
