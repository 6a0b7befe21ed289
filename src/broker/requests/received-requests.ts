import type { JSONWebKeySet } from 'jose'
import type { Kysely } from 'kysely'
import type { Contracts } from '../../chain/contracts.ts'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import {
  type AccessRequest,
  answers,
  type RequestOutcome,
  requestCommitment,
  requestInner,
} from '../../domain/consent/access-request.ts'
import type { ActMessages } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { openAccessRequest } from '../../exchange/access-request.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import { partyOf } from '../release/parties.ts'
import type { Decider } from './approvals.ts'
import { createRequestCloser } from './close-requests.ts'
import { createRequestRows, type RequestRow as Row } from './request-rows.ts'

type Db = Kysely<BrokerTables>

/** A request as this custodian holds it. */
export type ReceivedRequest = {
  commitment: Hex
  request: AccessRequest
  decision: 'approved' | 'rejected' | undefined
  /** Digest of the patient's grant in answer. */
  answer: Hex | undefined
  receivedAt: string
}

/** `approved`: by the custodian, and not answered by the patient yet; `answered`: the other way round. */
export type RequestState = 'open' | 'approved' | 'answered' | Exclude<RequestOutcome, 'unknown-patient'>

export type ReceivedRequests = {
  /**
   * Takes a sealed request and says the same whoever it concerns (I11). Delivered twice, it changes nothing.
   * @throws WayleaveError `access-request-invalid`
   */
  take(jwe: string): Promise<void>
  /** What the patient may answer: requests that the chain shows as open. */
  openFor(patient: StoredPatient): Promise<ReceivedRequest[]>
  /** What the custodian's staff may decide on, of patients that it knows. */
  open(): Promise<(ReceivedRequest & { patient: StoredPatient })[]>
  /** The newest of all that the chain ever showed, whatever became of them. */
  all(): Promise<(ReceivedRequest & { patient: StoredPatient; state: RequestState })[]>
  /** The patient says no. Nobody but the custodian learns of it. @throws WayleaveError `task-unknown` */
  refuse(patient: StoredPatient, commitment: string): Promise<void>
  /** Notes a grant as the answer to a request that covers it; hands back what the custodian has said to that request. */
  answered(
    trx: Db,
    patient: StoredPatient,
    grant: ActMessages['Grant'],
    digest: Hex,
    requester: AuditParty,
  ): Promise<{ commitment: Hex; decision: 'approved' | 'rejected' | undefined } | undefined>
  /**
   * The custodian's word, before or after the patient's.
   * @throws WayleaveError `task-unknown`, `task-closed`; for an approval `identity-frozen`, `handle-closed`
   */
  decide(commitment: string, decision: 'approved' | 'rejected', by: Decider): Promise<ReceivedRequest>
  /** Closes what is due by the chain's own time, all alike. */
  closeDue(): Promise<void>
  close(): Promise<void>
}

const kindness = ({ decision }: Row) => (decision === 'approved' ? 2 : decision === null ? 1 : 0)

/** Rows read at a time, and the most that anybody is shown. */
const PAGE = 100
const MOST_SHOWN = 500

