import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/** OpenSSL takes bytes in anew at each call, which costs more than sealing a row; what it has taken in lives as long as they do. */
const taken = new WeakMap<Uint8Array, KeyObject>()

function keyObject(key: Uint8Array): KeyObject {
  const known = taken.get(key)
  if (known) return known
  const made = createSecretKey(key)
  taken.set(key, made)
  return made
}

/** Seals and opens bytes with AES-256-GCM; the 12-byte nonce stands in front, the 16-byte tag behind. */
export function seal(key: Uint8Array, clear: Uint8Array): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyObject(key), nonce)
  return Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()])
}

/** @throws Error when the key is another one or a bit was changed. */
export function open(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', keyObject(key), sealed.subarray(0, 12), {
    authTagLength: 16,
  })
  decipher.setAuthTag(sealed.subarray(sealed.length - 16))
  return Buffer.concat([decipher.update(sealed.subarray(12, sealed.length - 16)), decipher.final()])
}

export function sealJson(key: Uint8Array, value: unknown): Uint8Array {
  return seal(key, Buffer.from(JSON.stringify(value)))
}

export function openJson<T>(key: Uint8Array, sealed: Uint8Array): T {
  return JSON.parse(Buffer.from(open(key, sealed)).toString()) as T
}

/** What the hospital's key-encryption key is used for; each use has a key of its own (HKDF-SHA-256). */
export type Vault = {
  wrapKey(key: Uint8Array): Uint8Array
  unwrapKey(wrapped: Uint8Array): Uint8Array
  /** A keyed hash by which a row is found without holding what it names. */
  lookup(kind: string, value: string): string
  /** Seals rows that belong to no patient's key: received shares, the access log. */
  storeKey: Uint8Array
}

/** @throws RangeError when the key-encryption key is not 32 bytes. */
export function createVault(kek: Uint8Array): Vault {
  // HKDF takes any length, an empty key too: a truncated key file must not pass for a key.
  if (kek.length !== 32) throw new RangeError('A key-encryption key has 32 bytes')
  const derive = (info: string) =>
    new Uint8Array(hkdfSync('sha256', kek, new Uint8Array(0), `wayleave/store/${info}`, 32))
  const wrapping = derive('patient-keys')
  const lookups = derive('lookups')
  return {
    wrapKey: (key) => seal(wrapping, key),
    unwrapKey: (wrapped) => open(wrapping, wrapped),
    lookup: (kind, value) =>
      createHmac('sha256', keyObject(lookups))
        .update(JSON.stringify([kind, value]))
        .digest('base64url'),
    storeKey: derive('rows'),
  }
}
