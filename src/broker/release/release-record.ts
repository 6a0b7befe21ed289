import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { recordId } from '../../domain/records/record-id.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { type ResponseStatement, signResponse } from '../../exchange/record-signature.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { FoundRecord, Judge, Judgement } from './judge.ts'
import { createContentJudge } from './judge-content.ts'
import { partyOf } from './parties.ts'

export type Ask = { tag: Hex; requester: Hex; asker: Asker }

export type Release = { bytes: Uint8Array; recordJws: string; responseJws: string; at: number }

export type Releases = {
  /**
   * For a token: judged as for the record itself, and logged when refused. Resolves to the reference of the share under whose
   * consent it is permitted, where one was sent. @throws WayleaveError `not-available`.
   */
  mayAsk(ask: Ask): Promise<{ share?: string }>
  /**
   * Releases one record: judge, write the intent, judge again, read, check the commitment, judge, label anew, sign, log.
   * @throws WayleaveError `not-available`, the one answer to whoever has no right to know (I11), or `not-ready`.
   */
  release(ask: Ask & { fetch: string }): Promise<Release>
  /** Notes that a known member's token, proof or assertion was misused; whoever did it hears the code of its own fault. */
  misused(by: { requester: Hex; tag?: Hex; reason: 'token-mismatch' | 'replayed' }): Promise<void>
}

export function createReleases(deps: {
  db: Kysely<BrokerTables>
  judge: Judge
  accessLog: AccessLog
  source: FhirSource
  labeller: Labeller
  index: IndexQueries
  clock: Clock
  log: Logger
  custodian: Hex
  signing: { key: CryptoKey; kid: string }
  /** Test seam for the moment between intent and release: called where a crash would hurt most. */
  afterIntent?: () => Promise<void>
}): Releases {
  const { db, clock, log } = deps
  const judgeContent = createContentJudge({ labeller: deps.labeller, base: deps.source.base })

  async function entryFor(
    ask: Ask,
    found: FoundRecord | undefined,
  ): Promise<Omit<LogEntry, 'kind' | 'outcome'>> {
    return {
      custodian: await partyOf(deps.index, deps.custodian),
      requester: await partyOf(deps.index, ask.requester),
      user: {
        id: ask.asker.userId,
        role: ask.asker.role,
        ...(ask.asker.userName ? { name: ask.asker.userName } : {}),
      },
      purpose: ask.asker.purpose,
      record: {
        id: recordId(deps.custodian, ask.tag),
        ...(found ? { resourceType: found.record.resourceType, dataClass: found.record.dataClass } : {}),
      },
      ...(found ? { patient: { reference: `Patient/${found.patient.secrets.fhirId}` } } : {}),
    }
  }

  /** Logs why, and answers what everybody is answered. */
  async function refuse(
    ask: Ask,
    reason: ReasonCode,
    found: FoundRecord | undefined,
    kind: 'refusal' | 'alarm' = 'refusal',
  ) {
    await logged(async () => {
      const entry = await entryFor(ask, found)
      await deps.accessLog.append(db, { ...entry, kind, outcome: '8', reason }, found?.patient)
    })
    return wayleaveError('not-available', reason)
  }

  /** Without a durable audit store nothing goes out (I3), and nobody is told more than that. */
  async function logged<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw wayleaveError('not-ready', `the audit store failed: ${String(cause)}`, cause)
    }
  }

  async function judged(ask: Ask): Promise<Extract<Judgement, { permit: true }>> {
    const judgement = await logged(() =>
      deps.judge.judge({
        ...{ tag: ask.tag, requester: ask.requester },
        ...{ purpose: ask.asker.purpose, role: ask.asker.role },
      }),
    )
    if (!judgement.permit) throw await refuse(ask, judgement.reason, judgement.found)
    return judgement
  }

  /** The exact bytes of the version that was registered, judged anew by what they hold and by what counts now. */
  async function readChecked(ask: Ask, { found }: Extract<Judgement, { permit: true }>): Promise<Uint8Array> {
    const { record, commitment } = found
    let bytes: Uint8Array | undefined
    try {
      bytes = await deps.source.readVersion(record.resourceType, record.id, record.versionId)
    } catch (error) {
      log.warn({ code: errorCodeOf(error) }, 'the FHIR server did not answer')
      throw await refuse(ask, 'source-unavailable', found)
    }
    if (!bytes) throw await refuse(ask, 'record-gone', found)
    let resource: { resourceType: string } & Record<string, unknown>
    try {
      resource = parseStrictJson(bytes) as typeof resource
      if (commitmentOf(Buffer.from(record.salt, 'base64url'), resource) !== commitment)
        throw new Error('another commitment')
    } catch (error) {
      log.error({ error }, 'a record is no longer what was registered')
      throw await refuse(ask, 'record-changed', found, 'alarm')
    }
    // What the patient signed since the intent was written counts, too (I5): the FHIR server may have taken its time.
    const now = await judged(ask)
    const obstacle = judgeContent(resource, now.found, now.state)
    if (obstacle) throw await refuse(ask, obstacle, found)
    return bytes
  }

  return {
    async mayAsk(ask) {
      const { found, decision } = await judged(ask)
      const row = await db
        .selectFrom('shares_sent')
        .select('reference')
        .where('patient_id', '=', found.patient.id)
        .where('grantee', '=', ask.requester)
        .where('scope_hash', '=', decision.rule.scopeHash)
        .executeTakeFirst()
      return row ? { share: row.reference } : {}
    },

    async misused({ requester, tag, reason }) {
      await logged(async () => {
        await deps.accessLog.append(db, {
          kind: 'refusal',
          outcome: '8',
          reason,
          custodian: await partyOf(deps.index, deps.custodian),
          requester: await partyOf(deps.index, requester),
          ...(tag ? { record: { id: recordId(deps.custodian, tag) } } : {}),
        })
      })
    },

    async release(ask) {
      const first = await judged(ask)
      const entry = await entryFor(ask, first.found)
      const policy = `Consent/${first.decision.rule.scopeHash.slice(2, 34)}`
      await logged(() =>
        deps.accessLog.append(db, { ...entry, policy, kind: 'intent', outcome: '0' }, first.found.patient),
      )
      await deps.afterIntent?.()
      const second = await judged(ask)
      const bytes = await readChecked(ask, second)
      const hash = createHash('sha256').update(bytes).digest('hex')
      const at = Math.floor(clock.now() / 1000)
      const { commitment, record } = second.found
      const statement: ResponseStatement = {
        fetch: ask.fetch,
        tag: ask.tag,
        commitment,
        bytes: `0x${hash}`,
        at,
      }
      const responseJws = await signResponse(deps.signing.key, deps.signing.kid, statement)
      const disclosed = {
        ...entry,
        record: { ...(entry.record ?? { id: '' }), hash },
        policy,
        kind: 'disclosure' as const,
        outcome: '0' as const,
      }
      await logged(() => deps.accessLog.append(db, disclosed, second.found.patient))
      return { bytes, recordJws: record.jws, responseJws, at }
    },
  }
}
