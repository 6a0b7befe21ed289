import { randomBytes, randomUUID } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import { type Hex, toHex } from '../domain/hex.ts'
import type { PatientPicture, Sighting } from '../domain/identity/identity-events.ts'
import { identifierText } from '../domain/identity/member-id.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import type { BrokerTables } from './schema.ts'
import { openJson, sealJson, type Vault } from './vault.ts'

/** One generation of the key from which a patient's compartment keys come. */
export type PointerKey = { number: number; key: string }

/** What ties a person to a handle; lies sealed with the patient's own key (design §3). Keys are base64url. */
export type PatientSecrets = {
  handle: Hex
  scopeSecret: string
  pointerKeys: PointerKey[]
  fhirId: string
  identifiers: Identifier[]
  /** The rest of what the Patient resource said last of who this is; see PatientPicture. */
  links?: string[]
  deceased?: boolean
  removed?: boolean
  /** The version of the Patient resource that said so; its instant is not later than when it was seen. */
  sighting?: Sighting
  /** The row was made before its Patient resource was seen. */
  unseen?: boolean
  /** Rows of the same file at this hospital whose handles are closed, newest first. */
  formerly?: string[]
}

export type StoredPatient = {
  id: string
  /** Opens whatever else is sealed for this patient. */
  key: Uint8Array
  secrets: PatientSecrets
  signerHash: Hex | undefined
  /** The last day of the guardian whose key that is, in days since 1970-01-01 UTC; absent for the patient's own. */
  guardianUntil?: number
  /** `member|compartment`, for each key of the current number that was handed out. */
  opened: string[]
  /** Its handle is closed: nothing is shared under it any more, whatever the chain says. */
  closed?: 'moved' | 'ended'
}

/** What is stored of who a patient is. */
export const storedPicture = ({ secrets }: StoredPatient): PatientPicture => ({
  identifiers: secrets.identifiers,
  links: secrets.links ?? [],
  deceased: secrets.deceased ?? false,
  removed: secrets.removed ?? false,
})

type Db = Kysely<BrokerTables>

export type PatientStore = ReturnType<typeof createPatientStore>

