import type { JsonRpcProvider } from 'ethers'
import type { Kysely } from 'kysely'
import type { Call } from '../../chain/act-calls.ts'
import { approvedGrantCall } from '../../chain/approval.ts'
import type { Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import type { SignedAct } from '../../domain/consent/read-signed-act.ts'
import type { SaltedScope } from '../../domain/consent/scope.ts'
import { type ActMessages, hashedMessage, scopeHash } from '../../domain/consent/typed-data.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import { rehearse } from '../consent/rehearse.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import { partyOf } from '../release/parties.ts'

type Db = Kysely<BrokerTables>
type SignedGrant = SignedAct<'Grant'>

/** Where a grant stands that counts only with the custodian's approval. */
export type Waiting = { digest: Hex; patient: StoredPatient; grant: ActMessages['Grant']; filedAt: string }

/** The person at the custodian who decides, and the program in which. */
export type Decider = { user: { id: string; name?: string; role?: string }; client: { id: string } }

/**
 * The custodian's half of a dual approval. Both signatures are gathered here, in either order, and go to the chain in one
 * transaction, which names no request.
 */
export type Approvals = {
  /** Asks the contract whether the grant would land with an approval. Throws as `rehearse` does. */
  check(signed: SignedGrant): Promise<void>
  /**
   * Files a grant in the transaction that keeps its act: sent at once where the custodian has approved already, else
   * kept waiting.
   * @throws WayleaveError `approval-refused` where the custodian has said no
   */
  file(
    trx: Db,
    patient: StoredPatient,
    signed: SignedGrant,
    digest: Hex,
    decision: 'approved' | 'rejected' | undefined,
  ): Promise<'waiting' | 'approved'>
  /** Whether an act has waited for approval, or still does. */
  knows(digest: string): Promise<boolean>
  /** Grants whose deadline is to come and that nobody has decided on, oldest first. */
  waiting(): Promise<Waiting[]>
  /** The newest of all, whatever became of them. */
  all(): Promise<(Waiting & { state: 'waiting' | 'approved' | 'rejected' | 'lapsed' })[]>
  /**
   * The custodian's word on a waiting grant, by a named person.
   * @throws WayleaveError `task-unknown`, `task-closed`, `deadline-passed`, and for an approval whatever the contract
   * would refuse it for, and `identity-frozen`, `handle-closed`
   */
  decide(digest: string, decision: 'approved' | 'rejected', by: Decider): Promise<void>
}

export function createApprovals(deps: {
  db: Db
  patients: PatientStore
  provider: JsonRpcProvider
  contracts: Contracts
  chainId: number
  /** Private key of the account that approves for this member. */
  operator: string
  clock: Clock
  accessLog: AccessLog
  index: IndexQueries
  member: Hex
  afterApprove: () => void
}): Approvals {
  const { db, clock, patients } = deps
  const now = () => Math.floor(clock.now() / 1000)

  function callOf({ typedData, signer, signature }: SignedGrant): Promise<Call> {
    const message = hashedMessage('Grant', typedData.message)
    return approvedGrantCall(deps.contracts, deps.chainId, deps.operator, { message, signer, signature })
  }

  const send = async (trx: Db, digest: string, call: Call) =>
    enqueueCall(trx, clock, { ...call, dedupeKey: `act/${digest}` })

  async function read(digest: string) {
    const row = await db
      .selectFrom('approvals')
      .innerJoin('acts', 'acts.digest', 'approvals.digest')
      .select([
        'approvals.patient_id',
        'approvals.status',
        'approvals.deadline',
        'approvals.created_at',
        'acts.sealed',
      ])
      .where('approvals.digest', '=', digest)
      .executeTakeFirst()
    const patient = row && (await patients.byId(db, row.patient_id))
    if (!row || !patient) throw wayleaveError('task-unknown')
    return { row, patient, signed: openJson<SignedGrant>(patient.key, row.sealed) }
  }

  async function entryOf(decision: string, patient: StoredPatient, scope: SaltedScope): Promise<LogEntry> {
    const grantee =
      scope.granteeType === 'Organization'
        ? { requester: await partyOf(deps.index, memberId(scope.grantee)) }
        : {}
    return {
      kind: decision === 'approved' ? 'consent-approved' : 'approval-refused',
      outcome: '0',
      custodian: await partyOf(deps.index, deps.member),
      ...grantee,
      purpose: scope.purpose,
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
    }
  }

  /** A grant to one who has left the network would be silent. */
  async function assertTakesPart({ granteeType, grantee }: SaltedScope): Promise<void> {
    if (granteeType === 'Organization' && (await deps.index.standing(memberId(grantee))) === 'left')
      throw wayleaveError('member-not-live')
  }

  /** A restriction that the patient signed after the grant counts, mined or not (I5). */
  async function assertStillWanted(trx: Db, patient: StoredPatient, grant: ActMessages['Grant']) {
    const acts = await trx
      .selectFrom('acts')
      .select(['act', 'scope_hash', 'up_to'])
      .where('patient_id', '=', patient.id)
      .where('up_to', 'is not', null)
      .execute()
    for (const { act, scope_hash, up_to } of acts) {
      if (act === 'Lock' && Number(up_to) >= grant.epoch) throw wayleaveError('epoch-wrong', 'locked since')
      if (scope_hash === scopeHash(grant.scope) && Number(up_to) >= grant.version)
        throw wayleaveError('version-wrong', 'revoked or objected to since')
    }
  }

  return {
    check: async (signed) => rehearse(deps.provider, await callOf(signed)),

    async file(trx, patient, signed, digest, decision) {
      if (decision === 'rejected') throw wayleaveError('approval-refused')
      await assertNotFrozen(trx, patient)
      const { scope, version, epoch, deadline } = signed.typedData.message
      const status = decision ?? 'waiting'
      await trx
        .insertInto('approvals')
        .values({
          digest,
          patient_id: patient.id,
          scope_hash: scopeHash(scope),
          ...{ version, epoch, deadline, status },
          decided_by: null,
          created_at: new Date(clock.now()).toISOString(),
        })
        .onConflict((oc) => oc.doNothing())
        .execute()
      if (status === 'approved') await send(trx, digest, await callOf(signed))
      return status
    },

    async knows(digest) {
      const found = await db
        .selectFrom('approvals')
        .select('digest')
        .where('digest', '=', digest)
        .executeTakeFirst()
      return found !== undefined
    },

    async waiting() {
      const rows = await db
        .selectFrom('approvals')
        .select('digest')
        .where('status', '=', 'waiting')
        .where('deadline', '>', now())
        .orderBy('created_at')
        .limit(500)
        .execute()
      const all = await Promise.all(
        rows.map(async ({ digest }) => {
          const { row, patient, signed } = await read(digest)
          return { digest: digest as Hex, patient, grant: signed.typedData.message, filedAt: row.created_at }
        }),
      )
      return all.filter(({ patient }) => !patient.closed)
    },

    async all() {
      const rows = await db
        .selectFrom('approvals')
        .select(['digest', 'status', 'deadline'])
        .orderBy('created_at', 'desc')
        .limit(500)
        .execute()
      return Promise.all(
        rows.map(async ({ digest, status, deadline }) => {
          const { row, patient, signed } = await read(digest)
          const state = status === 'waiting' && (deadline <= now() || patient.closed) ? 'lapsed' : status
          const grant = signed.typedData.message
          return { digest: digest as Hex, patient, grant, filedAt: row.created_at, state }
        }),
      )
    },

    async decide(digest, decision, by) {
      const { row, patient, signed } = await read(digest)
      if (row.status !== 'waiting') throw wayleaveError('task-closed')
      if (row.deadline <= now()) throw wayleaveError('deadline-passed')
      if (decision === 'approved') await assertNotFrozen(db, patient)
      const grant = signed.typedData.message
      if (decision === 'approved') await assertTakesPart(grant.scope)
      const call = decision === 'approved' ? await callOf(signed) : undefined
      if (call) await rehearse(deps.provider, call)
      const entry = await entryOf(decision, patient, grant.scope)
      await db.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('approvals')
          .set({ status: decision, decided_by: by.user.id })
          .where('digest', '=', digest)
          .where('status', '=', 'waiting')
          .executeTakeFirst()
        if (numUpdatedRows === 0n) throw wayleaveError('task-closed')
        if (call) {
          await assertNotFrozen(trx, patient)
          await assertStillWanted(trx, patient, grant)
          await send(trx, digest, call)
        }
        // A word on the answer is one on the request.
        await trx
          .updateTable('requests_received')
          .set({ decision, decided_by: by.user.id })
          .where('answer', '=', digest)
          .where('decision', 'is', null)
          .execute()
        await deps.accessLog.append(trx, { ...entry, ...by }, patient)
      })
      deps.afterApprove()
    },
  }
}
