import { randomBytes } from 'node:crypto'
import type { Insertable, Kysely } from 'kysely'
import type { Contracts } from '../../chain/contracts.ts'
import type { Clock } from '../../domain/clock.ts'
import { containedTraitsOf, type Traits, traitsOf } from '../../domain/consent/fhir/features.ts'
import type { Hex } from '../../domain/hex.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { compartmentKey, type EntryKeys, entryKeys, entryTag } from '../../domain/records/compartments.ts'
import { encodePointer, type Pointer } from '../../domain/records/pointer.ts'
import { sealPointer } from '../../domain/records/pointer-seal.ts'
import { signRecord } from '../../exchange/record-signature.ts'
import type { FhirChange } from '../../fhir/source.ts'
import { newPointerKey, type PatientStore, type StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'

type Db = Kysely<BrokerTables>

/** What the custodian keeps of an entry, sealed with the patient's key. `jws` is detached, over the commitment. */
export type StoredRecord = {
  resourceType: string
  id: string
  versionId: string
  salt: string
  dataClass: string
  kinds: string[]
  jws: string
  /** For consents about single records; absent where a record points at more than is kept. */
  traits?: Traits
  /** The same of each resource contained in it. */
  contained?: Traits[]
}

export type EntryDeps = {
  patients: PatientStore
  vault: Vault
  clock: Clock
  chain: { id: number; contracts: Contracts }
  custodian: Hex
  signing: CryptoKey
  signingKid: string
}

type Named = { resourceType: string; id: string }

export const versionLookup = ({ vault }: { vault: Vault }, c: Named & { versionId: string }): string =>
  vault.lookup('version', `${c.resourceType}/${c.id}/${c.versionId}`)
export const recordLookup = ({ vault }: { vault: Vault }, c: Named): string =>
  vault.lookup('record', `${c.resourceType}/${c.id}`)

/**
 * The compartment where a record of this patient stands by its newest entry; undefined where it never stood, or was
 * deleted, or went to another patient.
 */
async function standingOf(db: Db, patientId: string, record: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('records')
    .select(['compartment', 'kind'])
    .where('record_lookup', '=', record)
    .where('patient_id', '=', patientId)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.kind === 'snapshot' ? row.compartment : undefined
}

/** Writes one patient's sealed entries, numbered and keyed; nothing is stored before `flush`. */
export type Entries = Awaited<ReturnType<typeof createEntries>>

/** @param patient as read under its lock, in the transaction that `db` is */
export async function createEntries(db: Db, deps: EntryDeps, patient: StoredPatient) {
  const { clock, chain, custodian } = deps
  const rows: Insertable<BrokerTables['records']>[] = []
  /** Where records stand by what was written in this transaction; undefined: nowhere. */
  const newest = new Map<string, string | undefined>()
  const keys = new Map<string, EntryKeys>()
  const next = new Map<string, number>()
  const at = new Date(clock.now()).toISOString()

  const current = () => patient.secrets.pointerKeys.at(-1) ?? newPointerKey([])

  async function takePosition(keyNumber: number, compartment: string): Promise<number> {
    const name = `${keyNumber}/${compartment}`
    let position = next.get(name)
    if (position === undefined) {
      const row = await db
        .selectFrom('compartments')
        .select('next')
        .where('patient_id', '=', patient.id)
        .where('key_number', '=', keyNumber)
        .where('compartment', '=', compartment)
        .executeTakeFirst()
      position = row?.next ?? 0
    }
    next.set(name, position + 1)
    return position
  }

  function keysFor(key: { number: number; key: string }, compartment: string): EntryKeys {
    const name = `${key.number}/${compartment}`
    const made = keys.get(name) ?? entryKeys(compartmentKey(Buffer.from(key.key, 'base64url'), compartment))
    keys.set(name, made)
    return made
  }

  async function add(
    key: { number: number; key: string },
    compartment: string,
    pointer: Pointer,
    commitment: Hex,
    stored: { record?: string; version?: string; sealed: unknown },
  ): Promise<Hex> {
    const position = await takePosition(key.number, compartment)
    const { tagKey, sealKey } = keysFor(key, compartment)
    const tag = entryTag(tagKey, position)
    const clear =
      encodePointer(pointer) ??
      encodePointer({ kind: 'reference', salt: saltOf(pointer), reference: randomBytes(16) })
    if (!clear) throw new RangeError('a reference always fits')
    const place = { chainId: chain.id, contract: chain.contracts.recordDirectory as Hex, tag }
    rows.push({
      tag,
      patient_id: patient.id,
      key_number: key.number,
      compartment,
      position,
      kind: pointer.kind,
      commitment,
      pointer: sealPointer(sealKey, place, randomBytes(12), clear),
      record_lookup: stored.record ?? null,
      version_lookup: stored.version ?? null,
      sealed: sealJson(patient.key, stored.sealed),
      outbox_id: null,
      created_at: at,
    })
    return tag
  }

  return {
    /** See {@link standingOf}; what was written in this transaction counts. */
    async standingOf(record: string): Promise<string | undefined> {
      return newest.has(record) ? newest.get(record) : standingOf(db, patient.id, record)
    },

    async snapshot(
      compartment: string,
      change: FhirChange,
      resource: Record<string, unknown>,
      /** The version has an entry of its own already. */
      again = false,
    ): Promise<void> {
      const salt = randomBytes(32)
      const commitment = commitmentOf(salt, resource)
      const { resourceType, id, versionId } = change
      const [dataClass = '', ...kinds] = compartment.split('+')
      const jws = await signRecord(deps.signing, deps.signingKid, {
        chainId: chain.id,
        directory: chain.contracts.recordDirectory as Hex,
        custodian,
        commitment,
      })
      const sealed: StoredRecord = {
        resourceType,
        id,
        versionId,
        salt: salt.toString('base64url'),
        dataClass,
        kinds,
        jws,
        ...traitsIn(resource),
      }
      const record = recordLookup(deps, change)
      newest.set(record, compartment)
      await add(current(), compartment, { kind: 'snapshot', resourceType, id, versionId, salt }, commitment, {
        record,
        ...(again ? {} : { version: versionLookup(deps, change) }),
        sealed,
      })
    },

    async retire(
      compartment: string,
      { resourceType, id, versionId, resource }: FhirChange,
      again = false,
    ): Promise<void> {
      const record = recordLookup(deps, { resourceType, id })
      newest.set(record, undefined)
      await add(current(), compartment, { kind: 'retired', resourceType, id }, randomCommitment(), {
        record,
        // A deletion is a version of its own, and is registered once like any other.
        ...(resource || again ? {} : { version: versionLookup(deps, { resourceType, id, versionId }) }),
        sealed: { resourceType, id, versionId },
      })
    },

    /**
     * The pointer key changes before the first entry written after anything that ended or narrowed somebody's access
     * (design §5); whatever the cause was, it shows as a key that was handed out for what is open no more.
     */
    async changeKeyIfNarrowed(opened: string[]): Promise<void> {
      const lost = patient.opened.some((line) => !opened.includes(line))
      if (lost) {
        const old = current()
        const used = await db
          .selectFrom('compartments')
          .select('compartment')
          .where('patient_id', '=', patient.id)
          .where('key_number', '=', old.number)
          .orderBy('compartment')
          .execute()
        for (const { compartment } of used) {
          await add(old, compartment, { kind: 'closing' }, randomCommitment(), { sealed: {} })
        }
        patient.secrets.pointerKeys.push(newPointerKey(patient.secrets.pointerKeys))
        // Nobody holds the new key yet: it goes out with the shares that follow.
        patient.opened = []
        await deps.patients.save(db, patient)
      }
    },

    async flush(): Promise<void> {
      for (let i = 0; i < rows.length; i += 200) {
        await db
          .insertInto('records')
          .values(rows.slice(i, i + 200))
          .execute()
      }
      for (const [name, position] of next) {
        const [number, ...rest] = name.split('/')
        await db
          .insertInto('compartments')
          .values({
            patient_id: patient.id,
            key_number: Number(number),
            compartment: rest.join('/'),
            next: position,
          })
          .onConflict((oc) =>
            oc.columns(['patient_id', 'key_number', 'compartment']).doUpdateSet({ next: position }),
          )
          .execute()
      }
    },
  }
}

/** A List may point at anything in any number; a record about which not all is kept is opened by no such consent. */
const MAX_REFERENCES = 2_000

function traitsIn(resource: Record<string, unknown>): Pick<StoredRecord, 'traits' | 'contained'> {
  const [traits, contained] = [traitsOf(resource), containedTraitsOf(resource)]
  if (traits.references.length > MAX_REFERENCES) return {}
  return { traits, ...(contained.length > 0 ? { contained } : {}) }
}

function saltOf(pointer: Pointer): Uint8Array {
  return pointer.kind === 'snapshot' ? pointer.salt : randomBytes(32)
}

/** Entries that commit to nothing look like all others. */
function randomCommitment(): Hex {
  return `0x${randomBytes(32).toString('hex')}`
}
