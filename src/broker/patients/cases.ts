import { randomUUID } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { CaseAnswer, HospitalCase, OwnCase } from '../../domain/portal/cases.ts'
import { LONGEST_CASE_TEXT } from '../../domain/portal/cases.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { type AccessLog, lookupsOf } from '../audit/access-log.ts'
import type { Notices } from './notices.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['cases']>
type CaseBody = Pick<OwnCase, 'text' | 'about' | 'answers' | 'withdrawn'>

/** Cases that one patient may have open at a time, and the most that are listed at once. */
const MOST_OPEN = 20
const MOST_LISTED = 100

export type Cases = {
  /** @throws WayleaveError `request-invalid`, `audit-event-unknown` for an entry that is not the patient's, `case-limit` */
  open(patient: StoredPatient, input: { text?: unknown; about?: unknown }): Promise<OwnCase>
  /** Newest first. */
  of(patient: StoredPatient): Promise<OwnCase[]>
  /** Taken back twice is taken back. @throws WayleaveError `case-unknown`, `case-closed` */
  withdraw(patient: StoredPatient, id: string): Promise<void>
  /**
   * For the hospital, the oldest first; `next` goes into `after`.
   * @throws WayleaveError `request-invalid`
   */
  list(query: { state?: unknown; after?: unknown }): Promise<{ cases: HospitalCase[]; next?: string }>
  /** @throws WayleaveError `request-invalid`, `case-unknown`, `case-closed` */
  answer(id: string, input: { text?: unknown; close?: unknown }, by: Asker): Promise<HospitalCase>
}

