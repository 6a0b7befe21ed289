import type { Hex } from '../../../src/domain/hex.ts'
import { type Signed, signerHashOf } from './keys.ts'
import { Refused, refuse } from './outcome.ts'
import { requireAssertion } from './passkeys.ts'

const ACCOUNT_BYTES = 20
const PASSKEY_BYTES = 116

/** Who signed, as contracts/patients/Signers.sol should find out, where passkeys are checked by this contract. */
export function createSigners(passkeyVerifier: string) {
  const verifier = passkeyVerifier.toLowerCase()

  /** The hash that stands for a signer who signed this digest. */
  function requireSigned(signed: Signed, digest: Hex): Hex {
    const { signer, by, over, wellFormed, assertion } = signed
    const length = signer.length / 2 - 1
    const signerHash = signerHashOf(signer)
    if (length === PASSKEY_BYTES) {
      const named = signer.slice(0, 42)
      if (named !== verifier) refuse('SignerVerifierUnknown', named)
      requireAssertion(signed, digest)
    } else if (length !== ACCOUNT_BYTES) refuse('SignerNotSupported', length)
    const rightKind = (length === PASSKEY_BYTES) === (assertion !== undefined)
    if (!rightKind || !wellFormed || by !== signer || over !== digest)
      refuse('SignerBadSignature', signerHash, digest)
    return signerHash
  }
  return {
    requireSigned,
    /** The same without a reason. */
    hasSigned(signed: Signed, digest: Hex): boolean {
      try {
        requireSigned(signed, digest)
        return true
      } catch (error) {
        if (error instanceof Refused) return false
        throw error
      }
    },
  }
}

export type Signers = ReturnType<typeof createSigners>
