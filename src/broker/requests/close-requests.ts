import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { AccessRequests__factory, type Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import { outcomeHash, requestInner } from '../../domain/consent/access-request.ts'
import { type Hex, toHex, ZERO_32 } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import { createTurns, type Turns } from '../../turns/turns.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'
import type { RequestRows } from './request-rows.ts'

const calls = AccessRequests__factory.createInterface()
const DAY = 86_400
/** Rows read at a time. */
const PAGE = 100

/** Closes requests at their deadline by the chain's own time, all alike, whatever became of them. */
export function createRequestCloser(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  patients: PatientStore
  clock: Clock
  log: Logger
  index: IndexQueries
  /** The newest block's time, in seconds. */
  chainTime: () => number | undefined
  contracts: Contracts
  accessLog: AccessLog
  member: Hex
  rows: RequestRows
  afterClose: () => void
  lead: Pick<Lead, 'holds'>
  everyMs?: number
}): Turns {
  const { db, vault, clock, index, patients } = deps
  const { isOpened, outcomeOf, requestIn } = deps.rows

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
    const request = row.sealed ? requestIn(row.sealed, patient) : undefined
    const inner = request ? requestInner(request) : (row.inner_hash ?? ZERO_32)
    const requester = await partyOf(index, row.requester as Hex)
    const custodian = await partyOf(index, deps.member)
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
        data: calls.encodeFunctionData('close', [inner, outcomeHash(outcome, salt)]) as Hex,
        dedupeKey: `close/${commitment}`,
      })
      await deps.accessLog.append(
        trx,
        {
          ...{ kind: 'request-closed', outcome: '0', requester, custodian },
          ...(request ? { purpose: request.purpose } : {}),
          request: `Task/${commitment}`,
          note: `Outcome: ${outcome}.`,
        },
        patient,
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

  return createTurns({
    everyMs: deps.everyMs ?? 1_000,
    run: closeDue,
    failed: (error) => deps.log.warn({ error }, 'requests that are due wait'),
    lead: deps.lead,
  })
}
