import type { Kysely, Selectable } from 'kysely'
import type { AuditKind, AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import {
  IDENTITY_KIND_TEXT,
  IDENTITY_REASONS,
  type IdentityKind,
  type IdentityReason,
  isAsBefore,
  isEnded,
  nationalIn,
  type PatientPicture,
} from '../../domain/identity/identity-events.ts'
import { type PatientStore, type StoredPatient, storedPicture } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { EventBody, Word } from './identity-watch.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['identity_events']>
export type IdentityStatus = Row['status']

/** An event as the records office is shown it. */
export type IdentityEvent = {
  id: string
  kind: IdentityKind
  text: string
  status: IdentityStatus
  createdAt: string
  closedAt?: string
  /** What the first person has said; a second one has to say the same. */
  waitsFor?: 'confirm' | 'reject'
  persons: {
    reference: string
    /** Whether somebody signs for this patient. */
    enrolled: boolean
    before: PatientPicture
    now: PatientPicture
    /** What confirming does: the entries go to a new handle, or nobody can sign any more. */
    confirming: 'new-handle' | 'end'
  }[]
  changes: { at: string; reference: string; kinds: IdentityKind[] }[]
  words: Word[]
}

export type Said = Omit<Word, 'at' | 'reason'> & { reason: IdentityReason }

export type IdentityEvents = {
  /** Newest first, at most 500. */
  list(status?: IdentityStatus): Promise<IdentityEvent[]>
  /** @throws WayleaveError `identity-event-unknown` */
  byId(id: string): Promise<IdentityEvent>
  /**
   * What one person says. The second one who says the same decides: a rejection ends the freeze; a confirmation lets the
   * entries go to new handles.
   * @throws WayleaveError `identity-event-unknown`; `identity-event-closed`; `second-person-needed` where the same person
   * says it again; `identity-unresolved` for a rejection while the source still says what is rejected
   */
  say(id: string, said: Said): Promise<IdentityEvent>
}

export function createIdentityEvents(deps: {
  db: Db
  patients: PatientStore
  vault: Vault
  clock: Clock
  accessLog: AccessLog
  /** This hospital, as the trail names it. */
  own: AuditParty
  /** Told after the transaction, with the patients whose shares may have changed. */
  afterDecision: (status: 'confirmed' | 'rejected', patientIds: readonly string[]) => void
}): IdentityEvents {
  const { db, patients, vault, clock } = deps

  async function concerned(trx: Db, id: string): Promise<StoredPatient[]> {
    const rows = await trx
      .selectFrom('identity_event_patients')
      .select('patient_id')
      .where('event_id', '=', id)
      .orderBy('patient_id')
      .execute()
    const all: StoredPatient[] = []
    for (const { patient_id } of rows) {
      const patient = await patients.byId(trx, patient_id)
      if (patient) all.push(patient)
    }
    return all
  }

  const bodyOf = (row: Pick<Row, 'sealed'>) => openJson<EventBody>(vault.storeKey, row.sealed)

  async function read(row: Row): Promise<IdentityEvent> {
    const body = bodyOf(row)
    const persons = (await concerned(db, row.id)).map((patient) => {
      const now = storedPicture(patient)
      return {
        reference: `Patient/${patient.secrets.fhirId}`,
        enrolled: patient.signerHash !== undefined,
        before: body.before[patient.secrets.fhirId] ?? now,
        now,
        confirming: isEnded(now) ? ('end' as const) : ('new-handle' as const),
      }
    })
    return {
      id: row.id,
      kind: row.kind,
      text: IDENTITY_KIND_TEXT[row.kind],
      status: row.status,
      createdAt: row.created_at,
      ...(row.closed_at ? { closedAt: row.closed_at } : {}),
      ...(row.word && row.status === 'open' ? { waitsFor: row.word } : {}),
      persons,
      changes: body.changes.map(({ at, fhirId, kinds }) => ({ at, reference: `Patient/${fhirId}`, kinds })),
      words: body.words,
    }
  }

  async function rowOf(id: string): Promise<Row> {
    const row = await db.selectFrom('identity_events').selectAll().where('id', '=', id).executeTakeFirst()
    if (!row) throw wayleaveError('identity-event-unknown')
    return row
  }

  /**
   * Lifting the freeze must open nothing that was not open before: the source says again whose records are whose, no
   * number stands in two files, and no record that changed hands meanwhile is with the other person still.
   */
  async function assertResolved(trx: Db, row: Row, persons: readonly StoredPatient[]): Promise<void> {
    const { before } = bodyOf(row)
    const numbers = new Set<string>()
    for (const patient of persons) {
      const { fhirId } = patient.secrets
      const now = storedPicture(patient)
      if (!isAsBefore(before[fhirId] ?? now, now, patient.signerHash !== undefined))
        throw wayleaveError('identity-unresolved', 'the source says otherwise than before')
      for (const number of patient.closed ? [] : nationalIn(now.identifiers)) {
        if (numbers.has(number)) throw wayleaveError('identity-unresolved', 'one number for two')
        numbers.add(number)
      }
    }
    const ids = persons.map(({ id }) => id)
    const strayed = await trx
      .selectFrom('records as now')
      .innerJoin('records as was', 'was.record_lookup', 'now.record_lookup')
      .select(['now.record_lookup', 'now.patient_id', 'now.seq'])
      .where('now.patient_id', 'in', ids)
      .where('now.kind', '=', 'snapshot')
      .where('now.seq', '>', row.records_from)
      .where('was.patient_id', 'in', ids)
      .where('was.seq', '<=', row.records_from)
      .whereRef('was.patient_id', '!=', 'now.patient_id')
      .execute()
    for (const { record_lookup, patient_id } of strayed) {
      const newest = await trx
        .selectFrom('records')
        .select(['kind'])
        .where('record_lookup', '=', record_lookup)
        .where('patient_id', '=', patient_id)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (newest?.kind === 'snapshot')
        throw wayleaveError('identity-unresolved', 'records have changed hands')
    }
  }

  async function note(
    trx: Db,
    kind: AuditKind,
    persons: readonly StoredPatient[],
    said: Said,
  ): Promise<void> {
    for (const patient of persons) {
      const entry = {
        kind,
        outcome: '0' as const,
        custodian: deps.own,
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
        user: said.user,
        client: said.client,
        note: IDENTITY_REASONS[said.reason],
      }
      await deps.accessLog.append(trx, entry, patient)
    }
  }

  return {
    async list(status) {
      let query = db.selectFrom('identity_events').selectAll()
      if (status) query = query.where('status', '=', status)
      const rows = await query.orderBy('created_at', 'desc').limit(500).execute()
      const all: IdentityEvent[] = []
      for (const row of rows) all.push(await read(row))
      return all
    },

    byId: async (id) => read(await rowOf(id)),

    async say(id, said) {
      const { word, user } = said
      await rowOf(id)
      const decided = await db.transaction().execute(async (trx) => {
        const row = await trx
          .selectFrom('identity_events')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirstOrThrow()
        if (row.status !== 'open') throw wayleaveError('identity-event-closed')
        const persons = await concerned(trx, id)
        const second = row.word === word
        if (second && row.first_person === user.id) throw wayleaveError('second-person-needed')
        if (word === 'reject') await assertResolved(trx, row, persons)
        const body = bodyOf(row)
        body.words.push({ ...said, at: new Date(clock.now()).toISOString() })
        const sealed = sealJson(vault.storeKey, body)
        const update = trx.updateTable('identity_events').where('id', '=', id)
        if (!second) {
          // Another word than the first one's takes its place, and needs a second person in its turn.
          await update.set({ word, first_person: user.id, sealed }).execute()
          await note(trx, word === 'confirm' ? 'identity-confirmed' : 'identity-rejected', persons, said)
          return undefined
        }
        const status = word === 'confirm' ? ('confirmed' as const) : ('rejected' as const)
        const closed_at = status === 'rejected' ? new Date(clock.now()).toISOString() : null
        await update.set({ status, second_person: user.id, sealed, closed_at }).execute()
        await note(trx, word === 'confirm' ? 'identity-confirmed' : 'identity-rejected', persons, said)
        return { status, ids: persons.map((patient) => patient.id) }
      })
      if (decided) deps.afterDecision(decided.status, decided.ids)
      return read(await rowOf(id))
    },
  }
}
