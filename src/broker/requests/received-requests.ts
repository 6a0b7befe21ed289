import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import type { Kysely, Selectable } from 'kysely'
import { AccessRequests__factory, type Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import {
  type AccessRequest,
  answers,
  outcomeHash,
  type RequestOutcome,
  requestCommitment,
  requestInner,
} from '../../domain/consent/access-request.ts'
import type { ActMessages } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, toHex } from '../../domain/hex.ts'
import { openAccessRequest } from '../../exchange/access-request.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'

type Db = Kysely<BrokerTables>
type Row = Selectable<BrokerTables['requests_received']>

/** A request as this custodian holds it. */
export type ReceivedRequest = {
  commitment: Hex
  request: AccessRequest
  decision: 'approved' | 'rejected' | undefined
  /** Digest of the patient's grant in answer. */
  answer: Hex | undefined
  receivedAt: string
}

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
  /** The patient says no. Nobody but the custodian learns of it. @throws WayleaveError `task-unknown` */
  refuse(patient: StoredPatient, commitment: string): Promise<void>
  /** Notes a grant as the answer to a request that covers it; hands back what the custodian has said to that request. */
  answered(
    trx: Db,
    patient: StoredPatient,
    grant: ActMessages['Grant'],
    digest: Hex,
  ): Promise<{ commitment: Hex; decision: 'approved' | 'rejected' | undefined } | undefined>
  /** The custodian's word, before or after the patient's. @throws WayleaveError `task-unknown`, `task-closed` */
  decide(commitment: string, decision: 'approved' | 'rejected', person: string): Promise<ReceivedRequest>
  /** Closes what is due by the chain's own time, all alike. */
  closeDue(): Promise<void>
  close(): Promise<void>
}

const kindness = ({ decision }: Row) => (decision === 'approved' ? 2 : decision === null ? 1 : 0)

