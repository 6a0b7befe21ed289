import { createHash } from 'node:crypto'
import type { JSONWebKeySet, JWK } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { PeerClient } from '../../exchange/peer-client.ts'
import { MAX_IN_RECEIPT, openReceipt, sealReceipt } from '../../exchange/receipt.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import { createTurns } from '../../turns/turns.ts'
import { partyOf } from '../release/parties.ts'
import { type AccessLog, inAuditStore, type LogEntry } from './access-log.ts'

/** One exchange as this side knows it. `bytes`: SHA-256 of all that went over. */
export type Exchange = { id: string; peer: Hex; bytes: Hex }

/** What is kept of an exchange, sealed: a hash of something short could be guessed at. */
export type KeptExchange = {
  bytes: Hex
  /** At a requester: the custodian's detached signature over its answer. */
  responseJws?: string
  /** At a requester: FHIR Provenance of what came. */
  provenance?: object
}

/**
 * `no-receipt`: disclosed here, and the other side does not say that it came. `waiting`: received here, the receipt is under
 * way. `not-in-their-books`: received here, and the custodian knows of no such exchange.
 */
export type Unmatched = {
  exchange: string
  peer: Hex
  /** When it was logged here. */
  at: string
  why: 'no-receipt' | 'waiting' | 'not-in-their-books'
}

/** What the access log says of an exchange, and about whom. */
export type Line = [entry: LogEntry, patient?: Parameters<AccessLog['append']>[2]]

