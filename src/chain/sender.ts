import { isError, type JsonRpcProvider, keccak256, Wallet } from 'ethers'
import { type Kysely, sql } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../observe/log.ts'
import type { BrokerTables } from '../store/schema.ts'
import type { Lead } from '../turns/lead.ts'
import { createTurns } from '../turns/turns.ts'
import type { Call } from './act-calls.ts'

/** Dedupe keys of the member's own entries in the record directory, as a pattern of SQL's LIKE. */
const ENTRIES = 'register/%'
const isEntries = (row: { dedupe_key: string }) => row.dedupe_key.startsWith('register/')

type OutboxRow = { id: number; dedupe_key: string }
type OnItsWay = { row: OutboxRow; hash: string }

/** How long one turn waits for what it sent; what is mined later is found by the next. Milliseconds. */
const SETTLE_WITHIN = 2_000

/** A transaction to be sent, once. Equal dedupe keys are one transaction. */
export type Outgoing = Call & { dedupeKey: string }

/** Stores a transaction in the caller's own database transaction, so that deciding to send and sending cannot part. */
export async function enqueueCall(db: Kysely<BrokerTables>, clock: Clock, out: Outgoing): Promise<number> {
  const row = await db
    .insertInto('chain_outbox')
    .values({
      dedupe_key: out.dedupeKey,
      contract: out.contract,
      data: out.data,
      status: 'pending',
      tx_hash: null,
      block: null,
      attempts: 0,
      error: null,
      created_at: new Date(clock.now()).toISOString(),
    })
    .onConflict((oc) => oc.column('dedupe_key').doUpdateSet({ dedupe_key: out.dedupeKey }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

export type Sender = {
  /** Sends what is pending now; returns when the outbox has been gone through once. */
  flush(): Promise<void>
  /** After a reorganisation: whatever was mined at or above this block is looked for, and sent again where it is gone. */
  rewind(block: number): Promise<void>
  pending(): Promise<number>
  close(): Promise<void>
}

/**
 * Brings the outbox to the chain in order, each row until it is mined. A retry sends the same bytes. A row that the
 * contract refuses is marked failed with the error's name and never tried again; but entries of the record directory,
 * which it refuses only while this member is suspended or lacks the role, wait until it takes them.
 */
export function createSender(deps: {
  db: Kysely<BrokerTables>
  provider: JsonRpcProvider
  operator: string
  clock: Clock
  log: Logger
  /** Two senders of one account would take each other's nonces. */
  lead: Pick<Lead, 'holds'>
  everyMs?: number
}): Sender {
  const { db, provider, clock, log, everyMs = 200 } = deps
  const wallet = new Wallet(deps.operator, provider)
  let closed = false
  let entriesHeld = false

  const set = (
    id: number,
    values: Partial<{
      status: 'pending' | 'sent' | 'mined' | 'failed'
      error: string
      block: number
      tx_hash: string
    }>,
  ) => db.updateTable('chain_outbox').set(values).where('id', '=', id).execute()

  async function run(): Promise<void> {
    const open = db
      .selectFrom('chain_outbox')
      .selectAll()
      .where('status', 'in', ['pending', 'sent'])
      .orderBy('id')
    // What waits must not crowd out patients' acts; the first of it is tried each time.
    const held = entriesHeld ? await open.where('dedupe_key', 'like', ENTRIES).limit(1).execute() : []
    const rows = [
      ...held,
      ...(await (entriesHeld ? open.where('dedupe_key', 'not like', ENTRIES) : open).limit(64).execute()),
    ]
    entriesHeld = false
    if (rows.length === 0) return
    let nonce = await provider.getTransactionCount(wallet.address, 'pending')
    let waiting: OnItsWay[] = []
    let stuck = false
    for (const row of rows) {
      if (closed) return
      if (row.status === 'sent' && row.tx_hash && (await isKnown(row.tx_hash))) {
        waiting.push({ row, hash: row.tx_hash })
        continue
      }
      let gas = await estimate(row)
      if (typeof gas === 'string' && waiting.length > 0) {
        // It may build on what is still on its way: let that be mined, then ask once more, if need be in another turn.
        if (!stuck) waiting = await settle(waiting)
        stuck = waiting.length > 0
        if (stuck) continue
        gas = await estimate(row)
      }
      if (typeof gas !== 'bigint' && isEntries(row)) {
        entriesHeld = true
        continue
      }
      if (typeof gas !== 'bigint') {
        log.warn({ outbox: row.id, selector: gas }, 'a contract refused a transaction')
        await set(row.id, { status: 'failed', error: gas })
        continue
      }
      const signed = await wallet.signTransaction({
        type: 2,
        chainId: (await provider.getNetwork()).chainId,
        nonce,
        to: row.contract,
        data: row.data,
        gasLimit: gas,
        maxFeePerGas: 0,
        maxPriorityFeePerGas: 0,
      })
      const hash = keccak256(signed)
      // Stored before it is sent: after a crash in between, what has landed must be found, not be refused as a double.
      await db
        .updateTable('chain_outbox')
        .set({ status: 'sent', tx_hash: hash, attempts: sql`attempts + 1` })
        .where('id', '=', row.id)
        .execute()
      await provider.send('eth_sendRawTransaction', [signed])
      nonce++
      waiting.push({ row, hash })
    }
    if (!stuck) await settle(waiting)
  }

  async function isKnown(hash: string): Promise<boolean> {
    return (await provider.send('eth_getTransactionByHash', [hash])) !== null
  }

  /** Gas with room to spare, or the selector of the error with which the contract refuses the call. */
  async function estimate(row: { contract: string; data: string }): Promise<bigint | string> {
    try {
      const gas = await provider.estimateGas({ from: wallet.address, to: row.contract, data: row.data })
      return (gas * 13n) / 10n + 20_000n
    } catch (error) {
      if (!isError(error, 'CALL_EXCEPTION')) throw error
      return error.data?.slice(0, 10) ?? 'refused'
    }
  }

  /** Waits for all of them together, for a while; hands back those that are not mined by then. */
  async function settle(sent: readonly OnItsWay[]): Promise<OnItsWay[]> {
    let left = [...sent]
    const end = clock.monotonic() + SETTLE_WITHIN
    for (let wait = 20; left.length > 0 && !closed; wait = Math.min(wait * 2, 400)) {
      const mined = await Promise.all(left.map(isMined))
      left = left.filter((_, i) => !mined[i])
      if (left.length === 0 || clock.monotonic() + wait > end) break
      await new Promise((done) => setTimeout(done, wait))
    }
    return left
  }

  async function isMined({ row, hash }: OnItsWay): Promise<boolean> {
    const receipt = await provider.getTransactionReceipt(hash)
    if (!receipt) return false
    const failed = receipt.status !== 1
    if (failed && isEntries(row)) await set(row.id, { status: 'pending' })
    else {
      const error = failed ? { error: 'reverted' } : {}
      await set(row.id, { status: failed ? 'failed' : 'mined', block: receipt.blockNumber, ...error })
    }
    return true
  }

  const turns = createTurns({
    everyMs,
    run,
    failed: (error) => log.debug({ error }, 'the chain cannot be reached; the outbox waits'),
    lead: deps.lead,
  })

  return {
    flush: turns.flush,
    async rewind(block) {
      await db
        .updateTable('chain_outbox')
        // The hash stays: most nodes bring the same transaction into the new branch, and only they know.
        .set({ status: 'sent', block: null, error: null })
        .where('status', 'in', ['mined', 'failed'])
        .where('block', '>=', block)
        .execute()
    },
    async pending() {
      const row = await db
        .selectFrom('chain_outbox')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('status', 'in', ['pending', 'sent'])
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async close() {
      closed = true
      await turns.close()
    },
  }
}
