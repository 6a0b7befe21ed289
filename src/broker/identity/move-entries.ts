import type { Kysely } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
import { isEnded } from '../../domain/identity/identity-events.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { compartmentName } from '../../domain/records/compartments.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { FhirChange, FhirSource } from '../../fhir/source.ts'
import type { Logger } from '../../observe/log.ts'
import { type StoredPatient, storedPicture } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import {
  createEntries,
  type EntryDeps,
  type RegisteredContent,
  recordLookup,
  type StoredRecord,
} from '../register/entries.ts'

type Db = Kysely<BrokerTables>

/** A version to be registered anew, as the FHIR server has it now. */
type Copy = {
  tag: string
  change: FhirChange
  resource: NonNullable<FhirChange['resource']>
  /** What of it lies outside, as it was measured when it was registered. */
  contents: readonly RegisteredContent[]
  /** It only says once more that the version is the newest. */
  again: boolean
}

/** What was read of one patient, and the last entry that was seen then. */
type Prepared = { copies: Copy[]; until: number }

export type EntryMover = {
  /** Carries out what two persons have confirmed; what cannot be read now is tried again. */
  run(): Promise<void>
  close(): Promise<void>
}

const AGAIN = 1_000

/**
 * Moves a patient's entries to a new handle: a new row with new secrets, under which every version of every record that
 * stands is registered anew, with new salts, so that nothing on the chain joins the two handles by value (I8). No consent
 * goes along: nobody signs for the new handle before the patient enrols again.
 */
