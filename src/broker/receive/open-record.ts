import { createHash } from 'node:crypto'
import type { Provider } from 'ethers'
import type { Kysely } from 'kysely'
import { type Contracts, RecordDirectory__factory } from '../../chain/contracts.ts'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { FetchedRecord, PeerClient } from '../../exchange/peer-client.ts'
import { verifyRecord, verifyResponse } from '../../exchange/record-signature.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'
import type { ReceivedRecord } from './find-shared.ts'
import type { ReceivedShares } from './receive-share.ts'

export type OpenedRecord = { bytes: Uint8Array; commitment: Hex; custodian: Hex }

export type RecordOpener = {
  /**
   * Fetches a record from its custodian, verifies it against the chain, writes the receipt, and only then hands it on.
   * What comes after `deadline` counts as not received.
   * @throws WayleaveError `not-available`; `peer-unavailable`; `chain-unavailable`; `commitment-mismatch` or
   * `response-invalid`, which are alarms.
   */
  open(recordId: string, asker: Asker, clientId: string, deadline?: AbortSignal): Promise<OpenedRecord>
}

/** A FHIR id. What is none names no record, like any that is not known. */
const RECORD_ID = /^[A-Za-z0-9\-.]{1,64}$/

/** How far the custodian's clock may be off. Seconds. */
const CLOCK_SKEW = 60

