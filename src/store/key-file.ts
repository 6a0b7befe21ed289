/** The file of a broker's private keys: in clear with mode 600, or as a JWE (RFC 7516) under a passphrase or a key. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { createKeyring, type Keyring } from './keyring.ts'

/** What a key file is encrypted under. Never an argument, never the value of a variable: others can read both. */
export type Unlock =
  /** PBES2-HS512+A256KW (RFC 7518 §4.8). UTF-8. */
  | { kind: 'passphrase'; secret: Uint8Array }
  /** A256KW (RFC 7518 §4.4). 32 bytes. */
  | { kind: 'key'; secret: Uint8Array }

/** What an operator reads at the terminal; it never repeats a secret. */
class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

const TYPE = 'wayleave-keys'
/** Iterations of PBKDF2 with HMAC-SHA-512, as OWASP's Password Storage Cheat Sheet asks for. */
const ITERATIONS = 210_000
const SHORTEST_PASSPHRASE = 16

/** The name under which systemd hands over what unlocks the key file (`LoadCredential=wayleave-keys:…`). */
export const CREDENTIAL = 'wayleave-keys'

/**
 * Reads what unlocks a key file: from a file, an open file descriptor, or else systemd's credentials. A file that holds a
 * JWK (`{ "kty": "oct", "k": … }`, 32 bytes) is a key, any other a passphrase of at least 16 characters.
 * @returns undefined where none of them is there
 * @throws KeyFileError
 */
