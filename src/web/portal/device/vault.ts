import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import type { Hex } from '../../../domain/hex.ts'
import { askPasskey, type Passkey } from './passkey.ts'

/** The words, sealed so that one thing opens them: a passkey's secret, or a passphrase. */
export type Seal = { id: string; label: string; madeAt: string; jwe: string } & (
  | {
      kind: 'passkey'
      passkey: Passkey
      /** Whether the key holds the sealed words itself, too, so that it opens them on any device. */
      carries?: boolean
    }
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
  /** @throws SealNotOpened `other-words` where other words lie here */
  sealWithPasskey(
    words: string,
    label: string,
    made: { passkey: Passkey; secret: BufferSource; carries?: boolean },
  ): Promise<void>
  /** Yields the sealed words, which may be kept as a file, too. @throws SealNotOpened `other-words` */
  sealWithPassphrase(words: string, label: string, passphrase: string): Promise<string>
  /** Opens with whichever passkey of these the person uses. @throws PasskeyRefused, SealNotOpened */
  openWithPasskey(): Promise<string>
  /** Opens a seal of this browser. @throws SealNotOpened */
  openWithPassphrase(passphrase: string): Promise<string>
  /** Whether these words are the ones that lie here; undefined where none do. */
  holds(words: string): Promise<boolean | undefined>
  rename(id: string, label: string): Promise<void>
  /** @returns whether it was removed: the last one stays */
  removeSeal(id: string): Promise<boolean>
  fact<T>(key: string): Promise<T | undefined>
  setFact(key: string, value: unknown): Promise<void>
  /** Forgets everything here. */
  clear(): Promise<void>
}

/** Told to other tabs: what lies here has changed. */
const CHANGED = new BroadcastChannel('wayleave.vault')

export const onVaultChange = (listener: () => void): (() => void) => {
  // A channel does not hear itself: this second one hears what this very tab has written, too.
  const own = new BroadcastChannel('wayleave.vault')
  own.addEventListener('message', listener)
  return () => own.close()
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

/** Loaded only once there is something to seal or open. */
const sealing = () => import('./seal-words.ts')

const MARK = 'words-mark'

export function createDeviceVault(): DeviceVault {
  /** All seals here are of the same words: a device that opens one person's by one passkey and another's by the next is nobody's. */
  async function put(words: string, seal: Seal): Promise<void> {
    const { markOf, SealNotOpened } = await sealing()
    const mark = await markOf(words)
    const trx = (await open()).transaction(['seals', 'facts'], 'readwrite')
    const others = (await trx.objectStore('seals').count()) > 0 && (await trx.objectStore('facts').get(MARK))
    const mixes = typeof others === 'string' && others !== mark
    if (!mixes) {
      await trx.objectStore('seals').put(seal)
      await trx.objectStore('facts').put(mark, MARK)
    }
    await trx.done
    if (mixes) throw new SealNotOpened('other-words')
    CHANGED.postMessage('seals')
  }
  const named = (label: string) => ({ id: crypto.randomUUID(), label, madeAt: new Date().toISOString() })
  const all = async () => (await open()).getAll('seals')

  return {
    seals: all,
    hospitals: async () => (await open()).getAll('hospitals'),

    async pair(hospital) {
      await (await open()).put('hospitals', hospital)
      CHANGED.postMessage('hospitals')
    },

    async sealWithPasskey(words, label, { passkey, secret, carries = false }) {
      const jwe = await (await sealing()).sealWithSecret(words, secret)
      await put(words, { kind: 'passkey', passkey, carries, jwe, ...named(label) })
    },

    async sealWithPassphrase(words, label, passphrase) {
      const jwe = await (await sealing()).sealWithPassphrase(words, passphrase)
      await put(words, { kind: 'passphrase', jwe, ...named(label) })
      return jwe
    },

    async openWithPasskey() {
      const seals = (await all()).filter((seal) => seal.kind === 'passkey')
      const { passkey, secret } = await askPasskey(seals.map((seal) => seal.passkey))
      const seal = seals.find((one) => one.passkey === passkey)
      return (await sealing()).openWithSecret(seal?.jwe ?? '', secret)
    },

    async openWithPassphrase(passphrase) {
      const { openWithPassphrase, SealNotOpened } = await sealing()
      const seals = (await all()).filter(({ kind }) => kind === 'passphrase')
      let trouble: unknown = new SealNotOpened('not-a-seal')
      for (const { jwe } of seals) {
        try {
          return await openWithPassphrase(jwe, passphrase)
        } catch (error) {
          trouble = error
        }
      }
      throw trouble
    },

    async holds(words) {
      const mark = await (await open()).get('facts', MARK)
      if (mark === undefined || (await all()).length === 0) return undefined
      return mark === (await (await sealing()).markOf(words))
    },

    async rename(id, label) {
      const trx = (await open()).transaction('seals', 'readwrite')
      const seal = await trx.store.get(id)
      if (seal) await trx.store.put({ ...seal, label })
      await trx.done
      CHANGED.postMessage('seals')
    },

    async removeSeal(id) {
      // Counted and removed in one: two tabs must not each leave the other's.
      const trx = (await open()).transaction('seals', 'readwrite')
      const last = (await trx.store.count()) < 2
      if (!last) await trx.store.delete(id)
      await trx.done
      CHANGED.postMessage('seals')
      return !last
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