export type ExchangeBooks = {
  /** Notes what is about to go out, with the log's line on it where one tells all: both stand, or neither. */
  disclosed(exchange: Exchange, line?: Line): Promise<void>
  /** Notes what came, whole and verified, with the log's line; its custodian gets a receipt. */
  received(exchange: Exchange & Omit<KeptExchange, 'bytes'>, line: Line): Promise<void>
  /**
   * Takes another member's receipt; what it names and was not disclosed to that member, or not so, is an alarm. Delivered
   * twice, it changes nothing.
   * @returns the exchanges that it names and that are not in these books
   * @throws WayleaveError `receipt-invalid`, `not-ready`
   */
  take(jwe: string): Promise<{ unknown: string[] }>
  /** What this side cannot match with the other's word, logged at least so many milliseconds ago, oldest first. */
  unmatched(query: { olderThanMs: number; limit: number }): Promise<Unmatched[]>
  /** What is kept of something received. */
  kept(id: string): Promise<KeptExchange | undefined>
  /** Sends the receipts that are due now. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Receipts go out together, so that each read does not cost a message. Milliseconds. */
const EVERY = 1_000

export function createExchangeBooks(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
  log: Logger
  index: IndexQueries
  accessLog: AccessLog
  peers: PeerClient
  member: Hex
  sealing: CryptoKey
  signing: { key: CryptoKey; kid: string }
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
  lead: Pick<Lead, 'holds'>
}): ExchangeBooks {
  const { db, vault, clock, log, member } = deps
  const now = () => new Date(clock.now()).toISOString()

  async function note(
    side: 'custodian' | 'requester',
    { id, peer, ...kept }: Exchange & KeptExchange,
    line?: Line,
  ): Promise<void> {
    const sealed = sealJson(vault.storeKey, kept)
    const row = { id, side, peer, at: now(), sealed, state: 'open', receipt: null } as const
    if (line) await deps.accessLog.append(db, line[0], line[1], row)
    else await inAuditStore(db.insertInto('exchanges').values(row).execute())
  }

  async function settle(
    side: 'custodian' | 'requester',
    ids: string[],
    to: { state: 'matched' | 'refused'; receipt?: string },
  ) {
    if (ids.length === 0) return
    await db.updateTable('exchanges').set(to).where('side', '=', side).where('id', 'in', ids).execute()
  }

  /** Each custodian by itself: one that is down keeps no receipt from the others. */
  async function send(): Promise<void> {
    const due = await db
      .selectFrom('exchanges')
      .select(['id', 'peer', 'sealed'])
      .where('side', '=', 'requester')
      .where('state', '=', 'open')
      .orderBy('at')
      .limit(2_000)
      .execute()
    const byPeer = Map.groupBy(due, ({ peer }) => peer as Hex)
    await Promise.all([...byPeer].map(([peer, rows]) => sendTo(peer, rows.slice(0, MAX_IN_RECEIPT))))
  }

  async function sendTo(peer: Hex, rows: { id: string; sealed: Uint8Array }[]): Promise<void> {
    const profile = await deps.index.profile(peer)
    const seal = profile?.jwks.keys.find(({ use }) => use === 'enc')
    if (!profile || !seal) return
    const exchanges = rows.map(({ id, sealed }) => {
      const { bytes } = openJson<KeptExchange>(vault.storeKey, sealed)
      return { exchange: id, bytes }
    })
    const receipt = { custodian: peer, requester: member, exchanges, at: Math.floor(clock.now() / 1000) }
    const body = await sealReceipt(receipt, deps.signing, seal as JWK)
    try {
      const unknown = new Set(await deps.peers.postReceipt(profile, body))
      const ids = rows.map(({ id }) => id)
      await settle(
        'requester',
        ids.filter((id) => !unknown.has(id)),
        { state: 'matched' },
      )
      await settle(
        'requester',
        ids.filter((id) => unknown.has(id)),
        { state: 'refused' },
      )
    } catch (error) {
      log.debug({ code: errorCodeOf(error), member: peer }, 'receipts wait')
    }
  }

  /** What must not happen: a member has had something that was not given to it, or not so. */
  async function alarm(requester: Hex, exchange: string): Promise<void> {
    // Not which exchange: its name is the requester's choice. The trail has it.
    log.error(
      { reason: 'receipt-mismatch', member: requester },
      'a receipt does not match what was disclosed',
    )
    await deps.accessLog.append(db, {
      ...{ kind: 'alarm', outcome: '8', reason: 'receipt-mismatch', recordedBy: 'custodian', exchange },
      custodian: await partyOf(deps.index, member),
      requester: await partyOf(deps.index, requester),
    })
  }

  const turns = createTurns({
    everyMs: EVERY,
    run: send,
    failed: (error) => log.warn({ error }, 'receipts wait'),
    lead: deps.lead,
  })

  return {
    disclosed: (exchange, line) => note('custodian', exchange, line),
    received: (exchange, line) => note('requester', exchange, line),

    async take(jwe) {
      const { requester, exchanges } = await openReceipt(jwe, { member, key: deps.sealing }, deps.keysOf)
      const ids = exchanges.map(({ exchange }) => exchange)
      const rows =
        ids.length === 0
          ? []
          : await db
              .selectFrom('exchanges')
              .select(['id', 'peer', 'sealed', 'state'])
              .where('side', '=', 'custodian')
              .where('id', 'in', ids)
              .execute()
      const known = new Map(rows.map((row) => [row.id, row]))
      const unknown: string[] = []
      const matched: string[] = []
      for (const { exchange, bytes } of exchanges) {
        const row = known.get(exchange)
        const isOurs =
          row?.peer === requester && openJson<KeptExchange>(vault.storeKey, row.sealed).bytes === bytes
        if (!isOurs) unknown.push(exchange)
        else if (row.state === 'open') matched.push(exchange)
      }
      for (const exchange of unknown) await alarm(requester, exchange)
      if (matched.length > 0) {
        const receipt = createHash('sha256').update(jwe).digest('hex')
        await db
          .insertInto('receipts')
          .values({ digest: receipt, peer: requester, at: now(), sealed: sealJson(vault.storeKey, { jwe }) })
          .onConflict((oc) => oc.doNothing())
          .execute()
        await settle('custodian', matched, { state: 'matched', receipt })
      }
      return { unknown }
    },

    async unmatched({ olderThanMs, limit }) {
      const rows = await db
        .selectFrom('exchanges')
        .select(['id', 'side', 'peer', 'at', 'state'])
        .where('state', '!=', 'matched')
        .where('at', '<=', new Date(clock.now() - olderThanMs).toISOString())
        .orderBy('at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(({ id, side, peer, at, state }) => {
        const why = side === 'custodian' ? 'no-receipt' : state === 'open' ? 'waiting' : 'not-in-their-books'
        return { exchange: id, peer: peer as Hex, at, why }
      })
    },

    async kept(id) {
      const row = await db
        .selectFrom('exchanges')
        .select('sealed')
        .where('id', '=', id)
        .where('side', '=', 'requester')
        .executeTakeFirst()
      return row && openJson<KeptExchange>(vault.storeKey, row.sealed)
    },

    ...turns,
  }
}
