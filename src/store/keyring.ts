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
  /** ECDH-ES+A256KW: opens what is sealed to this member. */
  sealing: JWK
}

export async function createKeyring(): Promise<Keyring> {
  const signing = await generateKeyPair('ES256', { extractable: true })
  const sealing = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
  return {
    operator: `0x${randomBytes(32).toString('hex')}`,
    kek: randomBytes(32).toString('base64url'),
    signing: {
      ...(await exportJWK(signing.privateKey)),
      kid: randomBytes(6).toString('hex'),
      alg: 'ES256',
      use: 'sig',
    },
    sealing: {
      ...(await exportJWK(sealing.privateKey)),
      kid: randomBytes(6).toString('hex'),
      alg: 'ECDH-ES+A256KW',
      use: 'enc',
    },
  }
}

/** The public halves, as a JWK Set (RFC 7517) for the member's profile. */
export function publicJwks(keyring: Keyring): { keys: JWK[] } {
  return { keys: [keyring.signing, keyring.sealing].map(({ d: _private, ...publicPart }) => publicPart) }
}
