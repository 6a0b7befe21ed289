import { randomBytes } from 'node:crypto'
import type { Insertable, Kysely } from 'kysely'
import type { Patient } from 'fhir/r4.js'
import type { Contracts } from '../../chain/contracts.ts'
import type { Clock } from '../../domain/clock.ts'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { isRecordType, patientOf } from '../../domain/records/compartment-members.ts'
import { compartmentKey, compartmentName, type EntryKeys, entryKeys, entryTag } from '../../domain/records/compartments.ts'
import { encodePointer, type Pointer } from '../../domain/records/pointer.ts'
import { sealPointer } from '../../domain/records/pointer-seal.ts'
import { signRecord } from '../../exchange/record-signature.ts'
import type { FhirChange, FhirSource } from '../../fhir/source.ts'
import type { Labeller } from '../../fhir/labeller.ts'
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
}

export type RegisterDeps = {
  patients: PatientStore
  vault: Vault
  source: FhirSource
  labeller: Labeller
  clock: Clock
  chain: { id: number; contracts: Contracts }
  custodian: Hex
  signing: CryptoKey
  signingKid: string
  /** What the patient's consents open now, as lines; see openings.ts. */
  openedNow: (db: Db, patient: StoredPatient) => Promise<string[]>
}

/** What registering needs from outside the database, fetched before its transaction begins. */
export type Prepared = { people: ReadonlyMap<string, Patient>; opened: ReadonlyMap<string, string[]> }

/**
 * Reads the patients whom the changes name for the first time, and what is open to whom of those already known. Apart
 * from {@link registerChanges}, since a database with one connection must not wait for a server that uses the same one.
 */
export async function prepareChanges(db: Db, deps: RegisterDeps, changes: readonly FhirChange[]): Promise<Prepared> {
  const people = new Map<string, Patient>()
  const opened = new Map<string, string[]>()
  for (const { resource } of changes) {
    if (resource?.resourceType === 'Patient') people.set(resource.id, resource as unknown as Patient)
  }
  for (const fhirId of new Set(changes.flatMap((c) => fhirIdOf(deps, c) ?? []))) {
    const patient = await deps.patients.byFhirId(db, fhirId)
    if (patient) opened.set(fhirId, await deps.openedNow(db, patient))
    else if (!people.has(fhirId)) {
      const resource = await deps.source.readPatient(fhirId)
      if (resource) people.set(fhirId, resource)
    }
  }
  return { people, opened }
}

/** An absolute reference counts only under the hospital's own base: elsewhere the same id is another person. */
function fhirIdOf({ source }: RegisterDeps, change: FhirChange): string | undefined {
  return change.resource && isRecordType(change.resourceType) ? patientOf(change.resource, source.base) : undefined
}

/**
 * Turns changes of the FHIR server into sealed entries, oldest first, in one database transaction with the place in the
 * feed: a crash before it commits changes nothing, and a change seen twice is registered once (by type, id and version).
 */
export async function registerChanges(
  db: Db,
  deps: RegisterDeps,
  changes: readonly FhirChange[],
  prepared: Prepared,
): Promise<number> {
  const writers = new Map<string, EntryWriter | undefined>()
  const known = await knownVersions(db, deps, changes)
  let registered = 0
  for (const change of changes) {
    if (change.resourceType === 'Patient') {
      if (change.resource) await followPatient(db, deps, change.resource as unknown as Patient)
      continue
    }
    if (!isRecordType(change.resourceType) || change.refused) continue
    const version = versionLookup(deps, change)
    if (known.has(version)) continue
    known.add(version)
    const fhirId = change.resource ? fhirIdOf(deps, change) : await patientOfDeleted(db, deps, change)
    if (!fhirId) continue
    if (!writers.has(fhirId)) writers.set(fhirId, await openWriter(db, deps, fhirId, prepared))
    const writer = writers.get(fhirId)
    if (!writer) continue
    if (await writer.write(change)) registered++
  }
  for (const writer of writers.values()) await writer?.finish()
  return registered
}

const versionLookup = ({ vault }: RegisterDeps, c: FhirChange) =>
  vault.lookup('version', `${c.resourceType}/${c.id}/${c.versionId}`)
const recordLookup = ({ vault }: RegisterDeps, c: { resourceType: string; id: string }) =>
  vault.lookup('record', `${c.resourceType}/${c.id}`)

async function knownVersions(db: Db, deps: RegisterDeps, changes: readonly FhirChange[]): Promise<Set<string>> {
  const lookups = changes.filter((c) => isRecordType(c.resourceType)).map((c) => versionLookup(deps, c))
  if (lookups.length === 0) return new Set()
  const rows = await db.selectFrom('records').select('version_lookup').where('version_lookup', 'in', lookups).execute()
  return new Set(rows.map((row) => row.version_lookup ?? ''))
}

