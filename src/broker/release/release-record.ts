import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import { writeContents } from '../../domain/records/contents.ts'
import { recordId } from '../../domain/records/record-id.ts'
import { type ResponseStatement, signResponse } from '../../exchange/record-signature.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import { consentIdOf } from '../consent/proposals.ts'
import { partyOf } from './parties.ts'
import type { Ask, Permitted, ReleaseSteps } from './release-steps.ts'

export type Release = {
  bytes: Uint8Array
  recordJws: string
  responseJws: string
  at: number
  /** What the record has outside of itself, as a header says it. */
  contents: string
}

export type Releases = {
  /**
   * For a token: judged as for the record itself, and logged when refused. Resolves to the reference of the share under whose
   * consent it is permitted, where one was sent. @throws WayleaveError `not-available`.
   */
  mayAsk(ask: Ask): Promise<{ share?: string }>
  /**
   * Releases one record: judge, write the intent, read, check the commitment, judge again, label anew, sign, log.
   * @throws WayleaveError `not-available`, the one answer to whoever has no right to know (I11), or `not-ready`.
   */
  release(ask: Ask & { fetch: string }): Promise<Release>
  /** Notes that a known member's token, proof or assertion was misused; whoever did it hears the code of its own fault. */
  misused(by: { requester: Hex; tag?: Hex; reason: 'token-mismatch' | 'replayed' }): Promise<void>
}

export function createReleases(deps: {
  db: Kysely<BrokerTables>
  steps: ReleaseSteps
  accessLog: AccessLog
  books: ExchangeBooks
  index: IndexQueries
  clock: Clock
  custodian: Hex
  signing: { key: CryptoKey; kid: string }
  /** Test seam for the moment between intent and release: called where a crash would hurt most. */
  afterIntent?: () => Promise<void>
}): Releases {
  const { db, clock } = deps
  const { judged, logged, entryFor, readChecked } = deps.steps

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
      const intent = { ...entry, policy: policyOf(first), kind: 'intent', outcome: '0' } as const
      await logged(() => deps.accessLog.append(db, intent, first.found.patient))
      await deps.afterIntent?.()
      const { bytes, found, decision } = await readChecked(ask, first)
      const hash = createHash('sha256').update(bytes).digest('hex')
      const at = Math.floor(clock.now() / 1000)
      const { commitment, record } = found
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
        policy: policyOf({ decision }),
        kind: 'disclosure' as const,
        outcome: '0' as const,
      }
      await logged(async () => {
        const exchange = { id: ask.fetch, peer: ask.requester, bytes: `0x${hash}` as const }
        await deps.books.disclosed(exchange, [disclosed, found.patient])
      })
      return { bytes, recordJws: record.jws, responseJws, at, contents: writeContents(record.contents ?? []) }
    },
  }
}

/** Under which consent it is permitted, as the trail names it. */
const policyOf = ({ decision }: Pick<Permitted, 'decision'>): string =>
  `Consent/${consentIdOf(decision.rule.scopeHash)}`
