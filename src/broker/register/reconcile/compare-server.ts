import type { Kysely } from 'kysely'
import { commitmentOf } from '../../../domain/records/commitment.ts'
import { isRecordType } from '../../../domain/records/compartment-members.ts'
import type { FhirChange, FhirSource, HistoryPage } from '../../../fhir/source.ts'
import type { PatientStore, StoredPatient } from '../../../store/patients.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import { openJson, type Vault } from '../../../store/vault.ts'
import { recordLookup, type StoredRecord, versionLookup } from '../entries.ts'
import { fhirIdOf } from '../register-changes.ts'
import type { Findings } from './findings.ts'

export type CompareDeps = {
  db: Kysely<BrokerTables>
  source: FhirSource
  patients: PatientStore
  vault: Vault
  findings: Findings
  /** Told how far it is; `of` where it is known. */
  progress: (done: number, of: number | null) => void
  /** @throws where the comparison is broken off. */
  goOn: () => void
}

/** How many missing versions are looked at a second time before they are told. */
const LOOKED_AT_AGAIN = 10_000

/** How often a walk is begun anew whose pages the server forgot. */
const ATTEMPTS = 3

const nameOf = ({ resourceType, id, versionId }: FhirChange) => `${resourceType}/${id}/_history/${versionId}`

/**
 * Walks the whole history of the FHIR server: each version of a patient's has an entry that commits to what it holds.
 * @returns missing versions, which the feed may register meanwhile: tell them by {@link tellMissing}.
 */
export async function compareServer(deps: CompareDeps): Promise<FhirChange[]> {
  const missing: FhirChange[] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    missing.length = 0
    deps.findings.reset()
    await deps.db.deleteFrom('reconciled').execute()
    if (await walk(deps, (page) => comparePage(deps, page, missing))) return missing
  }
  throw new Error('the FHIR server forgets the pages of its history before they are read')
}

/** @returns whether the end was reached. */
async function walk(
  { source, progress, goOn }: CompareDeps,
  take: (page: HistoryPage) => Promise<void>,
): Promise<boolean> {
  const links = new Set<string>()
  let done = 0
  let page = await source.historyPage({})
  while (page) {
    goOn()
    await take(page)
    done += page.changes.length
    progress(done, page.total ?? null)
    const { next } = page
    if (next === undefined) return true
    if (links.has(next)) throw new Error('the history of the FHIR server leads in a circle')
    links.add(next)
    page = await source.historyPage({ next })
  }
  return false
}

async function comparePage(
  deps: CompareDeps,
  { changes }: HistoryPage,
  missing: FhirChange[],
): Promise<void> {
  const { db, findings } = deps
  const records = changes.filter((c) => isRecordType(c.resourceType))
  if (records.length === 0) return
  const rows = await registeredAs(
    db,
    records.map((c) => versionLookup(deps, c)),
  )
  const refused = await refusedAmong(deps, records)
  const standing = await standingAmong(
    db,
    records.flatMap((c) => (c.resource ? [] : [recordLookup(deps, c)])),
  )
  const people = new Map<string, StoredPatient | undefined>()
  const seen: string[] = []
  for (const change of records) {
    const version = versionLookup(deps, change)
    const row = rows.get(version)
    if (change.refused || (!row && refused.has(version))) {
      findings.refused(nameOf(change))
      continue
    }
    const owner = fhirIdOf(deps, change)
    if (change.resource ? owner === undefined : !row && !standing.has(recordLookup(deps, change))) continue
    findings.counts.versions++
    if (!row) {
      if (missing.length < LOOKED_AT_AGAIN) missing.push({ ...change, resource: undefined as never })
      else findings.add({ kind: 'missing', what: nameOf(change) })
      continue
    }
    seen.push(version)
    if (!change.resource || row.kind !== 'snapshot') continue
    if (!people.has(row.patient_id)) people.set(row.patient_id, await deps.patients.byId(db, row.patient_id))
    const patient = people.get(row.patient_id)
    if (patient?.secrets.fhirId !== owner || !commits(patient, row, change.resource))
      findings.add({ kind: 'different', what: nameOf(change) })
  }
  if (seen.length === 0) return
  await db
    .insertInto('reconciled')
    .values([...new Set(seen)].map((version_lookup) => ({ version_lookup })))
    .onConflict((oc) => oc.doNothing())
    .execute()
}

