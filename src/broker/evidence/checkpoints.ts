import type { JsonRpcProvider } from 'ethers'
import type { JWK } from 'jose'
import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { WayleaveError, wayleaveError } from '../../domain/errors.ts'
import {
  CHECKPOINT_EVERY,
  type Checkpoint,
  compare,
  contradict,
  digestOf,
  type Reading,
  readCheckpoint,
} from '../../domain/evidence/checkpoint.ts'
import type { Hex } from '../../domain/hex.ts'
import {
  MAX_CHECKPOINTS,
  type OpenedCheckpoint,
  openCheckpoint,
  signCheckpoint,
} from '../../exchange/checkpoint.ts'
import type { IndexQueries, RowHashes } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'

type Row = BrokerTables['checkpoints']
type Write = (db: Kysely<BrokerTables>) => Promise<unknown>

export type Checkpoints = {
  /**
   * Signs what is final since the last one.
   * @param final number of a block that no reorganisation reaches any more
   */
  make(final: number): Promise<void>
  /**
   * Holds checkpoints that came against the own chain, and keeps them. Two histories, or a member that contradicts itself, are an
   * alarm. What is ahead of the own chain is not kept: it comes again.
   * @throws WayleaveError `checkpoint-invalid` where none of them is a member's; `audit-unavailable`
   */
  take(signed: readonly string[]): Promise<void>
  /** The newest of this member, and the newest of each other that it knows: what one member shows another. */
  shown(): Promise<string[]>
  /** The newest checkpoint of each member. */
  newest(): Promise<Map<Hex, { block: number; verdict: Row['verdict'] }>>
}

/** So many of its own a member shows, lest another that was away for minutes misses all that it could compare. */
const SHOWN = 4
/** After a pause no more than so many are made up for: each says all that those before it do. */
const MADE_UP = 50
/** More than two of one member and block prove nothing more. */
const KEPT_OF_BLOCK = 4
/** A message with more of others’ making is not read on: each costs a verification. */
const MOST_REFUSED = 16