export function createRecordOpener(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  shares: ReceivedShares
  peers: PeerClient
  provider: Provider
  /** `directories`: the one that is read, and those that it took over from. A record is signed for one of them. */
  chain: { id: number; contracts: Contracts; directories: readonly Hex[] }
  accessLog: AccessLog
  clock: Clock
  log: Logger
  observer: Observer
  member: Hex
}): RecordOpener {
  const { db, index, log } = deps
  const directory = RecordDirectory__factory.connect(deps.chain.contracts.recordDirectory, deps.provider)

  async function candidates(recordId: string) {
    if (!RECORD_ID.test(recordId)) return undefined
    const rows = await db
      .selectFrom('received_records')
      .select(['share_id', 'sealed'])
      .where('record_id', '=', recordId)
      .orderBy('share_id')
      .execute()
    const out: { custodian: Hex; record: ReceivedRecord; person: Identifier | undefined }[] = []
    for (const row of rows) {
      const share = await deps.shares.byId(row.share_id)
      // Of all that the custodian calls its patient, only the national identifier means anything here.
      const person = share?.identifiers.find((identifier) => checkNationalId(identifier).ok)
      if (share)
        out.push({
          custodian: share.custodian,
          person,
          record: openJson<ReceivedRecord>(deps.vault.storeKey, row.sealed),
        })
    }
    return out[0]
  }

  /** Everything that must hold before a byte goes to the HIS; each step throws with what it found. */
  async function verify(custodian: Hex, record: ReceivedRecord, fetched: FetchedRecord): Promise<Hex> {
    const profile = await index.profile(custodian)
    if (!profile) throw wayleaveError('response-invalid', 'an unknown custodian')
    const jwks = profile.jwks
    const commitment = (await directory.commitmentOf(custodian, record.tag).catch((cause: unknown) => {
      throw wayleaveError('chain-unavailable', String(cause), cause)
    })) as Hex
    const bytes: Hex = `0x${createHash('sha256').update(fetched.bytes).digest('hex')}`
    // Not `>`: a time that is no number is none at all.
    if (!(Math.abs(deps.clock.now() / 1000 - fetched.at) <= CLOCK_SKEW))
      throw wayleaveError('response-invalid', 'an old answer')
    await verifyResponse(jwks, fetched.responseJws, {
      fetch: fetched.fetch,
      tag: record.tag,
      commitment,
      bytes,
      at: fetched.at,
    })
    const signedFor = (directory: Hex) =>
      verifyRecord(jwks, fetched.recordJws, { chainId: deps.chain.id, directory, custodian, commitment })
    await firstOf(deps.chain.directories, signedFor)
    const resource = parseStrictJson(fetched.bytes) as Record<string, unknown>
    if (commitmentOf(Buffer.from(record.salt, 'base64url'), resource) !== commitment) {
      throw wayleaveError('commitment-mismatch', 'the record is not what the custodian registered')
    }
    // The pointer names the record; another one, even if registered, is not what was asked for.
    if (record.id && (resource.id !== record.id || resource.resourceType !== record.resourceType)) {
      throw wayleaveError('commitment-mismatch', 'another record')
    }
    return commitment
  }

  /** Whatever the custodian did wrong, its HIS hears one of two codes; the trail keeps which. */
  async function alarm(entry: Omit<LogEntry, 'kind' | 'outcome'>, error: unknown) {
    const found = errorCodeOf(error)
    const member = entry.custodian?.id
    log.error(
      { code: found, ...(member ? { member } : {}) },
      'an answer did not verify; nothing is handed on',
    )
    const reason: ReasonCode =
      found === 'commitment-mismatch' || found === 'signature-invalid' ? found : 'response-invalid'
    await deps.accessLog.append(
      db,
      { ...entry, kind: 'alarm', outcome: '12', reason },
      entry.patient?.identifier,
    )
    return wayleaveError(found === 'commitment-mismatch' ? found : 'response-invalid', String(error), error)
  }

  return {
    async open(recordId, asker, clientId, deadline) {
      const found = await candidates(recordId)
      const entry: Omit<LogEntry, 'kind' | 'outcome'> = {
        recordedBy: 'requester',
        requester: await partyOf(index, deps.member),
        ...(found ? { custodian: await partyOf(index, found.custodian) } : {}),
        user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
        client: { id: clientId },
        purpose: asker.purpose,
        ...(found?.person ? { patient: { identifier: found.person } } : {}),
        record: {
          id: recordId,
          ...(found?.record.resourceType ? { resourceType: found.record.resourceType } : {}),
          ...(found ? { dataClass: found.record.dataClass } : {}),
        },
      }
      const endpoint = found && (await index.profile(found.custodian))?.endpoint
      if (!found || !endpoint) {
        await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', reason: 'record-unknown' })
        throw wayleaveError('not-available', 'no share names this record')
      }
      let fetched: FetchedRecord
      try {
        fetched = await deps.peers.fetchRecord(endpoint, found.record.tag, asker, deadline)
      } catch (error) {
        if (errorCodeOf(error) === 'response-invalid') throw await alarm(entry, error)
        const refused = errorCodeOf(error) === 'not-available'
        const note = refused ? 'The custodian alone knows why.' : 'The custodian did not answer.'
        await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', note }, found.person)
        throw error
      }
      let commitment: Hex
      try {
        commitment = await deps.observer.timed('verification record', () =>
          verify(found.custodian, found.record, fetched),
        )
      } catch (error) {
        if (errorCodeOf(error) !== 'chain-unavailable') throw await alarm(entry, error)
        await deps.accessLog.append(
          db,
          { ...entry, kind: 'refusal', outcome: '8', reason: 'chain-unavailable' },
          found.person,
        )
        throw error
      }
      // Nobody waits for it any more, so nobody received it.
      if (deadline?.aborted) throw wayleaveError('peer-unavailable', 'verified too late')
      const hash = createHash('sha256').update(fetched.bytes).digest('hex')
      const receipt = {
        ...entry,
        record: { ...entry.record, id: recordId, hash },
        kind: 'receipt' as const,
        outcome: '0' as const,
      }
      await deps.accessLog.append(db, receipt, found.person)
      return { bytes: fetched.bytes, commitment, custodian: found.custodian }
    },
  }
}

/** Done once one of them holds; else fails as the first did. */
async function firstOf<T>(items: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = []
  for (const item of items) {
    try {
      return await check(item)
    } catch (error) {
      failures.push(error)
    }
  }
  throw failures[0]
}