const calls = AccessRequests__factory.createInterface()
const DAY = 86_400
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
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
  afterClose: () => void
  everyMs?: number
}): ReceivedRequests {
  const { db, vault, clock, index, patients, own } = deps
  const now = () => Math.floor(clock.now() / 1000)
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const read = (row: Row, patient: StoredPatient | undefined): ReceivedRequest => ({
    commitment: row.commitment as Hex,
    request: openJson<AccessRequest>(patient?.key ?? vault.storeKey, row.sealed),
    decision: row.decision ?? undefined,
    answer: (row.answer ?? undefined) as Hex | undefined,
    receivedAt: row.created_at,
  })

  /** A message alone is not a request: the chain has to show it, by the same member and with the same deadline. */
  async function isOpened(row: Pick<Row, 'commitment' | 'requester' | 'deadline'>): Promise<boolean> {
    const seen = await index.request(row.commitment as Hex)
    return seen?.status === 'open' && seen.requester === row.requester && seen.deadline === row.deadline
  }

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
      const opened = await Promise.all(rows.map(isOpened))
      found.push(...rows.filter((_, i) => opened[i]))
      if (rows.length < PAGE) break
      after = rows.at(-1)?.commitment ?? after
    }
    return found.sort((x, y) => (x.created_at < y.created_at ? -1 : 1))
  }

  async function outcomeOf(trx: Db, row: Row): Promise<RequestOutcome> {
    if (row.patient_id === null) return 'unknown-patient'
    if (row.patient_refused || row.decision === 'rejected') return 'refused'
    if (row.answer === null) return 'no-answer'
    const approval = await trx
      .selectFrom('approvals')
      .select('status')
      .where('digest', '=', row.answer)
      .executeTakeFirst()
    // An answer without an entry there needed no approval.
    if (!approval || approval.status === 'approved') return 'granted'
    return approval.status === 'rejected' ? 'refused' : 'no-answer'
  }

  async function closeOne(commitment: string): Promise<void> {
    const row = await db
      .selectFrom('requests_received')
      .selectAll()
      .where('commitment', '=', commitment)
      .executeTakeFirstOrThrow()
    const onChain = await isOpened(row)
    // Announced and never opened: a day later it is forgotten, and nothing about it reaches the chain.
    if (!onChain && (deps.chainTime() ?? 0) < row.deadline + DAY) return
    const patient = row.patient_id === null ? undefined : await patients.byId(db, row.patient_id)
    const { request } = read(row, patient)
    const requester = await partyOf(index, row.requester as Hex)
    const custodian = await partyOf(index, own.member)
    const salt = toHex(randomBytes(32))
    await db.transaction().execute(async (trx) => {
      const outcome = await outcomeOf(trx, row)
      const { numUpdatedRows } = await trx
        .updateTable('requests_received')
        .set({ outcome: sealJson(vault.storeKey, { outcome, salt }) })
        .where('commitment', '=', commitment)
        .where('outcome', 'is', null)
        .executeTakeFirst()
      if (numUpdatedRows === 0n || !onChain) return
      await enqueueCall(trx, clock, {
        contract: deps.contracts.accessRequests as Hex,
        data: calls.encodeFunctionData('close', [requestInner(request), outcomeHash(outcome, salt)]) as Hex,
        dedupeKey: `close/${commitment}`,
      })
      await deps.accessLog.append(
        trx,
        {
          ...{ kind: 'request-closed', outcome: '0', requester, custodian },
          purpose: request.purpose,
          note: `Outcome: ${outcome}.`,
        },
        patient ?? request.patient,
      )
    })
  }

  async function closeDue(): Promise<void> {
    const time = deps.chainTime()
    if (time === undefined) return
    let closedAny = false
    // Page by page to the end: messages that the chain never showed stay due for a day, and must not crowd out the rest.
    for (let after = ''; ; ) {
      const due = await db
        .selectFrom('requests_received')
        .select('commitment')
        .where('outcome', 'is', null)
        .where('deadline', '<=', time)
        .where('commitment', '>', after)
        .orderBy('commitment')
        .limit(PAGE)
        .execute()
      for (const { commitment } of due) await closeOne(commitment)
      closedAny ||= due.length > 0
      if (due.length < PAGE) break
      after = due.at(-1)?.commitment ?? after
    }
    if (closedAny) deps.afterClose()
  }

  function turn(): Promise<void> {
    running = running.then(closeDue, closeDue).catch((error: unknown) => {
      deps.log.warn({ error }, 'requests that are due wait')
    })
    return running
  }

  function schedule(): void {
    timer = setTimeout(() => {
      void turn().finally(() => {
        if (!closed) schedule()
      })
    }, deps.everyMs ?? 1_000)
  }
  schedule()

  return {
    async take(jwe) {
      const request = await openAccessRequest(jwe, own, deps.keysOf)
      const commitment = requestCommitment(own.member, requestInner(request))
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
            sealed: sealJson(patient?.key ?? vault.storeKey, request),
            ...{ decision: null, decided_by: null, patient_refused: false, answer: null, outcome: null },
            created_at: new Date(clock.now()).toISOString(),
          })
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows === 0n) return
        const entry = {
          ...{ kind: 'request-received' as const, outcome: '0' as const, requester, custodian },
          purpose: request.purpose,
        }
        await deps.accessLog.append(trx, entry, patient ?? request.patient)
      })
    },

    async openFor(patient) {
      return (await openRows(patient)).map((row) => read(row, patient))
    },

    async open() {
      const rows = await openRows()
      const all = await Promise.all(
        rows.map(async (row) => {
          const patient = await patients.byId(db, row.patient_id ?? '')
          return patient ? [{ ...read(row, patient), patient }] : []
        }),
      )
      return all.flat()
    },

    async refuse(patient, commitment) {
      const { numUpdatedRows } = await db
        .updateTable('requests_received')
        .set({ patient_refused: true })
        .where('commitment', '=', commitment)
        .where('patient_id', '=', patient.id)
        .where('outcome', 'is', null)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw wayleaveError('task-unknown')
    },

    async answered(trx, patient, grant, digest) {
      const rows = await trx
        .selectFrom('requests_received')
        .selectAll()
        .where('patient_id', '=', patient.id)
        .where('outcome', 'is', null)
        .where('answer', 'is', null)
        .where('deadline', '>', now())
        .orderBy('created_at')
        .execute()
      // Of several that it answers, the one that the custodian looks on most kindly: asking again after a no is allowed.
      const row = rows
        .filter((one) => answers(grant, read(one, patient).request))
        .sort((x, y) => kindness(y) - kindness(x))[0]
      if (!row) return undefined
      await trx
        .updateTable('requests_received')
        .set({ answer: digest, patient_refused: false })
        .where('commitment', '=', row.commitment)
        .execute()
      return { commitment: row.commitment as Hex, decision: row.decision ?? undefined }
    },

    async decide(commitment, decision, person) {
      const row = await db
        .selectFrom('requests_received')
        .selectAll()
        .where('commitment', '=', commitment)
        .executeTakeFirst()
      const patient = row?.patient_id ? await patients.byId(db, row.patient_id) : undefined
      if (!row || !patient || !(await isOpened(row))) throw wayleaveError('task-unknown')
      if (row.outcome || row.deadline <= now()) throw wayleaveError('task-closed')
      const { numUpdatedRows } = await db
        .updateTable('requests_received')
        .set({ decision, decided_by: person })
        .where('commitment', '=', commitment)
        .where('outcome', 'is', null)
        .where('decision', 'is', null)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw wayleaveError('task-closed')
      return read({ ...row, decision }, patient)
    },

    closeDue: turn,

    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
