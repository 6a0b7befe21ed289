import { TypedDataEncoder, Wallet } from 'ethers'
import { CompactEncrypt, importJWK, type JWK } from 'jose'
import type { SignedAct } from '../domain/consent/read-signed-act.ts'
import {
  type ActName,
  digestOf,
  type HashedMessage,
  hashedMessage,
  type TypedData,
  type TypedDataDomain,
} from '../domain/consent/typed-data.ts'
import type { Hex } from '../domain/hex.ts'
import { SIGN_IN_TYPES, signInDomain } from '../domain/identity/sign-in.ts'

/** An act as a broker other than the custodian's takes it: hashes instead of bodies, the bodies sealed to the custodian. */
export type HashedForm = {
  typedData: { domain: TypedDataDomain; primaryType: ActName; message: HashedMessage }
  signer: Hex
  signature: Hex
  /** JWE (compact) of the clear form. */
  sealed: string
}

/**
 * Signs an act (EIP-712, secp256k1).
 * @throws Error when the digest that ethers signs is not the one that the contracts will compute: nothing is signed then.
 */
export async function signAct<A extends ActName>(
  privateKey: Hex,
  typedData: TypedData<A>,
): Promise<SignedAct<A>> {
  const { domain, types, message } = typedData
  if (TypedDataEncoder.hash(domain, types, message) !== digestOf(typedData)) {
    throw new Error('The typed data does not hash as the contracts hash it')
  }
  const wallet = new Wallet(privateKey)
  const signature = (await wallet.signTypedData(domain, types, message)) as Hex
  return { typedData, signer: wallet.address.toLowerCase() as Hex, signature }
}

/** Signs a sign-in challenge for one origin: it opens a session there and nowhere else. */
export async function signSignIn(
  privateKey: Hex,
  chainId: number,
  challenge: { origin: string; nonce: string },
): Promise<Hex> {
  return (await new Wallet(privateKey).signTypedData(signInDomain(chainId), SIGN_IN_TYPES, challenge)) as Hex
}

/** Seals the clear form to the custodian's encryption key: JWE (RFC 7516), ECDH-ES+A256KW, A256GCM. */
export async function sealToCustodian(signed: SignedAct, custodianKey: JWK): Promise<string> {
  const { typedData, signer, signature, body, helper, signedAt } = signed
  const whole = { typedData, signer, signature, body, helper, signedAt }
  const clear = new TextEncoder().encode(JSON.stringify(whole))
  return new CompactEncrypt(clear)
    .setProtectedHeader({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      ...(custodianKey.kid ? { kid: custodianKey.kid } : {}),
    })
    .encrypt(await importJWK(custodianKey, 'ECDH-ES+A256KW'))
}

/** An act as it can lie anywhere and go through anybody: nobody but the custodian reads whom and what it is about. */
export async function sealedForm(
  signed: SignedAct,
  custodianKeys: { keys: readonly JWK[] },
): Promise<HashedForm> {
  return hashedForm(signed, await sealToCustodian(signed, sealingKeyOf(custodianKeys)))
}

/** The form for strangers: the same signature, whose digest the hashes alone yield. */
export function hashedForm(signed: SignedAct, sealed: string): HashedForm {
  const { domain, primaryType, message } = signed.typedData
  return {
    typedData: { domain, primaryType, message: hashedMessage(primaryType, message) },
    signer: signed.signer,
    signature: signed.signature,
    sealed,
  }
}

/**
 * The key of a member's JWK Set (RFC 7517) that messages to it are sealed with.
 * @throws Error when the set holds none.
 */
export function sealingKeyOf(jwks: { keys: readonly JWK[] }): JWK {
  const key = jwks.keys.find(({ use, alg }) => use === 'enc' && alg === 'ECDH-ES+A256KW')
  if (!key) throw new Error('The member publishes no key to seal to')
  return key
}
