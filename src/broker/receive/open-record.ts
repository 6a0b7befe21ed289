import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { createCommitmentReader } from '../../chain/commitment-reader.ts'
import type { Contracts } from '../../chain/contracts.ts'
import type { NodeRpc } from '../../chain/node-rpc.ts'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { type ErrorCode, errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { checkNationalId } from '../../domain/identity/national-ids.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { type Content, readContents } from '../../domain/records/contents.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { FetchedRecord, PeerClient } from '../../exchange/peer-client.ts'
import { verifyContent, verifyResponse } from '../../exchange/record-signature.ts'
import type { Share } from '../../exchange/share.ts'
import { verifiedContent } from '../../exchange/verified-content.ts'
import { buildProvenance, type Signed } from '../../fhir/provenance.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import { partyOf } from '../release/parties.ts'
import type { ReceivedRecord } from './find-shared.ts'
import { verifyRegistered } from './registered-signature.ts'

export type OpenedRecord = {
  bytes: Uint8Array
  commitment: Hex
  custodian: Hex
  contents: Content[]
  /** The exchange by which it came; its Provenance is kept under this name. */
  exchange: string
}

/** One of a record's contents, verified as it is read: it breaks off before its last piece where it is not what was registered. */
export type OpenedContent = {
  content: Content
  bytes: AsyncIterable<Uint8Array>
  /** Lets go of the custodian's answer, read or not. */
  end: () => void
  exchange: string
}

export type RecordOpener = {
  /**
   * Fetches a record from its custodian, verifies it against the chain, writes the receipt, and only then hands it on.
   * What comes after `deadline` counts as not received.
   * @throws WayleaveError `not-available`; `peer-unavailable`; `chain-unavailable`; `commitment-mismatch`,
   * `response-invalid`, `address-refused` or `peer-untrusted`, which are alarms.
   */
  open(recordId: string, asker: Asker, clientId: string, deadline?: AbortSignal): Promise<OpenedRecord>
  /**
   * Opens the record, and then one of its contents, whose receipt is written before its last piece is handed on. Throws as
   * `open` does, and in the middle of the bytes.
   * @param number which of the record's contents, from 0
   */
  openContent(recordId: string, number: number, asker: Asker, clientId: string): Promise<OpenedContent>
}

/** A FHIR id. What is none names no record, like any that is not known. */
const RECORD_ID = /^[A-Za-z0-9\-.]{1,64}$/

/** How far the custodian's clock may be off. Seconds. */
const CLOCK_SKEW = 60

export function createRecordOpener(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  peers: PeerClient
  rpc: NodeRpc
  /** `directories`: the one that is read, and those that it took over from. A record is signed for one of them. */
  chain: { id: number; contracts: Contracts; directories: readonly Hex[] }
  accessLog: AccessLog
  books: ExchangeBooks
  clock: Clock
  log: Logger
  observer: Observer
  member: Hex
  /** This broker's own base. */
  base: () => string
}): RecordOpener {
  const { db, index, log } = deps
  const directory = createCommitmentReader(deps.rpc, deps.chain.contracts.recordDirectory as Hex)

  /** The first share that names the record, and what it says of it. */
  async function find(recordId: string) {
    if (!RECORD_ID.test(recordId)) return undefined
    const row = await db
      .selectFrom('received_records')
      .innerJoin('shares_received', 'shares_received.id', 'received_records.share_id')
      .select(['received_records.sealed', 'shares_received.sealed as share'])
      .where('record_id', '=', recordId)
      .orderBy('share_id')
      .limit(1)
      .executeTakeFirst()
    if (!row) return undefined
    const { custodian, reference, identifiers } = openJson<Share>(deps.vault.storeKey, row.share)
    // Of all that the custodian calls its patient, only the national identifier means anything here.
    const person = identifiers.find((identifier) => checkNationalId(identifier).ok)
    const record = openJson<ReceivedRecord>(deps.vault.storeKey, row.sealed)
    return { custodian, share: reference, person, record }
  }

  function checkTime(at: number): void {
    // Not `>`: a time that is no number is none at all.
    if (!(Math.abs(deps.clock.now() / 1000 - at) <= CLOCK_SKEW))
      throw wayleaveError('response-invalid', 'an old answer')
  }

  /** Everything that must hold before a byte goes to the HIS; each step throws with what it found. */
  async function verify(
    custodian: Hex,
    record: ReceivedRecord,
    fetched: FetchedRecord,
  ): Promise<{ commitment: Hex; contents: Content[]; signatures: Signed[] }> {
    const profile = await index.profile(custodian)
    if (!profile) throw wayleaveError('response-invalid', 'an unknown custodian')
    const jwks = profile.jwks
    const commitment = await directory.commitmentOf(custodian, record.tag).catch((cause: unknown) => {
      throw wayleaveError('chain-unavailable', String(cause), cause)
    })
    const bytes: Hex = `0x${createHash('sha256').update(fetched.bytes).digest('hex')}`
    checkTime(fetched.at)
    const { fetch, at } = fetched
    const response = { fetch, tag: record.tag, commitment, bytes, at }
    await verifyResponse(jwks, fetched.responseJws, response)
    const signedFor = (directory: Hex) => ({ chainId: deps.chain.id, directory, custodian, commitment })
    const registered = await firstOf(deps.chain.directories.map(signedFor), (statement) =>
      verifyRegistered(index, jwks, fetched.recordJws, record.tag, statement),
    )
    const signatures = [
      { jws: fetched.recordJws, statement: registered },
      { jws: fetched.responseJws, statement: response },
    ]
    const resource = parseStrictJson(fetched.bytes) as Record<string, unknown>
    const contents = readContents(fetched.contents)
    if (!contents) throw wayleaveError('response-invalid', 'no list of contents')
    if (commitmentOf(Buffer.from(record.salt, 'base64url'), resource, contents) !== commitment) {
      throw wayleaveError('commitment-mismatch', 'the record is not what the custodian registered')
    }
    // The pointer names the record; another one, even if registered, is not what was asked for.
    if (record.id && (resource.id !== record.id || resource.resourceType !== record.resourceType)) {
      throw wayleaveError('commitment-mismatch', 'another record')
    }
    return { commitment, contents, signatures }
  }

  /** Whatever the custodian did wrong, the HIS hears one of few codes; the trail keeps which. */
  async function alarm(entry: Omit<LogEntry, 'kind' | 'outcome'>, error: unknown) {
    const found = errorCodeOf(error)
    const member = entry.custodian?.id
    log.error(
      { code: found, ...(member ? { member } : {}) },
      'an answer did not verify; nothing is handed on',
    )
    const reason = alarmReason(found)
    await deps.accessLog.append(
      db,
      { ...entry, kind: 'alarm', outcome: '12', reason },
      entry.patient?.identifier,
    )
    const told = found === 'signature-invalid' || !isReasonOfAlarm(found) ? 'response-invalid' : found
    return wayleaveError(told, String(error), error)
  }

  /** What the trail says of it, whose it is, and where to ask. */
  async function asked(recordId: string, asker: Asker, clientId: string) {
    const found = await find(recordId)
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
    const peer = found && (await index.profile(found.custodian))
    if (!found || !peer) {
      await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', reason: 'record-unknown' })
      throw wayleaveError('not-available', 'no share names this record')
    }
    return { ...found, peer, entry }
  }
  type Asked = Awaited<ReturnType<typeof asked>>

  /** What the custodian answers; where it does not, the trail says so. */
  async function fetched<T>({ entry, person }: Asked, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isAlarm(errorCodeOf(error))) throw await alarm(entry, error)
      const refused = errorCodeOf(error) === 'not-available'
      const note = refused ? 'The custodian alone knows why.' : 'The custodian did not answer.'
      await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', note }, person)
      throw error
    }
  }

  /** What verifies; where it does not, an alarm, save where nothing could be verified. */
  async function checked<T>({ entry, person }: Asked, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (errorCodeOf(error) !== 'chain-unavailable') throw await alarm(entry, error)
      const reason = 'chain-unavailable' as const
      await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', reason }, person)
      throw error
    }
  }

  /** Writes down that it came, and from where: in the trail, and in the books from which the custodian gets a receipt. */
  async function receipt(
    { entry, person, custodian, record }: Asked,
    came: { exchange: string; at: number; hash: Hex; path: string; commitment: Hex; signatures: Signed[] },
  ): Promise<void> {
    const { exchange, at, hash, commitment, signatures } = came
    const { resourceType } = record
    const provenance = buildProvenance({
      ...{ id: exchange, targets: [`${deps.base()}/fhir/Binary/${came.path}`], at, signatures },
      recorded: new Date(deps.clock.now()).toISOString(),
      custodian: await partyOf(index, custodian),
      verifier: await partyOf(index, deps.member),
      purpose: entry.purpose ?? '',
      sources: [{ ...(resourceType ? { resourceType } : {}), commitment }],
    })
    const responseJws = signatures.at(-1)?.jws ?? ''
    const about = { ...entry.record, id: entry.record?.id ?? '', hash: hash.slice(2) }
    await deps.books.received({ id: exchange, peer: custodian, bytes: hash, responseJws, provenance }, [
      { ...entry, exchange, record: about, kind: 'receipt', outcome: '0' },
      person,
    ])
  }

  async function openAsked(
    recordId: string,
    about: Asked,
    asker: Asker,
    deadline?: AbortSignal,
  ): Promise<OpenedRecord> {
    const { custodian, record, peer, share } = about
    const of = { tag: record.tag, share }
    const answer = await fetched(about, () => deps.peers.fetchRecord(peer, of, asker, deadline))
    const { commitment, contents, signatures } = await checked(about, () =>
      deps.observer.timed('verification record', () => verify(custodian, record, answer)),
    )
    // Nobody waits for it any more, so nobody received it.
    if (deadline?.aborted) throw wayleaveError('peer-unavailable', 'verified too late')
    const { bytes, fetch: exchange, at } = answer
    const hash: Hex = `0x${createHash('sha256').update(bytes).digest('hex')}`
    await receipt(about, { exchange, at, hash, path: recordId, commitment, signatures })
    return { bytes, commitment, custodian, contents, exchange }
  }

  return {
    open: async (recordId, asker, clientId, deadline) =>
      openAsked(recordId, await asked(recordId, asker, clientId), asker, deadline),

    async openContent(recordId, number, asker, clientId) {
      const about = await asked(recordId, asker, clientId)
      const { commitment, contents } = await openAsked(recordId, about, asker)
      const content = contents[number]
      if (!content) throw wayleaveError('not-available', 'the record has no such content')
      const { custodian, record, peer, share } = about
      const of = { tag: record.tag, share }
      const answer = await fetched(about, () => deps.peers.fetchContent(peer, of, number, asker))
      const { fetch: exchange, at, size } = answer
      const statement = {
        ...{ fetch: exchange, tag: record.tag, commitment, content: number, bytes: content.sha256, at },
      }
      const verifyHeader = async () => {
        const jwks = (await index.profile(custodian))?.jwks ?? { keys: [] }
        await verifyContent(jwks, answer.responseJws, statement)
        checkTime(at)
        if (size !== content.size) throw wayleaveError('response-invalid', 'another length than registered')
      }
      const end = () => void answer.body.on('error', () => {}).destroy()
      await checked(about, () => deps.observer.timed('verification content', verifyHeader)).catch(
        (error: unknown) => {
          end()
          throw error
        },
      )
      const whole = () =>
        receipt(about, {
          ...{ exchange, at, hash: content.sha256, path: `${recordId}/attachment/${number}`, commitment },
          signatures: [{ jws: answer.responseJws, statement }],
        })
      return { content, exchange, end, bytes: passedOn(about, verifiedContent(answer.body, content, whole)) }
    },
  }

  /** A transfer that breaks off is no more than that; one that brings something else is an alarm. */
  async function* passedOn(about: Asked, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces
    } catch (error) {
      if (errorCodeOf(error) === 'commitment-mismatch') throw await alarm(about.entry, error)
      log.warn({ code: errorCodeOf(error), member: about.custodian }, 'a content broke off')
      throw error
    }
  }
}

/** What another broker cannot say by mistake: whoever asks is told of the fault, and the trail has an alarm. */
export const isAlarm = (code: ErrorCode): boolean =>
  code === 'response-invalid' || code === 'address-refused' || code === 'peer-untrusted'

const REASONS_OF_ALARMS = [
  'commitment-mismatch',
  'signature-invalid',
  'address-refused',
  'peer-untrusted',
] as const
const isReasonOfAlarm = (code: ErrorCode): code is (typeof REASONS_OF_ALARMS)[number] =>
  (REASONS_OF_ALARMS as readonly string[]).includes(code)

/** Why an alarm was raised, of what was found. */
export const alarmReason = (found: ErrorCode): ReasonCode =>
  isReasonOfAlarm(found) ? found : 'response-invalid'

/** The first of them that holds; else fails as the first did. */
async function firstOf<T>(items: readonly T[], check: (item: T) => Promise<void>): Promise<T> {
  const failures: unknown[] = []
  for (const item of items) {
    try {
      await check(item)
      return item
    } catch (error) {
      failures.push(error)
    }
  }
  throw failures[0]
}