export function readUnlock(from: {
  file?: string | undefined
  fd?: number | undefined
  /** systemd's `$CREDENTIALS_DIRECTORY`. */
  credentials?: string | undefined
}): Unlock | undefined {
  if (from.file !== undefined && from.fd !== undefined)
    throw new KeyFileError('Both a file and a file descriptor are named for the passphrase; name one')
  const credential = from.credentials === undefined ? undefined : join(from.credentials, CREDENTIAL)
  const source = from.file ?? from.fd ?? (credential && existsSync(credential) ? credential : undefined)
  if (source === undefined) return undefined
  let text: string
  try {
    text = readFileSync(source, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const what = typeof source === 'number' ? `File descriptor ${source}` : source
    throw new KeyFileError(`${what} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  if (text.trimStart().startsWith('{')) return { kind: 'key', secret: keyIn(text) }
  if (text.length < SHORTEST_PASSPHRASE)
    throw new KeyFileError(`The passphrase has fewer than ${SHORTEST_PASSPHRASE} characters`)
  return { kind: 'passphrase', secret: new TextEncoder().encode(text) }
}

function keyIn(text: string): Uint8Array {
  let jwk: { kty?: unknown; k?: unknown }
  try {
    jwk = JSON.parse(text) as typeof jwk
  } catch {
    throw new KeyFileError('What looks like a JWK is not JSON')
  }
  const key = jwk.kty === 'oct' && typeof jwk.k === 'string' ? Buffer.from(jwk.k, 'base64url') : undefined
  if (key?.length !== 32) throw new KeyFileError('The JWK is not a symmetric key ("kty": "oct") of 32 bytes')
  return key
}

/** A new key for encrypting key files, as a JWK. */
export const newUnlockKey = () => ({ kty: 'oct', alg: 'A256KW', k: randomBytes(32).toString('base64url') })

/** How a key file's text is kept. */
export function kindOf(text: string): 'in clear' | 'passphrase' | 'key' {
  if (text.trimStart().startsWith('{')) return 'in clear'
  try {
    const { alg, typ } = decodeProtectedHeader(text.trim())
    if (typ === TYPE && alg === 'PBES2-HS512+A256KW') return 'passphrase'
    if (typ === TYPE && alg === 'A256KW') return 'key'
  } catch {
    // falls through
  }
  throw new KeyFileError('This is no key file of a broker')
}

export async function encryptKeyring(keyring: Keyring, unlock: Unlock): Promise<string> {
  const alg = unlock.kind === 'key' ? 'A256KW' : 'PBES2-HS512+A256KW'
  const jwe = new CompactEncrypt(new TextEncoder().encode(JSON.stringify(keyring))).setProtectedHeader({
    ...{ alg, enc: 'A256GCM', typ: TYPE },
  })
  if (unlock.kind === 'passphrase') jwe.setKeyManagementParameters({ p2c: ITERATIONS })
  return jwe.encrypt(unlock.secret)
}

/**
 * The keys in a key file's text.
 * @throws KeyFileError where it is encrypted and nothing or something else unlocks it, or where it holds no keys
 */
export async function decryptKeyring(text: string, unlock: Unlock | undefined): Promise<Keyring> {
  const kind = kindOf(text)
  if (kind === 'in clear') return keyringIn(text)
  const wanted = kind === 'key' ? 'key' : 'passphrase'
  if (!unlock)
    throw new KeyFileError(
      `The key file is encrypted. Name the file of its ${wanted} in keysPassphraseFile, a descriptor in keysPassphraseFd, ` +
        `or hand it over as systemd's credential ${CREDENTIAL}`,
    )
  if (unlock.kind !== kind)
    throw new KeyFileError(
      `The key file is encrypted under a ${wanted}, and what was given is a ${unlock.kind}`,
    )
  const { plaintext } = await compactDecrypt(text.trim(), unlock.secret, {
    keyManagementAlgorithms: [kind === 'key' ? 'A256KW' : 'PBES2-HS512+A256KW'],
    contentEncryptionAlgorithms: ['A256GCM'],
    maxPBES2Count: 1_000_000,
  }).catch(() => {
    throw new KeyFileError(`The ${wanted} is wrong, or the key file is damaged`)
  })
  return keyringIn(new TextDecoder().decode(plaintext))
}

function keyringIn(text: string): Keyring {
  let found: Partial<Keyring>
  try {
    found = JSON.parse(text) as Partial<Keyring>
  } catch {
    throw new KeyFileError('The key file is not JSON')
  }
  const { operator, kek, signing, sealing } = found
  const whole =
    /^0x[0-9a-f]{64}$/i.test(String(operator)) &&
    Buffer.from(String(kek), 'base64url').length === 32 &&
    [signing, sealing].every((jwk) => typeof jwk?.d === 'string' && typeof jwk.kid === 'string')
  if (!whole) throw new KeyFileError('The key file lacks one of operator, kek, signing and sealing')
  return found as Keyring
}

/** Writes a key file that is not there yet, for its owner only. */
export async function writeKeyFile(
  file: string,
  keyring: Keyring,
  unlock: Unlock | undefined,
): Promise<void> {
  writeFileSync(file, await textOf(keyring, unlock), { mode: 0o600, flag: 'wx' })
}

/** Puts another text in a key file's place: at every moment there is the old one or the new one, whole. */
export async function replaceKeyFile(
  file: string,
  keyring: Keyring,
  unlock: Unlock | undefined,
): Promise<void> {
  const beside = `${file}.${randomBytes(4).toString('hex')}.new`
  writeFileSync(beside, await textOf(keyring, unlock), { mode: 0o600, flag: 'wx' })
  const fd = openSync(beside, 'r')
  fsyncSync(fd)
  closeSync(fd)
  renameSync(beside, file)
}

const textOf = async (keyring: Keyring, unlock: Unlock | undefined) =>
  unlock ? `${await encryptKeyring(keyring, unlock)}\n` : JSON.stringify(keyring)

/**
 * Reads the key file, or makes one where there is none: encrypted where there is something to encrypt it under.
 * @throws KeyFileError also where the file is in clear and others may read it, or should have been encrypted
 */
export async function loadKeyFile(
  file: string,
  unlock?: Unlock,
): Promise<{ keyring: Keyring; encrypted: boolean }> {
  if (!existsSync(file)) await writeKeyFile(file, await createKeyring(), unlock)
  const text = readFileSync(file, 'utf8')
  const encrypted = kindOf(text) !== 'in clear'
  const mode = statSync(file).mode & 0o777
  if (!encrypted && process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new KeyFileError(
      `${file} is in clear and open to others (mode ${mode.toString(8)}): chmod 600 ${file}`,
    )
  if (!encrypted && unlock)
    throw new KeyFileError(
      `${file} is not encrypted, and a passphrase is configured: wayleave keys encrypt ${file}`,
    )
  return { keyring: await decryptKeyring(text, unlock), encrypted }
}

/** The keys alone, for whoever needs to know no more. */
export const loadKeyring = async (file: string, unlock?: Unlock): Promise<Keyring> =>
  (await loadKeyFile(file, unlock)).keyring