export function createCases(deps: {
  db: Db
  vault: Vault
  clock: Clock
  patients: PatientStore
  accessLog: AccessLog
  notices: Pick<Notices, 'add'>
  own: AuditParty
}): Cases {
  const { db, clock, vault, patients } = deps
  const now = () => new Date(clock.now()).toISOString()

  const read = (row: Row, patient: StoredPatient): OwnCase => ({
    ...{ id: row.id, state: row.state, at: row.created_at, changedAt: row.changed_at },
    ...openJson<CaseBody>(patient.key, row.sealed),
  })

  const ofHospital = (row: Row, patient: StoredPatient): HospitalCase => ({
    ...read(row, patient),
    patient: { reference: `Patient/${patient.secrets.fhirId}` },
  })

  const note = (
    trx: Db,
    kind: 'case-opened' | 'case-answered' | 'case-withdrawn',
    patient: StoredPatient,
    by?: Asker,
  ) =>
    deps.accessLog.append(
      trx,
      {
        ...{ kind, outcome: '0', custodian: deps.own },
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
        ...(by ? { user: userOf(by) } : {}),
      },
      patient,
    )

  async function assertOwnEntry(patient: StoredPatient, about: string): Promise<void> {
    const row = await db
      .selectFrom('audit_events')
      .select('id')
      .where('id', '=', about)
      .where('patient_lookup', 'in', lookupsOf(vault, patient))
      .executeTakeFirst()
    if (!row) throw wayleaveError('audit-event-unknown')
  }

  /** Changes what a case says, with its row held. */
  async function change(
    id: string,
    patientId: string | undefined,
    work: (
      trx: Db,
      row: Row,
      patient: StoredPatient,
      body: CaseBody,
    ) => Promise<Partial<Pick<Row, 'state'>> & { body?: CaseBody }>,
  ): Promise<HospitalCase> {
    return db.transaction().execute(async (trx) => {
      const row = await trx
        .selectFrom('cases')
        .selectAll()
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      const patient = row && (await patients.byId(trx, row.patient_id))
      if (!row || !patient || (patientId !== undefined && row.patient_id !== patientId))
        throw wayleaveError('case-unknown')
      const { body, ...state } = await work(trx, row, patient, openJson<CaseBody>(patient.key, row.sealed))
      if (!body) return ofHospital(row, patient)
      const changed = { ...state, sealed: sealJson(patient.key, body), changed_at: now() }
      await trx.updateTable('cases').set(changed).where('id', '=', id).execute()
      return ofHospital({ ...row, ...changed }, patient)
    })
  }

  return {
    async open(patient, { text, about }) {
      const body: CaseBody = { text: textIn(text), answers: [] }
      if (about !== undefined) {
        if (typeof about !== 'string' || about.length > 64) throw wayleaveError('request-invalid', 'about')
        await assertOwnEntry(patient, about)
        body.about = about
      }
      const at = now()
      const row: Row = {
        ...{ id: randomUUID(), patient_id: patient.id, state: 'open', created_at: at, changed_at: at },
        sealed: sealJson(patient.key, body),
      }
      await db.transaction().execute(async (trx) => {
        await patients.lock(trx, patient.id)
        const { open } = await trx
          .selectFrom('cases')
          .select((eb) => eb.fn.countAll<number>().as('open'))
          .where('patient_id', '=', patient.id)
          .where('state', '=', 'open')
          .executeTakeFirstOrThrow()
        if (Number(open) >= MOST_OPEN) throw wayleaveError('case-limit')
        await trx.insertInto('cases').values(row).execute()
        await note(trx, 'case-opened', patient)
      })
      return read(row, patient)
    },

    async of(patient) {
      const rows = await db
        .selectFrom('cases')
        .selectAll()
        .where('patient_id', '=', patient.id)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .execute()
      return rows.map((row) => read(row, patient))
    },

    async withdraw(patient, id) {
      await change(id, patient.id, async (trx, row, _patient, body) => {
        if (body.withdrawn) return {}
        if (row.state === 'closed') throw wayleaveError('case-closed')
        await note(trx, 'case-withdrawn', patient)
        return { state: 'closed', body: { ...body, withdrawn: true } }
      })
    },

    async list({ state, after }) {
      if (state !== undefined && !['open', 'answered', 'closed'].includes(state as string))
        throw wayleaveError('request-invalid', 'state')
      let rows = db
        .selectFrom('cases')
        .selectAll()
        .orderBy('created_at')
        .orderBy('id')
        .limit(MOST_LISTED + 1)
      if (state !== undefined) rows = rows.where('state', '=', state as Row['state'])
      if (after !== undefined) {
        const last = await db
          .selectFrom('cases')
          .select(['id', 'created_at'])
          .where('id', '=', typeof after === 'string' ? after : '')
          .executeTakeFirst()
        if (!last) throw wayleaveError('request-invalid', 'after')
        rows = rows.where((eb) =>
          eb(eb.refTuple('created_at', 'id'), '>', eb.tuple(last.created_at, last.id)),
        )
      }
      const found = await rows.execute()
      const shown = found.slice(0, MOST_LISTED)
      const cases = await Promise.all(
        shown.map(async (row) => {
          const patient = await patients.byId(db, row.patient_id)
          return patient ? [ofHospital(row, patient)] : []
        }),
      )
      const next = found.length > MOST_LISTED ? shown.at(-1)?.id : undefined
      return { cases: cases.flat(), ...(next ? { next } : {}) }
    },

    async answer(id, { text, close = false }, by) {
      const said = textIn(text)
      if (typeof close !== 'boolean') throw wayleaveError('request-invalid', 'close')
      return change(id, undefined, async (trx, row, patient, body) => {
        if (row.state === 'closed') throw wayleaveError('case-closed')
        const at = now()
        const { name, role } = userOf(by)
        const answer: CaseAnswer = {
          ...{ at, text: said },
          by: { ...(name ? { name } : {}), ...(role ? { role } : {}) },
        }
        const answers = [...body.answers, answer]
        await note(trx, 'case-answered', patient, by)
        await deps.notices.add(trx, patient, `case|${id}|${answers.length}`, {
          ...{ kind: 'case-answered', at, about: id },
        })
        return { state: close ? 'closed' : 'answered', body: { ...body, answers } }
      })
    },
  }
}

const userOf = ({ userId, userName, role }: Asker) => ({
  id: userId,
  ...(userName ? { name: userName } : {}),
  ...(role ? { role } : {}),
})

/** @throws WayleaveError `request-invalid` */
function textIn(text: unknown): string {
  const said = typeof text === 'string' ? text.trim() : ''
  // A NUL is taken by no text column, and means nothing to a reader.
  if (said === '' || said.length > LONGEST_CASE_TEXT || said.includes('\0'))
    throw wayleaveError('request-invalid', 'text')
  return said
}