export function createEntryMover(
  deps: EntryDeps & {
    db: Db
    log: Logger
    source: FhirSource
    labeller: Labeller
    accessLog: AccessLog
    lead: Pick<Lead, 'holds'>
    /** This hospital, as the trail names it. */
    own: AuditParty
    /** Told of the patients whose entries moved, old rows and new. */
    afterMove: (patientIds: readonly string[]) => void
  },
): EntryMover {
  const { db, log, patients, source } = deps
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function concerned(db: Db, event: string): Promise<StoredPatient[]> {
    const rows = await db
      .selectFrom('identity_event_patients')
      .select('patient_id')
      .where('event_id', '=', event)
      .orderBy('patient_id')
      .execute()
    const all: StoredPatient[] = []
    for (const { patient_id } of rows) {
      const patient = await patients.byId(db, patient_id)
      if (patient && patient.closed !== 'moved') all.push(patient)
    }
    return all
  }

  async function lastEntry(db: Db, { id }: StoredPatient): Promise<number> {
    const row = await db
      .selectFrom('records')
      .select((eb) => eb.fn.max('seq').as('seq'))
      .where('patient_id', '=', id)
      .executeTakeFirst()
    return Number(row?.seq ?? -1)
  }

  /** Outside any transaction: a database with one connection must not wait for a server that uses the same one. */
  async function prepare(patient: StoredPatient): Promise<Prepared> {
    const until = await lastEntry(db, patient)
    const rows = await db
      .selectFrom('records')
      .select(['tag', 'kind', 'commitment', 'record_lookup', 'version_lookup', 'sealed'])
      .where('patient_id', '=', patient.id)
      .where('record_lookup', 'is not', null)
      .orderBy('seq')
      .execute()
    const standing = new Set(
      [...Map.groupBy(rows, (row) => row.record_lookup).values()]
        .filter((all) => all.at(-1)?.kind === 'snapshot')
        .flatMap((all) => all.filter(({ kind }) => kind === 'snapshot').map(({ tag }) => tag)),
    )
    const copies: Copy[] = []
    for (const { tag, commitment, sealed, version_lookup } of rows) {
      if (closed) throw new Error('the broker stops')
      if (!standing.has(tag)) continue
      const stored = openJson<StoredRecord>(patient.key, sealed)
      const { resourceType, id, versionId, salt, contents = [] } = stored
      const bytes = await source.readVersion(resourceType, id, versionId)
      if (!bytes) continue // gone at the source: there is nothing to release any more
      const resource = parsed(bytes)
      if (!resource || commitmentOf(Buffer.from(salt, 'base64url'), resource, contents) !== commitment) {
        log.error({ resourceType }, 'a record is no longer what was registered')
        await note(db, patient, {
          kind: 'alarm',
          outcome: '8',
          reason: 'record-changed',
          recordedBy: 'custodian',
        })
        continue
      }
      copies.push({
        tag,
        change: { resourceType, id, versionId, lastUpdated: '', resource },
        resource,
        contents,
        again: version_lookup === null,
      })
    }
    return { copies, until }
  }

  async function note(trx: Db, patient: StoredPatient, entry: Omit<LogEntry, 'custodian' | 'patient'>) {
    const custodian = deps.own
    const reference = `Patient/${patient.secrets.fhirId}`
    await deps.accessLog.append(trx, { ...entry, custodian, patient: { reference } }, patient)
  }

  /** Closes what grantees of the old handle could follow, and the handle. */
  async function closeHandle(trx: Db, patient: StoredPatient, how: 'moved' | 'ended'): Promise<void> {
    const old = await createEntries(trx, deps, patient)
    await old.changeKeyIfNarrowed([])
    await old.flush()
    await patients.close(trx, patient.id, how)
  }

  async function renew(
    trx: Db,
    old: StoredPatient,
    { copies }: Prepared,
    event: string,
  ): Promise<StoredPatient> {
    await closeHandle(trx, old, 'moved')
    // Not snapshots any more: none of them is where its record stands. What is registered anew is so once.
    await trx
      .updateTable('records')
      .set({ kind: 'moved' })
      .where('patient_id', '=', old.id)
      .where('kind', '=', 'snapshot')
      .execute()
    for (let i = 0; i < copies.length; i += 200) {
      const tags = copies.slice(i, i + 200).map(({ tag }) => tag)
      await trx.updateTable('records').set({ version_lookup: null }).where('tag', 'in', tags).execute()
    }
    const { handle: _h, scopeSecret: _s, pointerKeys: _p, formerly = [], ...secrets } = old.secrets
    const renewed = await patients.create(trx, { ...secrets, formerly: [old.id, ...formerly] })
    const entries = await createEntries(trx, deps, renewed)
    for (const { change, resource, contents, again } of copies) {
      const { kinds } = deps.labeller.label(resource as never)
      const compartment = compartmentName({ dataClass: dataClassOf(resource), kinds })
      const before = await entries.standingOf(recordLookup(deps, change))
      if (before !== undefined && before !== compartment) await entries.retire(before, change, again)
      await entries.snapshot(compartment, change, resource, contents, again)
    }
    await entries.flush()
    // What else is open about this person is about the new row from now on.
    await trx
      .updateTable('identity_event_patients')
      .set({ patient_id: renewed.id })
      .where('patient_id', '=', old.id)
      .where('event_id', '!=', event)
      .where(
        'event_id',
        'in',
        trx.selectFrom('identity_events').select('id').where('status', 'in', ['open', 'confirmed']),
      )
      .execute()
    return renewed
  }

  async function moveOne(event: string): Promise<void> {
    const prepared = new Map<string, Prepared>()
    for (const patient of await concerned(db, event)) {
      if (!isEnded(storedPicture(patient))) prepared.set(patient.id, await prepare(patient))
    }
    const moved = await db.transaction().execute(async (trx) => {
      const row = await trx
        .selectFrom('identity_events')
        .select('id')
        .where('id', '=', event)
        .where('status', '=', 'confirmed')
        .forUpdate()
        .executeTakeFirst()
      if (!row) return []
      const ids: string[] = []
      for (const { id } of await concerned(trx, event)) {
        const patient = await patients.lock(trx, id)
        ids.push(id)
        const read = prepared.get(id)
        if (isEnded(storedPicture(patient)) && !read) {
          if (!patient.closed) await closeHandle(trx, patient, 'ended')
          await note(trx, patient, { kind: 'identity-moved', outcome: '0', note: ENDED })
          continue
        }
        // Something was registered meanwhile: it is read again, with that.
        if (!read || isEnded(storedPicture(patient)) || read.until !== (await lastEntry(trx, patient)))
          throw new Error('entries came meanwhile')
        const renewed = await renew(trx, patient, read, event)
        ids.push(renewed.id)
        for (const one of [patient, renewed])
          await note(trx, one, { kind: 'identity-moved', outcome: '0', note: MOVED })
      }
      await trx
        .updateTable('identity_events')
        .set({ status: 'done', closed_at: new Date(deps.clock.now()).toISOString() })
        .where('id', '=', event)
        .execute()
      return ids
    })
    if (moved.length > 0) deps.afterMove(moved)
  }

  async function turn(): Promise<void> {
    clearTimeout(timer)
    if (closed || !deps.lead.holds()) return
    const rows = await db
      .selectFrom('identity_events')
      .select('id')
      .where('status', '=', 'confirmed')
      .orderBy('created_at')
      .execute()
    let waiting = false
    for (const { id } of rows) {
      await moveOne(id).catch((error: unknown) => {
        waiting = true
        if (!closed) log.warn({ error }, 'entries wait to be moved to a new handle')
      })
    }
    if (waiting && !closed) timer = setTimeout(() => void run(), AGAIN)
  }

  function run(): Promise<void> {
    running = running.then(turn, turn).catch((error: unknown) => {
      log.warn({ error }, 'entries wait to be moved to a new handle')
      if (!closed) timer = setTimeout(() => void run(), AGAIN)
    })
    return running
  }

  return {
    run,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}

const MOVED = 'The records are under a new handle; the patient signs again, with a new key.'
const ENDED = 'Nobody can sign for this file any more; nothing of it is shared.'

function parsed(bytes: Uint8Array): Copy['resource'] | undefined {
  try {
    return parseStrictJson(bytes) as Copy['resource']
  } catch {
    return undefined
  }
}