export function createPatientStore({ vault, clock }: { vault: Vault; clock: Clock }) {
  function read(row: Selectable<BrokerTables['patients']>): StoredPatient {
    const key = vault.unwrapKey(row.wrapped_key)
    return {
      id: row.id,
      key,
      secrets: openJson<PatientSecrets>(key, row.sealed),
      signerHash: (row.signer_hash ?? undefined) as Hex | undefined,
      opened: row.opened,
      ...(row.guardian_until === null ? {} : { guardianUntil: row.guardian_until }),
      ...(row.closed ? { closed: row.closed } : {}),
    }
  }

  async function one(db: Db, column: 'id' | 'fhir_lookup' | 'handle_lookup' | 'signer_hash', value: string) {
    const row = await db.selectFrom('patients').selectAll().where(column, '=', value).executeTakeFirst()
    return row && read(row)
  }

  async function lock(db: Db, id: string): Promise<StoredPatient> {
    return read(
      await db.selectFrom('patients').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow(),
    )
  }

  async function setIdentifiers(db: Db, id: string, identifiers: readonly Identifier[]): Promise<void> {
    await db.deleteFrom('patient_identifiers').where('patient_id', '=', id).execute()
    const lookups = new Set(identifiers.map((i) => vault.lookup('identifier', identifierText(i))))
    if (lookups.size === 0) return
    await db
      .insertInto('patient_identifiers')
      .values([...lookups].map((lookup) => ({ lookup, patient_id: id })))
      .execute()
  }

  return {
    /** A row that a query of one's own has read. */
    fromRow: read,
    byId: (db: Db, id: string) => one(db, 'id', id),
    byFhirId: (db: Db, fhirId: string) => one(db, 'fhir_lookup', vault.lookup('fhir', fhirId)),
    byHandle: (db: Db, handle: string) =>
      one(db, 'handle_lookup', vault.lookup('handle', handle.toLowerCase())),
    bySignerHash: (db: Db, hash: Hex) => one(db, 'signer_hash', hash),

    /** Whose handle is closed is found by no number; auditors look through `formerly`. */
    async byIdentifier(db: Db, identifier: Identifier): Promise<StoredPatient[]> {
      const rows = await db
        .selectFrom('patients')
        .innerJoin('patient_identifiers', 'patient_identifiers.patient_id', 'patients.id')
        .selectAll('patients')
        .where('lookup', '=', vault.lookup('identifier', identifierText(identifier)))
        .where('closed', 'is', null)
        .execute()
      return rows.map(read)
    },

    /** Draws handle, scope secret and first pointer key, and wraps them. */
    async create(
      db: Db,
      person: Omit<PatientSecrets, 'handle' | 'scopeSecret' | 'pointerKeys'>,
    ): Promise<StoredPatient> {
      const key = randomBytes(32)
      const secrets: PatientSecrets = {
        handle: toHex(randomBytes(32)),
        scopeSecret: randomBytes(32).toString('base64url'),
        pointerKeys: [newPointerKey([])],
        ...person,
      }
      const id = randomUUID()
      await db
        .insertInto('patients')
        .values({
          id,
          wrapped_key: vault.wrapKey(key),
          sealed: sealJson(key, secrets),
          handle_lookup: vault.lookup('handle', secrets.handle),
          fhir_lookup: vault.lookup('fhir', person.fhirId),
          ...{ signer_hash: null, guardian_until: null },
          opened: '[]',
          closed: null,
          created_at: new Date(clock.now()).toISOString(),
        })
        .execute()
      await setIdentifiers(db, id, person.identifiers)
      return { id, key, secrets, signerHash: undefined, opened: [] }
    },

    async save(db: Db, patient: StoredPatient): Promise<void> {
      await db
        .updateTable('patients')
        .set({
          sealed: sealJson(patient.key, patient.secrets),
          opened: JSON.stringify(patient.opened),
        })
        .where('id', '=', patient.id)
        .execute()
    },

    /** The chain bound this signer to the patient's handle; a guardian's until a day. */
    async setSigner(db: Db, id: string, signerHash: Hex, guardianUntil?: number): Promise<void> {
      const values = { signer_hash: signerHash, guardian_until: guardianUntil ?? null }
      await db.updateTable('patients').set(values).where('id', '=', id).execute()
    },

    setIdentifiers,

    /** Nothing is shared under this handle any more. Its key still revokes, objects and locks. */
    async close(db: Db, id: string, how: 'moved' | 'ended'): Promise<void> {
      // A file that has a new row is found by that one alone.
      const former = how === 'moved' ? { fhir_lookup: vault.lookup('fhir-former', id) } : {}
      await db
        .updateTable('patients')
        .set({ closed: how, ...former })
        .where('id', '=', id)
        .execute()
    },

    /** Takes the row for the rest of the transaction, so that entry numbers and keys change in one place at a time. */
    lock,

    /** Notes, in the transaction that sends them, which compartment keys of the current number now lie elsewhere. */
    async addOpened(db: Db, id: string, lines: readonly string[]): Promise<void> {
      const { opened } = await lock(db, id)
      const all = [...new Set([...opened, ...lines])].sort()
      if (all.length === opened.length) return
      await db
        .updateTable('patients')
        .set({ opened: JSON.stringify(all) })
        .where('id', '=', id)
        .execute()
    },

    /** All patients that have any scope, for the reconciliation of shares. */
    async withScopes(db: Db): Promise<StoredPatient[]> {
      const rows = await db
        .selectFrom('patients')
        .selectAll()
        .where('id', 'in', db.selectFrom('scopes').select('patient_id'))
        .execute()
      return rows.map(read)
    },

    lookupOf: (patient: { id: string }) => vault.lookup('patient', patient.id),
  }
}

/** A pointer key of the next number; its own count, unrelated to the handle's epoch on the chain (design §5). */
export function newPointerKey(before: readonly PointerKey[]): PointerKey {
  const number = before.reduce((highest, { number: n }) => Math.max(highest, n), 0) + 1
  return { number, key: randomBytes(32).toString('base64url') }
}
