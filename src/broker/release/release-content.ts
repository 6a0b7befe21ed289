import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf } from '../../domain/errors.ts'
import type { Content } from '../../domain/records/contents.ts'
import { signContent } from '../../exchange/record-signature.ts'
import { verifiedContent } from '../../exchange/verified-content.ts'
import type { ContentSource } from '../../fhir/content-source.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { Ask, ReleaseSteps } from './release-steps.ts'

/** A content on its way out: what was registered of it, and its bytes, which break off where they turn out to be others. */
export type ContentRelease = {
  content: Pick<Content, 'contentType' | 'size'>
  bytes: AsyncIterable<Uint8Array>
  /** Lets go of where the bytes come from, read or not. */
  end: () => void
  responseJws: string
  at: number
}

export type ContentReleases = {
  /**
   * Releases a content of a record: whatever releases the record, then the content is read through once and held against
   * what was registered, and only then, read again, handed on piece by piece. Consent is looked at again as it goes.
   * @param number which of the record's contents, from 0
   * @throws WayleaveError `not-available`, the one answer to whoever has no right to know (I11), or `not-ready`
   */
  release(ask: Ask & { fetch: string; number: number }): Promise<ContentRelease>
}

/** How much goes out between two looks at the consent. Bytes. */
const LOOK_EVERY = 32 * 1024 * 1024

export function createContentReleases(deps: {
  db: Kysely<BrokerTables>
  steps: ReleaseSteps
  contents: ContentSource
  accessLog: AccessLog
  books: ExchangeBooks
  clock: Clock
  log: Logger
  signing: { key: CryptoKey; kid: string }
  afterIntent?: () => Promise<void>
}): ContentReleases {
  const { db, log, steps } = deps
  const { judged, logged, entryFor, readChecked, refuse } = steps

  return {
    async release(ask) {
      const first = await judged(ask)
      const entry = await entryFor(ask, first.found)
      const policy = `Consent/${first.decision.rule.scopeHash.slice(2, 34)}`
      const write = (kind: 'intent' | 'disclosure', hash?: string) =>
        logged(() => {
          const record = { ...(entry.record ?? { id: '' }), ...(hash ? { hash } : {}) }
          return deps.accessLog.append(
            db,
            { ...entry, record, policy, kind, outcome: '0' },
            first.found.patient,
          )
        })
      await write('intent')
      await deps.afterIntent?.()
      // The record itself must be what was registered, and permitted as it reads today: its contents go where it goes.
      const { found } = await readChecked(ask, first)
      const content = found.record.contents?.[ask.number]
      if (!content) throw await refuse(ask, 'record-unknown', found)
      const place = { ...content }
      const measured = await deps.contents.measure(place).catch(async (error: unknown) => {
        log.warn({ code: errorCodeOf(error) }, 'the FHIR server did not answer')
        throw await refuse(ask, 'source-unavailable', found)
      })
      if (!measured) throw await refuse(ask, 'record-gone', found)
      if (measured.sha256 !== content.sha256 || measured.size !== content.size) {
        log.error({ resourceType: 'Binary' }, 'a record is no longer what was registered')
        throw await refuse(ask, 'record-changed', found, 'alarm')
      }
      // To read through it may have taken its time, in which the patient may have signed (I5).
      await judged(ask)
      const ended = new AbortController()
      const end = () => ended.abort()
      const pieces = await deps.contents.read(place, ended.signal).catch(() => undefined)
      if (!pieces) throw await refuse(ask, 'source-unavailable', found)
      const at = Math.floor(deps.clock.now() / 1000)
      const { commitment } = found
      const responseJws = await signContent(deps.signing.key, deps.signing.kid, {
        ...{ fetch: ask.fetch, tag: ask.tag, commitment, content: ask.number, bytes: content.sha256, at },
      })
      try {
        await logged(() =>
          deps.books.disclosed({ id: ask.fetch, peer: ask.requester, bytes: content.sha256 }),
        )
        await write('disclosure', content.sha256.slice(2))
      } catch (error) {
        end()
        throw error
      }
      return {
        end,
        content,
        responseJws,
        at,
        bytes: checked(watched(pieces, ask), content, () => refuse(ask, 'record-changed', found, 'alarm')),
      }
    },
  }

  /** Between the two readings nothing should change; where it did all the same, what went out is not whole, and is an alarm. */
  async function* checked(
    pieces: AsyncIterable<Uint8Array>,
    content: Content,
    alarm: () => Promise<Error>,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* verifiedContent(pieces, content, async () => {})
    } catch (error) {
      if (errorCodeOf(error) !== 'commitment-mismatch') throw error
      log.error({ resourceType: 'Binary' }, 'a record is no longer what was registered')
      throw await alarm()
    }
  }

  /** The same bytes, as long as consent lasts. */
  async function* watched(pieces: AsyncIterable<Uint8Array>, ask: Ask): AsyncGenerator<Uint8Array> {
    let since = 0
    for await (const piece of pieces) {
      since += piece.length
      if (since > LOOK_EVERY) {
        since = 0
        await judged(ask)
      }
      yield piece
    }
  }
}
