import type { Kysely } from 'kysely'
import type { ReasonCode } from '../../domain/audit/reasons.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { recordId } from '../../domain/records/record-id.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { FoundRecord, Judge, Judgement } from './judge.ts'
import { createContentJudge } from './judge-content.ts'
import { partyOf } from './parties.ts'

/**
 * Who asks for what; `fetch`, the random name of this one exchange, where it is more than a question; `share`, the reference of
 * the share that it must be behind, where the asker has no more than that.
 */
export type Ask = { tag: Hex; requester: Hex; asker: Asker; fetch?: string; share?: string }

export type Permitted = Extract<Judgement, { permit: true }>

export type ReleaseSteps = ReturnType<typeof createReleaseSteps>

/** What every release is made of, whatever is released: judge, log, read and check; each refuses alike. */
export function createReleaseSteps(deps: {
  db: Kysely<BrokerTables>
  judge: Judge
  accessLog: AccessLog
  source: FhirSource
  labeller: Labeller
  index: IndexQueries
  log: Logger
  custodian: Hex
}) {
  const { db, log } = deps
  const judgeContent = createContentJudge({ labeller: deps.labeller, base: deps.source.base })

  /** What both sides' books say of an exchange, as this one knows it. */
  async function entryFor(
    ask: Ask,
    found: FoundRecord | undefined,
  ): Promise<Omit<LogEntry, 'kind' | 'outcome'>> {
    return {
      ...(ask.fetch ? { exchange: ask.fetch } : {}),
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

  async function judged(ask: Ask): Promise<Permitted> {
    const judgement = await logged(() =>
      deps.judge.judge({
        ...{ tag: ask.tag, requester: ask.requester },
        ...{ purpose: ask.asker.purpose, role: ask.asker.role },
        ...(ask.share === undefined ? {} : { share: ask.share }),
      }),
    )
    if (!judgement.permit) throw await refuse(ask, judgement.reason, judgement.found)
    return judgement
  }

  /**
   * The exact bytes of the version that was registered, judged anew by what they hold and by what counts once they are read:
   * what the patient signed since the intent was written counts, too (I5), and the FHIR server may have taken its time.
   */
  async function readChecked(ask: Ask, { found }: Permitted): Promise<Permitted & { bytes: Uint8Array }> {
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
      const salt = Buffer.from(record.salt, 'base64url')
      if (commitmentOf(salt, resource, record.contents) !== commitment) throw new Error('another commitment')
    } catch (error) {
      log.error({ error }, 'a record is no longer what was registered')
      throw await refuse(ask, 'record-changed', found, 'alarm')
    }
    const now = await judged(ask)
    const obstacle = judgeContent(resource, now.found, now.state)
    if (obstacle) throw await refuse(ask, obstacle, found)
    return { ...now, bytes }
  }

  return { entryFor, refuse, logged, judged, readChecked }
}