export function createReceivedRequests(deps: {
  db: Db
  vault: Vault
  patients: PatientStore
  clock: Clock
  log: Logger
  index: IndexQueries
  /** The newest block's time, in seconds. */
  chainTime: () => number | undefined
  contracts: Contracts
  accessLog: AccessLog
  own: { member: Hex; key: CryptoKey }
  organization: { name: string; identifier: Identifier }
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
  afterClose: () => void
  everyMs?: number
  lead: Pick<Lead, 'holds'>
}): ReceivedRequests {
  const { db, clock, index, patients, own } = deps
  const now = () => Math.floor(clock.now() / 1000)
  const rows = createRequestRows(deps)
  const { read, asks, stateOf, wasOpened } = rows
  const closer = createRequestCloser({ ...deps, member: own.member, rows })

  async function openRows(patient?: StoredPatient): Promise<Row[]> {
    const found: Row[] = []
    // Page by page, as above: what counts is what the chain shows.
    for (let after = ''; found.length < MOST_SHOWN; ) {
      let query = db
        .selectFrom('requests_received')
        .selectAll()
        .where('patient_id', 'is not', null)
        .where('outcome', 'is', null)
        .where('patient_refused', '=', false)
        .where('deadline', '>', now())
        .where('commitment', '>', after)
      if (patient) query = query.where('patient_id', '=', patient.id)
      const rows = await query.orderBy('commitment').limit(PAGE).execute()
      const opened = await Promise.all(rows.map(asks))
      found.push(...rows.filter((_, i) => opened[i]))
      if (rows.length < PAGE) break
      after = rows.at(-1)?.commitment ?? after
    }
    return found.sort((x, y) => (x.created_at < y.created_at ? -1 : 1))
  }

  const partiesOf = async (row: Pick<Row, 'requester'>) => ({
    requester: await partyOf(index, row.requester as Hex),
    custodian: await partyOf(index, own.member),
  })

  /** A step between asking and closing, for the trail; the parties are looked up before the transaction. */
  async function noteStep(
    trx: Db,
    patient: StoredPatient,
    parties: Awaited<ReturnType<typeof partiesOf>>,
    row: Row,
    said: string,
    by?: Decider,
  ): Promise<void> {
    const reference = `Patient/${patient.secrets.fhirId}`
    const { purpose } = read(row, patient).request
    const request = `Task/${row.commitment}`
    const entry = {
      kind: 'request-step' as const,
      outcome: '0' as const,
      ...parties,
      purpose,
      request,
      note: said,
    }
    await deps.accessLog.append(trx, { ...entry, ...(by ?? {}), patient: { reference } }, patient)
  }

  return {
    async take(jwe) {
      const request = await openAccessRequest(jwe, own, deps.keysOf)
      const inner = requestInner(request)
      const commitment = requestCommitment(own.member, inner)
      const found = await patients.byIdentifier(db, request.patient)
      // Two persons under one number are for people to sort out; until then it is nobody's.
      const patient = found.length === 1 ? found[0] : undefined
      const requester = await partyOf(index, request.requester)
      const custodian = await partyOf(index, own.member)
      await db.transaction().execute(async (trx) => {
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('requests_received')
          .values({
            commitment,
            requester: request.requester,
            patient_id: patient?.id ?? null,
            deadline: request.deadline,
            // Of somebody who is nobody here nothing is kept but what it takes to close it like any other (I6, I11).
            sealed: patient ? sealJson(patient.key, request) : null,
            inner_hash: patient ? null : inner,
            ...{ decision: null, decided_by: null, patient_refused: false, answer: null, outcome: null },
            created_at: new Date(clock.now()).toISOString(),
          })
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows === 0n) return
        const entry = {
          ...{ kind: 'request-received' as const, outcome: '0' as const, requester, custodian },
          purpose: request.purpose,
          request: `Task/${commitment}`,
        }
        await deps.accessLog.append(trx, entry, patient)
      })
    },

    async openFor(patient) {
      return patient.closed ? [] : (await openRows(patient)).map((row) => read(row, patient))
    },

    async open() {
      const rows = await openRows()
      const all = await Promise.all(
        rows.map(async (row) => {
          const patient = await patients.byId(db, row.patient_id ?? '')
          return patient && !patient.closed ? [{ ...read(row, patient), patient }] : []
        }),
      )
      return all.flat()
    },

    async all() {
      const rows = await db
        .selectFrom('requests_received')
        .selectAll()
        .where('patient_id', 'is not', null)
        .orderBy('created_at', 'desc')
        .limit(MOST_SHOWN)
        .execute()
      const all = await Promise.all(
        rows.map(async (row) => {
          const patient = await patients.byId(db, row.patient_id ?? '')
          if (!patient || !(await wasOpened(row))) return []
          return [{ ...read(row, patient), patient, state: await stateOf(row) }]
        }),
      )
      return all.flat()
    },

    async refuse(patient, commitment) {
      const row = await db
        .selectFrom('requests_received')
        .selectAll()
        .where('commitment', '=', commitment)
        .where('patient_id', '=', patient.id)
        .executeTakeFirst()
      if (!row || row.outcome) throw wayleaveError('task-unknown')
      const parties = await partiesOf(row)
      await db.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('requests_received')
          .set({ patient_refused: true })
          .where('commitment', '=', commitment)
          .where('outcome', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) throw wayleaveError('task-unknown')
        await noteStep(trx, patient, parties, row, 'The patient declined.')
      })
    },

    async answered(trx, patient, grant, digest, requester) {
      const rows = await trx
        .selectFrom('requests_received')
        .selectAll()
        .where('patient_id', '=', patient.id)
        .where('outcome', 'is', null)
        .where('answer', 'is', null)
        .where('deadline', '>', now())
        .orderBy('created_at')
        .execute()
      // Of several that it answers, one that still waits for the patient, and of those the one that the custodian looks on most
      // kindly: asking again after a no is allowed.
      const row = rows
        .filter((one) => answers(grant, read(one, patient).request))
        .sort((x, y) => Number(x.patient_refused) - Number(y.patient_refused) || kindness(y) - kindness(x))[0]
      if (!row) return undefined
      await trx
        .updateTable('requests_received')
        .set({ answer: digest, patient_refused: false })
        .where('commitment', '=', row.commitment)
        .execute()
      const custodian = { id: own.member, ...deps.organization }
      await noteStep(trx, patient, { requester, custodian }, row, 'The patient signed an answer.')
      return { commitment: row.commitment as Hex, decision: row.decision ?? undefined }
    },

    async decide(commitment, decision, by) {
      const row = await db
        .selectFrom('requests_received')
        .selectAll()
        .where('commitment', '=', commitment)
        .executeTakeFirst()
      const patient = row?.patient_id ? await patients.byId(db, row.patient_id) : undefined
      if (!row || !patient) throw wayleaveError('task-unknown')
      if (row.outcome || row.deadline <= now()) throw wayleaveError('task-closed')
      if (!(await asks(row))) throw wayleaveError('task-unknown')
      const parties = await partiesOf(row)
      await db.transaction().execute(async (trx) => {
        if (decision === 'approved') await assertNotFrozen(trx, patient)
        const { numUpdatedRows } = await trx
          .updateTable('requests_received')
          .set({ decision, decided_by: by.user.id })
          .where('commitment', '=', commitment)
          .where('outcome', 'is', null)
          .where('decision', 'is', null)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) throw wayleaveError('task-closed')
        const said = decision === 'approved' ? 'The hospital approves.' : 'The hospital does not approve.'
        await noteStep(trx, patient, parties, row, said, by)
      })
      return read({ ...row, decision }, patient)
    },

    closeDue: closer.flush,
    close: () => closer.close(),
  }
}
