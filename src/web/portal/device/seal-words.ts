import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose'

/** Another passphrase; no sealed words; or words that are not those of this device. */
export type SealTrouble = 'wrong-passphrase' | 'not-a-seal' | 'other-words'

/** What was given opens nothing here. */
export class SealNotOpened extends Error {
  override readonly name = 'SealNotOpened'
  readonly trouble: SealTrouble

  constructor(trouble: SealTrouble, cause?: unknown) {
    super(trouble, { cause })
    this.trouble = trouble
  }
}

/** OWASP's figure for PBKDF2 with SHA-512 is 210,000; a device opens its words seldom. */
const ITERATIONS = 600_000

/** NIST SP 800-63B-4 §3.1.1.2: a password that stands alone has 15 characters at least. */
const SHORTEST = 15
const LONGEST = 256
/** Below that it is one key held down. */
const FEWEST_DIFFERENT = 6
/** Twelve words sealed take some 400 characters; more is no file of ours, and is not looked at. */
const LONGEST_FILE = 4_096

export type PassphraseTrouble = 'too-short' | 'too-long' | 'too-even'

/** What is wrong with a new passphrase; undefined when it may serve. */
export function passphraseTrouble(passphrase: string): PassphraseTrouble | undefined {
  const characters = [...normal(passphrase)]
  if (characters.length < SHORTEST) return 'too-short'
  if (characters.length > LONGEST) return 'too-long'
  return new Set(characters).size < FEWEST_DIFFERENT ? 'too-even' : undefined
}

/**
 * Seals words with a passkey's secret: JWE (RFC 7516), compact, `dir` with A256GCM.
 * @param secret 32 bytes of the WebAuthn PRF extension
 */
export async function sealWithSecret(words: string, secret: BufferSource): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(words))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(await keyFrom(secret))
}

/** @throws SealNotOpened `not-a-seal` */
export async function openWithSecret(jwe: string, secret: BufferSource): Promise<string> {
  try {
    const { plaintext } = await compactDecrypt(jwe, await keyFrom(secret), {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    return new TextDecoder().decode(plaintext)
  } catch (error) {
    throw new SealNotOpened('not-a-seal', error)
  }
}

/** Seals words with a passphrase: JWE, compact, PBES2-HS512+A256KW (RFC 7518 §4.8) with A256GCM. */
export async function sealWithPassphrase(words: string, passphrase: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(words))
    .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM' })
    .setKeyManagementParameters({ p2c: ITERATIONS })
    .encrypt(passwordOf(passphrase))
}

/** @throws SealNotOpened */
export async function openWithPassphrase(jwe: string, passphrase: string): Promise<string> {
  if (!isSealedFile(jwe)) throw new SealNotOpened('not-a-seal')
  try {
    const { plaintext } = await compactDecrypt(jwe.trim(), passwordOf(passphrase), {
      keyManagementAlgorithms: ['PBES2-HS512+A256KW'],
      contentEncryptionAlgorithms: ['A256GCM'],
      maxPBES2Count: ITERATIONS,
    })
    return new TextDecoder().decode(plaintext)
  } catch (error) {
    const wrong = error instanceof errors.JWEDecryptionFailed
    throw new SealNotOpened(wrong ? 'wrong-passphrase' : 'not-a-seal', error)
  }
}

/** Whether a text can be words that a passphrase seals; whether it opens is another question. */
export function isSealedFile(text: string): boolean {
  if (text.length > LONGEST_FILE) return false
  try {
    const { alg, enc, p2c } = decodeProtectedHeader(text.trim())
    return alg === 'PBES2-HS512+A256KW' && enc === 'A256GCM' && Number(p2c) <= ITERATIONS
  } catch {
    return false
  }
}

/**
 * By which a device knows whether words are those that it holds already, while those are sealed. From 128 bits of chance nobody comes
 * back from it to the words.
 */
export async function markOf(words: string): Promise<string> {
  const bytes = await crypto.subtle.digest(
    'SHA-256',
    new TextEncoder().encode(`wayleave/portal/mark ${words}`),
  )
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** One form for all keyboards, spaces at the ends not counted. */
const normal = (passphrase: string) => passphrase.normalize('NFKC').trim()
const passwordOf = (passphrase: string) => new TextEncoder().encode(normal(passphrase))

/** The key that a passkey's secret gives (HKDF-SHA-256, RFC 5869); the secret itself seals nothing. */
async function keyFrom(secret: BufferSource): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
  return crypto.subtle.deriveKey(
    {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: new Uint8Array(0),
      info: new TextEncoder().encode('wayleave/portal/words'),
    },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}
