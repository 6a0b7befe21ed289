import type { Patient } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { isRecordType, patientOf } from '../../domain/records/compartment-members.ts'
import { compartmentName } from '../../domain/records/compartments.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { FhirChange, FhirSource } from '../../fhir/source.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { createEntries, type EntryDeps, recordLookup, versionLookup } from './entries.ts'

type Db = Kysely<BrokerTables>

export type RegisterDeps = EntryDeps & {
  source: FhirSource
  labeller: Labeller
  /** What the patient's consents open now, as lines; see openings.ts. */
  openedNow: (db: Db, patient: StoredPatient) => Promise<string[]>
  /** Told once, in the transaction, of a version that cannot be registered. */
  onRefused: (db: Db, change: FhirChange) => Promise<void>
}

/** What registering needs from outside the database, fetched before its transaction begins. */
export type Prepared = { people: ReadonlyMap<string, Patient>; opened: ReadonlyMap<string, string[]> }

/**
 * Reads the patients whom the changes name for the first time, and what is open to whom of those already known. Apart
 * from {@link registerChanges}, since a database with one connection must not wait for a server that uses the same one.
 */
export async function prepareChanges(
  db: Db,
  deps: RegisterDeps,
  changes: readonly FhirChange[],
): Promise<Prepared> {
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
export function fhirIdOf({ source }: Pick<RegisterDeps, 'source'>, change: FhirChange): string | undefined {
  return change.resource && isRecordType(change.resourceType)
    ? patientOf(change.resource, source.base)
    : undefined
}

/**
 * Turns changes of the FHIR server into sealed entries, oldest first, in one database transaction with the place in the
 * feed: a crash before it commits changes nothing, and a change seen twice is registered once (by type, id and version).
 * @returns how many changes left an entry.
 */
export async function registerChanges(
  db: Db,
  deps: RegisterDeps,
  changes: readonly FhirChange[],
  prepared: Prepared,
): Promise<number> {
  const writers = new Map<string, EntryWriter>()
  const writerOf = async (fhirId: string) => {
    const writer = writers.get(fhirId) ?? (await openWriter(db, deps, fhirId, prepared))
    writers.set(fhirId, writer)
    return writer
  }
  const owners = createOwners(db, deps)
  const known = await knownVersions(db, deps, changes)
  /** Records of which something was written here, and those of which a version that was known before is the newest. */
  const done = new Set<string>()
  const written = new Set<string>()
  const overtaken = new Map<string, FhirChange>()
  let registered = 0

  /** @returns whether it left an entry. */
  async function write(change: FhirChange, again: boolean): Promise<boolean> {
    const before = await owners.of(change)
    const now = fhirIdOf(deps, change)
    const count = registered
    // Deleted, or found to be somebody else's: whoever sees the former patient's records must not take it for theirs.
    if (before !== undefined && before !== now) {
      await (await writerOf(before)).retire(change, again)
      registered++
    }
    if (now !== undefined && change.resource) {
      await (await writerOf(now)).write(change, change.resource, again)
      registered++
    }
    owners.set(change, now)
    return registered > count
  }

  // A version that something registered has followed since says nothing of where the record is now.
  const lastKnown = new Map(
    changes.flatMap((c, i) =>
      known.has(versionLookup(deps, c)) ? [[recordLookup(deps, c), i] as const] : [],
    ),
  )
  for (const [i, change] of changes.entries()) {
    if (change.refused) {
      if (await isNews(db, deps, change)) await deps.onRefused(db, change)
      continue
    }
    if (change.resourceType === 'Patient') {
      if (change.resource) await followPatient(db, deps, change.resource as unknown as Patient)
      continue
    }
    if (!isRecordType(change.resourceType)) continue
    const [version, record] = [versionLookup(deps, change), recordLookup(deps, change)]
    if (known.has(version)) {
      if (written.has(record)) overtaken.set(record, change)
      continue
    }
    if (done.has(version)) continue
    done.add(version)
    const late = i < (lastKnown.get(record) ?? -1)
    if (late && change.resource && fhirIdOf(deps, change) === undefined) continue
    if (await write(change, false)) {
      written.add(record)
      overtaken.delete(record)
    }
  }
  // What came late must not pass for the newest: how the record stands is said once more.
  for (const change of overtaken.values()) await write(change, true)
  for (const writer of writers.values()) await writer.finish()
  return registered
}

/** Whose records are whose by what is registered: in this transaction, or before it. */
function createOwners(db: Db, deps: RegisterDeps) {
  const written = new Map<string, string | undefined>()
  return {
    async of(change: FhirChange): Promise<string | undefined> {
      const record = recordLookup(deps, change)
      if (written.has(record)) return written.get(record)
      const rows = await db
        .selectFrom('records')
        .select(['patient_id', 'kind'])
        .where('record_lookup', '=', record)
        .orderBy('seq', 'desc')
        .execute()
      // The newest entry of each patient says whether the record is still there; it is with one of them at the most.
      const seen = new Set<string>()
      for (const { patient_id, kind } of rows) {
        if (kind === 'snapshot' && !seen.has(patient_id))
          return (await deps.patients.byId(db, patient_id))?.secrets.fhirId
        seen.add(patient_id)
      }
      return undefined
    },
    set(change: FhirChange, fhirId: string | undefined): void {
      written.set(recordLookup(deps, change), fhirId)
    },
  }
}

/** A refused version comes by again with each reading of its instant; it is told once. */
async function isNews(db: Db, deps: RegisterDeps, change: FhirChange): Promise<boolean> {
  const row = await db
    .insertInto('replay')
    .values({ key: `refused/${versionLookup(deps, change)}`, expires_at: '9999-12-31T00:00:00.000Z' })
    .onConflict((oc) => oc.doNothing())
    .returning('key')
    .executeTakeFirst()
  return row !== undefined
}

/** Which of these versions have an entry, by their lookups. */
export async function knownVersions(
  db: Db,
  deps: RegisterDeps,
  changes: readonly FhirChange[],
): Promise<Set<string>> {
  const lookups = changes.filter((c) => isRecordType(c.resourceType)).map((c) => versionLookup(deps, c))
  if (lookups.length === 0) return new Set()
  const rows = await db
    .selectFrom('records')
    .select('version_lookup')
    .where('version_lookup', 'in', lookups)
    .execute()
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

/** Whatever a Patient has for identifiers: what is no identifier is passed over. */
export function identifiersOf(resource: Patient): Identifier[] {
  const all: unknown = resource.identifier
  return (Array.isArray(all) ? all : []).flatMap((one: Partial<Identifier> | null) =>
    typeof one?.system === 'string' && typeof one.value === 'string' && one.system && one.value
      ? [{ system: one.system, value: one.value }]
      : [],
  )
}

type EntryWriter = {
  /** `again`: the version has an entry, and this one only says that it is the newest. */
  write(change: FhirChange, resource: NonNullable<FhirChange['resource']>, again: boolean): Promise<void>
  /** Says that the record is no longer this patient's. */
  retire(change: FhirChange, again: boolean): Promise<void>
  finish(): Promise<void>
}

/** Takes the patient's row for the rest of the transaction, and makes it where there is none. */
async function openWriter(
  db: Db,
  deps: RegisterDeps,
  fhirId: string,
  prepared: Prepared,
): Promise<EntryWriter> {
  let found = await deps.patients.byFhirId(db, fhirId)
  if (!found) {
    // A record may come before its Patient: the identifiers follow when that one comes, and nothing is lost meanwhile.
    const resource = prepared.people.get(fhirId)
    found = await deps.patients.create(db, { fhirId, identifiers: resource ? identifiersOf(resource) : [] })
  }
  // Read again under the lock: what was handed out, and the keys, may have changed since.
  const patient = await deps.patients.lock(db, found.id)
  const entries = await createEntries(db, deps, patient)
  const opened = prepared.opened.get(fhirId)
  if (opened) await entries.changeKeyIfNarrowed(opened)

  return {
    async write(change, resource, again) {
      const { kinds } = deps.labeller.label(resource)
      const compartment = compartmentName({ dataClass: dataClassOf(resource), kinds })
      const before = await entries.standingOf(recordLookup(deps, change))
      // A record that moved says so where it was, so that nobody there takes its last version for the newest.
      if (before !== undefined && before !== compartment) await entries.retire(before, change, again)
      await entries.snapshot(compartment, change, resource, again)
    },
    async retire(change, again) {
      const before = await entries.standingOf(recordLookup(deps, change))
      if (before !== undefined) await entries.retire(before, change, again)
    },
    finish: () => entries.flush(),
  }
}