/** A corrected identifier is followed, so that a search by the new one finds the patient and by the old one does not. */
async function followPatient(db: Db, deps: RegisterDeps, resource: Patient): Promise<void> {
  const found = resource.id ? await deps.patients.byFhirId(db, resource.id) : undefined
  if (!found) return
  const patient = await deps.patients.lock(db, found.id)
  const identifiers = identifiersOf(resource)
  if (JSON.stringify(identifiers) === JSON.stringify(patient.secrets.identifiers)) return
  patient.secrets = { ...patient.secrets, identifiers }
  await deps.patients.save(db, patient)
  await deps.patients.setIdentifiers(db, patient.id, identifiers)
}

export function identifiersOf(resource: Patient): Identifier[] {
  return (resource.identifier ?? []).flatMap(({ system, value }) => (system && value ? [{ system, value }] : []))
}

async function patientOfDeleted(db: Db, deps: RegisterDeps, change: FhirChange): Promise<string | undefined> {
  const row = await db
    .selectFrom('records')
    .select('patient_id')
    .where('record_lookup', '=', recordLookup(deps, change))
    .limit(1)
    .executeTakeFirst()
  return row && (await deps.patients.byId(db, row.patient_id))?.secrets.fhirId
}

type EntryWriter = { write(change: FhirChange): Promise<boolean>; finish(): Promise<void> }

/** Undefined where the record names a patient whom the hospital does not have. */
async function openWriter(
  db: Db,
  deps: RegisterDeps,
  fhirId: string,
  prepared: Prepared,
): Promise<EntryWriter | undefined> {
  let found = await deps.patients.byFhirId(db, fhirId)
  if (!found) {
    const resource = prepared.people.get(fhirId)
    if (!resource) return undefined
    found = await deps.patients.create(db, { fhirId, identifiers: identifiersOf(resource) })
  }
  // Read again under the lock: what was handed out, and the keys, may have changed since.
  const patient = await deps.patients.lock(db, found.id)
  const entries = await createEntries(db, deps, patient)
  const opened = prepared.opened.get(fhirId)
  if (opened) await entries.changeKeyIfNarrowed(opened)

  return {
    async write(change) {
      const before = await entries.newestOf(recordLookup(deps, change))
      if (!change.resource) {
        if (before) await entries.retire(before.compartment, change)
        return before !== undefined
      }
      const { kinds } = deps.labeller.label(change.resource as never)
      const compartment = compartmentName({ dataClass: dataClassOf(change.resource), kinds })
      // A record that moved says so where it was, so that nobody there takes its last version for the newest.
      if (before && before.compartment !== compartment) await entries.retire(before.compartment, change)
      await entries.snapshot(compartment, change, change.resource)
      return true
    },
    finish: () => entries.flush(),
  }
}

async function createEntries(db: Db, deps: RegisterDeps, patient: StoredPatient) {
  const { clock, chain, custodian } = deps
  const rows: Insertable<BrokerTables['records']>[] = []
  const newest = new Map<string, { compartment: string }>()
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
    const clear = encodePointer(pointer) ?? encodePointer({ kind: 'reference', salt: saltOf(pointer), reference: randomBytes(16) })
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
    /** The newest entry that says anything of a record, in this transaction or before it. */
    async newestOf(lookup: string): Promise<{ compartment: string } | undefined> {
      const fresh = newest.get(lookup)
      if (fresh) return fresh.compartment === '' ? undefined : fresh
      const row = await db
        .selectFrom('records')
        .select(['compartment', 'kind'])
        .where('record_lookup', '=', lookup)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.kind === 'snapshot' ? { compartment: row.compartment } : undefined
    },

    async snapshot(compartment: string, change: FhirChange, resource: Record<string, unknown>): Promise<void> {
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
      const sealed: StoredRecord = { resourceType, id, versionId, salt: salt.toString('base64url'), dataClass, kinds, jws }
      const record = recordLookup(deps, change)
      newest.set(record, { compartment })
      await add(current(), compartment, { kind: 'snapshot', resourceType, id, versionId, salt }, commitment, {
        record,
        version: versionLookup(deps, change),
        sealed,
      })
    },

    async retire(compartment: string, { resourceType, id, versionId }: FhirChange): Promise<void> {
      const record = recordLookup(deps, { resourceType, id })
      newest.set(record, { compartment: '' })
      await add(current(), compartment, { kind: 'retired', resourceType, id }, randomCommitment(), {
        record,
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
        await db.insertInto('records').values(rows.slice(i, i + 200)).execute()
      }
      for (const [name, position] of next) {
        const [number, ...rest] = name.split('/')
        await db
          .insertInto('compartments')
          .values({ patient_id: patient.id, key_number: Number(number), compartment: rest.join('/'), next: position })
          .onConflict((oc) => oc.columns(['patient_id', 'key_number', 'compartment']).doUpdateSet({ next: position }))
          .execute()
      }
    },
  }
}

function saltOf(pointer: Pointer): Uint8Array {
  return pointer.kind === 'snapshot' ? pointer.salt : randomBytes(32)
}

/** Entries that commit to nothing look like all others. */
function randomCommitment(): Hex {
  return `0x${randomBytes(32).toString('hex')}`
}
