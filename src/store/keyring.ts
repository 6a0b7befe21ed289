import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** The keys of one hospital's broker, as its key file holds them (`key-file.ts`). */
export type Keyring = {
  /** secp256k1 private key of the operator account, 0x-hex. */
  operator: string
  /** Key-encryption key: wraps every patient key. 32 bytes, base64url. */
  kek: string
  /** ES256: signs records, responses, tokens, receipts and shares. */
  signing: JWK
  /** The key that will sign next, published beside the present one so that all others know it before it signs. */
  nextSigning?: JWK
  /** The public half of the key that signed before, published until nothing that it signed is under way any more. */
  formerSigning?: JWK
  /** ECDH-ES+A256KW: opens what is sealed to this member. */
  sealing: JWK
}

export async function createSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomBytes(6).toString('hex'), alg: 'ES256', use: 'sig' }
}

export async function createKeyring(): Promise<Keyring> {
  const sealing = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
  return {
    operator: `0x${randomBytes(32).toString('hex')}`,
    kek: randomBytes(32).toString('base64url'),
    signing: await createSigningKey(),
    sealing: {
      ...(await exportJWK(sealing.privateKey)),
      kid: randomBytes(6).toString('hex'),
      alg: 'ECDH-ES+A256KW',
      use: 'enc',
    },
  }
}

/** The public half. */
export const publicPart = ({ d: _private, ...rest }: JWK): JWK => rest

/** The public halves, as a JWK Set (RFC 7517) for the member's profile. */
export function publicJwks({ signing, sealing, nextSigning, formerSigning }: Keyring): { keys: JWK[] } {
  const keys = [signing, sealing, nextSigning, formerSigning]
  return { keys: keys.filter((key) => key !== undefined).map(publicPart) }
}

/**
 * One step further in the renewal of the signing key: the next one is made, takes over, and the former one goes. After each
 * step the broker is started anew, and publishes what the key file then holds.
 */
export async function renewSigning(keyring: Keyring): Promise<Keyring> {
  const { nextSigning, formerSigning, ...rest } = keyring
  if (nextSigning) return { ...rest, signing: nextSigning, formerSigning: publicPart(keyring.signing) }
  return formerSigning ? rest : { ...rest, nextSigning: await createSigningKey() }
}

/** For a key that was stolen: another one signs from now on, and the former is published no more. */
export async function replaceSigning(keyring: Keyring): Promise<Keyring> {
  const { nextSigning: _next, formerSigning: _former, ...rest } = keyring
  return { ...rest, signing: await createSigningKey() }
}
