import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { AccessRequest, RequestOutcome } from '../../domain/consent/access-request.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import type { ReceivedRequest, RequestState } from './received-requests.ts'

type Db = Kysely<BrokerTables>
export type RequestRow = Selectable<BrokerTables['requests_received']>
export type RequestRows = ReturnType<typeof createRequestRows>

/** What a stored request says, and how far it is: from its row, the grant that answers it, and the chain. */
export function createRequestRows({
  db,
  vault,
  clock,
  index,
}: {
  db: Db
  vault: Vault
  clock: Clock
  index: IndexQueries
}) {
  const now = () => Math.floor(clock.now() / 1000)

  const requestIn = (sealed: Uint8Array, patient: StoredPatient | undefined) =>
    openJson<AccessRequest>(patient?.key ?? vault.storeKey, sealed)

  const read = (row: RequestRow, patient: StoredPatient): ReceivedRequest => ({
    commitment: row.commitment as Hex,
    request: requestIn(row.sealed ?? new Uint8Array(), patient),
    decision: row.decision ?? undefined,
    answer: (row.answer ?? undefined) as Hex | undefined,
    receivedAt: row.created_at,
  })

  /** A message alone is not a request: the chain has to show it, by the same member and with the same deadline. */
  async function seenOf(row: Pick<RequestRow, 'commitment' | 'requester' | 'deadline'>) {
    const seen = await index.request(row.commitment as Hex)
    return seen?.requester === row.requester && seen.deadline === row.deadline ? seen : undefined
  }
  const isOpened = async (row: RequestRow): Promise<boolean> => (await seenOf(row))?.status === 'open'
  const wasOpened = async (row: RequestRow): Promise<boolean> => (await seenOf(row)) !== undefined

  /** Who has left the network asks for nothing any more; it is closed like any other request. */
  const asks = async (row: RequestRow): Promise<boolean> =>
    (await isOpened(row)) && (await index.standing(row.requester as Hex)) !== 'left'

  async function outcomeOf(trx: Db, row: RequestRow): Promise<RequestOutcome> {
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

  /** What became of a request, or how far it is: an outcome once its deadline is over, or nothing can change it any more. */
  async function stateOf(row: RequestRow): Promise<RequestState> {
    const outcome = await outcomeOf(db, row)
    if (outcome === 'granted' || outcome === 'refused') return outcome
    if (row.outcome || row.deadline <= now()) return 'no-answer'
    if (row.answer !== null) return 'answered'
    return row.decision === 'approved' ? 'approved' : 'open'
  }

  return { requestIn, read, isOpened, wasOpened, asks, outcomeOf, stateOf }
}