type Row = { kind: string; patient_id: string; commitment: string; sealed: Uint8Array }

function commits(patient: StoredPatient | undefined, row: Row, resource: Record<string, unknown>): boolean {
  if (!patient) return false
  const { salt, contents } = openJson<StoredRecord>(patient.key, row.sealed)
  return commitmentOf(Buffer.from(salt, 'base64url'), resource, contents) === row.commitment
}

async function registeredAs(db: Kysely<BrokerTables>, versions: string[]): Promise<Map<string, Row>> {
  const rows = await db
    .selectFrom('records')
    .select(['version_lookup', 'kind', 'patient_id', 'commitment', 'sealed'])
    .where('version_lookup', 'in', versions)
    .execute()
  return new Map(rows.map((row) => [row.version_lookup ?? '', row]))
}

/** Versions that were found to be such as nobody can commit to. */
async function refusedAmong(deps: CompareDeps, changes: readonly FhirChange[]): Promise<Set<string>> {
  const keys = changes.map((c) => `refused/${versionLookup(deps, c)}`)
  const rows = await deps.db.selectFrom('replay').select('key').where('key', 'in', keys).execute()
  return new Set(rows.map(({ key }) => key.slice('refused/'.length)))
}

/** Records that stand with a patient by the newest entry there. */
async function standingAmong(db: Kysely<BrokerTables>, records: string[]): Promise<Set<string>> {
  if (records.length === 0) return new Set()
  const rows = await db
    .selectFrom('records')
    .select(['record_lookup', 'patient_id', 'kind'])
    .where('record_lookup', 'in', records)
    .orderBy('seq')
    .execute()
  const newest = new Map(rows.map((row) => [`${row.record_lookup} ${row.patient_id}`, row]))
  const there = [...newest.values()].filter(({ kind }) => kind === 'snapshot')
  return new Set(there.map((row) => row.record_lookup ?? ''))
}

/** Of the missing versions, those that are missing still; the feed may have been on its way to them. */
export async function tellMissing(deps: CompareDeps, missing: readonly FhirChange[]): Promise<void> {
  for (let i = 0; i < missing.length; i += 500) {
    const part = missing.slice(i, i + 500)
    const rows = await registeredAs(
      deps.db,
      part.map((c) => versionLookup(deps, c)),
    )
    const refused = await refusedAmong(deps, part)
    for (const change of part) {
      const version = versionLookup(deps, change)
      if (!rows.has(version) && !refused.has(version))
        deps.findings.add({ kind: 'missing', what: nameOf(change) })
    }
  }
}

/**
 * Goes through the newest entries that the walk has not met: the FHIR server is asked for each version by itself.
 * @returns records of which the server has nothing any more.
 */
export async function compareBooks(deps: CompareDeps, startedAt: string): Promise<FhirChange[]> {
  const { db, findings, source } = deps
  const gone = new Map<string, FhirChange>()
  let last = 0
  for (;;) {
    deps.goOn()
    const rows = await db
      .selectFrom('records')
      .select(['seq', 'patient_id', 'sealed'])
      .where('seq', '>', last)
      .where('kind', '=', 'snapshot')
      .where('created_at', '<', startedAt)
      .where('version_lookup', 'is not', null)
      .where('version_lookup', 'not in', db.selectFrom('reconciled').select('version_lookup'))
      // A server may forget what was overtaken; what stands by its newest entry must be there.
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('records as later')
              .select('later.seq')
              .whereRef('later.record_lookup', '=', 'records.record_lookup')
              .whereRef('later.patient_id', '=', 'records.patient_id')
              .whereRef('later.seq', '>', 'records.seq'),
          ),
        ),
      )
      .orderBy('seq')
      .limit(200)
      .execute()
    for (const row of rows) {
      last = row.seq
      const patient = await deps.patients.byId(db, row.patient_id)
      if (!patient) continue
      const { resourceType, id, versionId } = openJson<StoredRecord>(patient.key, row.sealed)
      if (await source.readVersion(resourceType, id, versionId)) continue
      const what = { resourceType, id, versionId, lastUpdated: '' }
      findings.add({ kind: 'extra', what: nameOf(what) })
      if (!(await source.recordHistory(resourceType, id))) gone.set(`${resourceType}/${id}`, what)
    }
    if (rows.length < 200) return [...gone.values()]
  }
}
