import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** The keys of one hospital's broker. The file is for its owner only (mode 600). */
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

/** Reads the key file, or makes one when there is none. */
export async function loadKeyring(file: string): Promise<Keyring> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Keyring
  const keyring = await createKeyring()
  writeFileSync(file, JSON.stringify(keyring), { mode: 0o600, flag: 'wx' })
  return keyring
}

/** The public halves, as a JWK Set (RFC 7517) for the member's profile. */
export function publicJwks(keyring: Keyring): { keys: JWK[] } {
  return { keys: [keyring.signing, keyring.sealing].map(({ d: _private, ...publicPart }) => publicPart) }
}
