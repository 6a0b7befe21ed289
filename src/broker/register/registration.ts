import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Lead } from '../../turns/lead.ts'
import { createBatches, type Padding } from './directory-batches.ts'
import { type Backlog, createFeed, type Feed } from './feed.ts'
import type { RegisterDeps } from './register-changes.ts'

export type Registration = {
  /** The FHIR server said that something changed. Cheap; may be called any number of times. */
  nudge(): void
  /** Reads what changed and registers it; resolves when that has been tried once. */
  run(): Promise<void>
  /** Does something with the feed while nothing else reads or registers. */
  alone<T>(work: (feed: Feed) => Promise<T>): Promise<T>
  /** New entries are about: they go to the chain with the next batch. */
  batchSoon(): void
  /** Called with the ids (of this hospital's FHIR server) of patients who got new entries. */
  onRegistered(listener: (fhirIds: readonly string[]) => void): void
  /** Versions registered, those whose entries are not on the chain yet, and what of the history is still to be read. */
  progress(): Promise<{ registered: number; waiting: number; backlog: Backlog | null }>
  close(): Promise<void>
}

/**
 * Follows the FHIR server by its history: a hook says "now", the history says what, so that a lost or doubled hook loses
 * and doubles nothing. The place in the feed is stored with the entries.
 */
export function createRegistration(
  deps: RegisterDeps & {
    db: Kysely<BrokerTables>
    log: Logger
    /** How long entries are gathered before they are sent, so that a visit's time does not show. Milliseconds. */
    batchMs: number
    padding: Padding
    /** How often the history is read without any hook. Milliseconds. */
    everyMs: number
    /** How long a transaction of the FHIR server may take. Milliseconds. */
    overlapMs: number
    lead: Lead
    afterBatch: () => void
    /** Called after each piece of the feed, whatever was in it. */
    afterChunk: () => void
  },
): Registration {
  const { db, log, lead } = deps
  const listeners: ((fhirIds: readonly string[]) => void)[] = []
  let closed = false
  let feedTimer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  let news = false
  let filling = false

  const batches = createBatches({
    ...deps,
    contracts: deps.chain.contracts,
  })
  const feed = createFeed({
    ...deps,
    onRegistered(fhirIds) {
      batches.soon()
      for (const listener of listeners) listener(fhirIds)
    },
  })

  /** One after another: versions of one record must not be registered by two at once. */
  function alone<T>(work: (feed: Feed) => Promise<T>): Promise<T> {
    const turn = running.then(() => {
      if (!lead.holds()) throw wayleaveError('not-ready', 'another replica follows the FHIR server')
      return work(feed)
    })
    running = turn.catch(() => undefined)
    return turn
  }

  function run(): Promise<void> {
    news = true
    return attempt(async () => {
      if (!news || closed) return
      news = false
      await feed.readNews()
      fill()
    })
  }

  /** What did not fit a page is read page by page, and whatever is new comes in between. */
  function fill(): void {
    if (filling || closed) return
    filling = true
    void attempt(async () => {
      filling = false
      if (!closed && (await feed.readGap())) fill()
    }).finally(() => {
      filling = false
    })
  }

  function attempt(work: () => Promise<void>): Promise<void> {
    if (!lead.holds()) return Promise.resolve()
    return alone(work).catch((error: unknown) => {
      log.warn({ error }, 'the FHIR server could not be followed; it is tried again')
    })
  }

  function schedule(): void {
    feedTimer = setTimeout(() => {
      void run().finally(() => {
        if (!closed) schedule()
      })
    }, deps.everyMs)
  }
  void run()
  schedule()
  lead.on('register', () => {
    batches.soon()
    void run()
  })

  return {
    nudge: () => lead.ask('register'),
    run,
    alone,
    batchSoon: () => batches.soon(),
    onRegistered: (listener) => listeners.push(listener),
    async progress() {
      const count = (where: 'all' | 'waiting') => {
        let query = db
          .selectFrom('records')
          .select((eb) => eb.fn.countAll<number>().as('n'))
          // What went to a new handle counts there; of it no lookup is left here.
          .where('kind', 'in', ['snapshot', 'moved'])
          .where('version_lookup', 'is not', null)
        if (where === 'waiting') {
          query = query.where((eb) =>
            eb.or([
              eb('outbox_id', 'is', null),
              eb(
                'outbox_id',
                'in',
                eb.selectFrom('chain_outbox').select('id').where('status', '!=', 'mined'),
              ),
            ]),
          )
        }
        return query.executeTakeFirstOrThrow()
      }
      const [all, waiting] = [await count('all'), await count('waiting')]
      return { registered: Number(all.n), waiting: Number(waiting.n), backlog: await feed.backlog() }
    },
    async close() {
      closed = true
      clearTimeout(feedTimer)
      await running
      await batches.close()
    },
  }
}