export function createCheckpoints(deps: {
  db: Kysely<BrokerTables>
  provider: JsonRpcProvider
  rowHashes: RowHashes
  index: IndexQueries
  accessLog: AccessLog
  member: Hex
  chainId: number
  view: Hex
  signing: { key: CryptoKey; kid: string; jwk: JWK }
  keysOf: Parameters<typeof openCheckpoint>[1]
  clock: Clock
  log: Logger
}): Checkpoints {
  const { db, rowHashes, member, chainId, view, clock } = deps
  /** The same ones come again and again: their signatures are verified once. */
  const verified = new LRUCache<string, OpenedCheckpoint>({ max: 1_000 })
  let running: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = running.then(work, work)
    running = next.catch(() => undefined)
    return next
  }

  /** What the own node and index say of a block; undefined where they are not that far. */
  async function readingAt(block: number): Promise<Reading | undefined> {
    const row = await rowHashes.at(block)
    if (!row) return undefined
    const found = await deps.provider.getBlock(block).catch((cause: unknown) => {
      throw wayleaveError('chain-unavailable', String(cause), cause)
    })
    return found?.hash ? { view, hash: found.hash as Hex, rows: row.rows, rowsHash: row.hash } : undefined
  }

  const rowsOf = (of: Hex) => db.selectFrom('checkpoints').selectAll().where('member', '=', of)
  const said = ({ jws }: Pick<Row, 'jws'>): Checkpoint =>
    readCheckpoint(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())

  /** An alarm and what it is about are written together, or neither. */
  async function alarmed(reason: ReasonCode, about: Hex, block: number, write: Write): Promise<void> {
    const custodian = await partyOf(deps.index, member)
    const requester = about === member ? {} : { requester: await partyOf(deps.index, about) }
    const note = `The checkpoint of block ${block} is kept.`
    await db.transaction().execute(async (trx) => {
      await write(trx)
      const alarm = { kind: 'alarm', outcome: '12', reason, recordedBy: 'custodian' } as const
      await deps.accessLog.append(trx, { ...alarm, custodian, ...requester, note })
    })
    deps.log.error({ reason, member: about, block }, 'the chain is not the same for all members')
  }

  async function make(final: number): Promise<void> {
    const hashed = await rowHashes.follow(final)
    const own = await rowsOf(member)
      .where('verdict', 'in', ['own', 'rewritten'])
      .orderBy('block', 'desc')
      .limit(MADE_UP)
      .execute()
    await lookBack(own.filter(({ verdict }) => verdict === 'own'))
    if (!hashed) return
    // At first the newest alone: it says all that those before it would.
    const last = own.find((row) => said(row).view === view)?.block ?? hashed.block - CHECKPOINT_EVERY
    const begin = Math.max(last, hashed.block - MADE_UP * CHECKPOINT_EVERY) + CHECKPOINT_EVERY
    for (let block = begin; block <= hashed.block; block += CHECKPOINT_EVERY) {
      const reading = await readingAt(block)
      if (!reading) return
      const checkpoint = { ...reading, member, chainId, block, at: Math.floor(clock.now() / 1000) }
      const jws = await signCheckpoint(checkpoint, deps.signing)
      await keep(db, { checkpoint, jws, jwk: deps.signing.jwk }, 'own')
    }
  }

  /** What was signed stays signed: where the chain says something else since, nobody may have the word taken back. */
  async function lookBack(newestFirst: readonly Row[]): Promise<void> {
    for (const row of newestFirst) {
      const checkpoint = said(row)
      const reading = checkpoint.view === view ? await readingAt(row.block) : undefined
      if (!reading || compare(checkpoint, reading) !== 'split') return
      await alarmed('chain-rewritten', member, row.block, (trx) =>
        trx
          .updateTable('checkpoints')
          .set({ verdict: 'rewritten' })
          .where('member', '=', member)
          .where('block', '=', row.block)
          .where('digest', '=', row.digest)
          .execute(),
      )
    }
  }

  async function keep(
    trx: Kysely<BrokerTables>,
    { checkpoint, jws, jwk }: OpenedCheckpoint,
    verdict: Row['verdict'],
  ): Promise<void> {
    await trx
      .insertInto('checkpoints')
      .values({
        ...{ member: checkpoint.member, block: checkpoint.block, digest: digestOf(checkpoint), jws, verdict },
        jwk: JSON.stringify(jwk),
        at: new Date(clock.now()).toISOString(),
      })
      .onConflict((oc) => oc.doNothing())
      .execute()
  }

  async function judge(opened: OpenedCheckpoint): Promise<void> {
    const { checkpoint } = opened
    const { member: about, block } = checkpoint
    const before = await rowsOf(about).where('block', '=', block).execute()
    const digest = digestOf(checkpoint)
    if (before.length >= KEPT_OF_BLOCK || before.some((row) => row.digest === digest)) return
    const reading = await readingAt(block)
    if (!reading) return
    const verdict = compare(checkpoint, reading)
    const against = before.some((row) => contradict(said(row), checkpoint))
    const write: Write = (trx) => keep(trx, opened, verdict)
    if (against) await alarmed('checkpoint-contradiction', about, block, write)
    else if (verdict === 'split' && !(await isTold(about, block)))
      await alarmed('split-view', about, block, write)
    else await write(db)
  }

  /** One alarm as long as a split lasts; the newest may come before older ones, by way of another member. */
  async function isTold(about: Hex, block: number): Promise<boolean> {
    const below = rowsOf(about).where('block', '<', block).orderBy('block', 'desc').limit(1)
    const above = rowsOf(about).where('block', '>', block).orderBy('block').limit(1)
    const beside = [await below.executeTakeFirst(), await above.executeTakeFirst()]
    return beside.some((row) => row?.verdict === 'split')
  }

  /** Those that are members’, in the order of their blocks. */
  async function openAll(signed: readonly string[]): Promise<OpenedCheckpoint[]> {
    const found: OpenedCheckpoint[] = []
    let refused = 0
    for (const jws of signed.slice(0, MAX_CHECKPOINTS)) {
      const one = verified.get(jws) ?? (await openOne(jws))
      if (one) {
        verified.set(jws, one)
        // Of another chain there is nothing to compare.
        if (one.checkpoint.chainId === chainId) found.push(one)
      } else if (++refused > MOST_REFUSED) break
    }
    if (found.length === 0) throw wayleaveError('checkpoint-invalid', 'none that is a member’s')
    return found.sort((a, b) => a.checkpoint.block - b.checkpoint.block)
  }

  async function openOne(jws: string): Promise<OpenedCheckpoint | undefined> {
    try {
      return await openCheckpoint(jws, deps.keysOf)
    } catch (error) {
      if (error instanceof WayleaveError && error.code === 'checkpoint-invalid') return undefined
      throw error
    }
  }

  /** One for each member, since a list of all would grow with every hundred blocks. */
  async function newestRows(): Promise<Row[]> {
    const found: Row[] = []
    for (const id of await deps.index.members()) {
      const row = await rowsOf(id).orderBy('block', 'desc').orderBy('at', 'desc').limit(1).executeTakeFirst()
      if (row) found.push(row)
    }
    return found
  }

  return {
    make: (final) => inTurn(() => make(final)),
    async take(signed) {
      const opened = await openAll(signed)
      await inTurn(async () => {
        for (const one of opened) await judge(one)
      })
    },
    async shown() {
      const own = await rowsOf(member)
        .where('verdict', 'in', ['own', 'rewritten'])
        .orderBy('block', 'desc')
        .limit(SHOWN)
        .execute()
      const others = (await newestRows()).filter((row) => row.member !== member)
      return [...own, ...others].slice(0, MAX_CHECKPOINTS).map(({ jws }) => jws)
    },
    async newest() {
      const rows = await newestRows()
      return new Map(rows.map(({ member: of, block, verdict }) => [of as Hex, { block, verdict }]))
    },
  }
}
