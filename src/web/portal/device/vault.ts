import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import type { Hex } from '../../../domain/hex.ts'
import { askPasskey, type Passkey } from './passkey.ts'

/** The words, sealed so that one thing opens them: a passkey's secret, or a passphrase. */
export type Seal = { id: string; label: string; madeAt: string; jwe: string } & (
  | { kind: 'passkey'; passkey: Passkey }
  | { kind: 'passphrase' }
)

/** A hospital at which this person is enrolled with a key of these words. */
export type PairedHospital = {
  member: Hex
  /** Number of the key there, one more after each recovery. */
  replacement: number
}

interface Tables extends DBSchema {
  seals: { key: string; value: Seal }
  hospitals: { key: string; value: PairedHospital }
  facts: { key: string; value: unknown }
}

/** What this browser keeps: sealed words, and nothing that says whose they are. */
export type DeviceVault = {
  seals(): Promise<Seal[]>
  hospitals(): Promise<PairedHospital[]>
  pair(hospital: PairedHospital): Promise<void>
  sealWithPasskey(
    words: string,
    label: string,
    made: { passkey: Passkey; secret: BufferSource },
  ): Promise<void>
  sealWithPassphrase(words: string, label: string, passphrase: string): Promise<string>
  /** Opens with whichever passkey of these the person uses. @throws PasskeyRefused */
  openWithPasskey(): Promise<string>
  /** @throws Error where the passphrase is another one */
  openWithPassphrase(jwe: string, passphrase: string): Promise<string>
  removeSeal(id: string): Promise<void>
  fact<T>(key: string): Promise<T | undefined>
  setFact(key: string, value: unknown): Promise<void>
  /** Forgets everything here. */
  clear(): Promise<void>
}

/** Told to other tabs: what lies here has changed. */
const CHANGED = new BroadcastChannel('wayleave.vault')

export const onVaultChange = (listener: () => void): (() => void) => {
  CHANGED.addEventListener('message', listener)
  return () => CHANGED.removeEventListener('message', listener)
}

let database: Promise<IDBPDatabase<Tables>> | undefined

const open = () => {
  database ??= openDB<Tables>('wayleave', 1, {
    upgrade(db) {
      db.createObjectStore('seals', { keyPath: 'id' })
      db.createObjectStore('hospitals', { keyPath: 'member' })
      db.createObjectStore('facts')
    },
  })
  return database
}

/** OWASP's figure for PBKDF2 with SHA-512 is 210,000; a device opens its words seldom. */
const ITERATIONS = 600_000

const jose = () => import('jose')

export function createDeviceVault(): DeviceVault {
  async function put(seal: Seal): Promise<void> {
    await (await open()).put('seals', seal)
    CHANGED.postMessage('seals')
  }
  const named = (label: string) => ({ id: crypto.randomUUID(), label, madeAt: new Date().toISOString() })

  return {
    seals: async () => (await open()).getAll('seals'),
    hospitals: async () => (await open()).getAll('hospitals'),

    async pair(hospital) {
      await (await open()).put('hospitals', hospital)
      CHANGED.postMessage('hospitals')
    },

    async sealWithPasskey(words, label, { passkey, secret }) {
      const { CompactEncrypt } = await jose()
      const jwe = await new CompactEncrypt(new TextEncoder().encode(words))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(await keyFrom(secret))
      await put({ kind: 'passkey', passkey, jwe, ...named(label) })
    },

    async sealWithPassphrase(words, label, passphrase) {
      const { CompactEncrypt } = await jose()
      // RFC 7518 §4.8
      const jwe = await new CompactEncrypt(new TextEncoder().encode(words))
        .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM' })
        .setKeyManagementParameters({ p2c: ITERATIONS })
        .encrypt(new TextEncoder().encode(passphrase.normalize('NFKC')))
      await put({ kind: 'passphrase', jwe, ...named(label) })
      return jwe
    },

    async openWithPasskey() {
      const seals = (await (await open()).getAll('seals')).filter((seal) => seal.kind === 'passkey')
      const { passkey, secret } = await askPasskey(seals.map((seal) => seal.passkey))
      const seal = seals.find((one) => one.passkey === passkey)
      const { compactDecrypt } = await jose()
      const { plaintext } = await compactDecrypt(seal?.jwe ?? '', await keyFrom(secret))
      return new TextDecoder().decode(plaintext)
    },

    async openWithPassphrase(jwe, passphrase) {
      const { compactDecrypt } = await jose()
      const { plaintext } = await compactDecrypt(
        jwe,
        new TextEncoder().encode(passphrase.normalize('NFKC')),
        { maxPBES2Count: ITERATIONS },
      )
      return new TextDecoder().decode(plaintext)
    },

    async removeSeal(id) {
      await (await open()).delete('seals', id)
      CHANGED.postMessage('seals')
    },

    fact: async <T>(key: string) => (await (await open()).get('facts', key)) as T | undefined,
    async setFact(key, value) {
      await (await open()).put('facts', value, key)
      CHANGED.postMessage('facts')
    },

    async clear() {
      const db = await open()
      await Promise.all([db.clear('seals'), db.clear('hospitals'), db.clear('facts')])
      CHANGED.postMessage('cleared')
    },
  }
}

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
