import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { FhirChange } from '../../fhir/source.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { batchEntries } from './directory-batches.ts'
import { prepareChanges, type RegisterDeps, registerChanges } from './register-changes.ts'

export type Registration = {
  /** The FHIR server said that something changed. Cheap; may be called any number of times. */
  nudge(): void
  /** Reads what changed and registers it; resolves when the feed has been read to its end once. */
  run(): Promise<void>
  /** Called with the ids (of this hospital's FHIR server) of patients who got new entries. */
  onRegistered(listener: (fhirIds: readonly string[]) => void): void
  /** Versions registered, and those whose entries are not on the chain yet. */
  progress(): Promise<{ registered: number; waiting: number }>
  close(): Promise<void>
}

const CHUNK = 250
const BEGINNING = '1970-01-01T00:00:00.000Z'

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
    /** How often the history is read without any hook. Milliseconds. */
    everyMs: number
    afterBatch: () => void
  },
): Registration {
  const { db, log } = deps
  const listeners: ((fhirIds: readonly string[]) => void)[] = []
  let closed = false
  let feedTimer: NodeJS.Timeout | undefined
  let batchTimer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let queued = false
  let batching: Promise<void> = Promise.resolve()

  async function readFeed(): Promise<void> {
    const place = await db.selectFrom('feed').select('since').where('name', '=', 'fhir').executeTakeFirst()
    const since = place?.since ?? BEGINNING
    const changes = await deps.source.changesSince(since)
    for (let i = 0; i < changes.length && !closed; i += CHUNK) {
      const chunk = changes.slice(i, i + CHUNK)
      const prepared = await prepareChanges(db, deps, chunk)
      const until = placeAfter(chunk, deps.clock) ?? since
      const registered = await db.transaction().execute(async (trx) => {
        const count = await registerChanges(trx, deps, chunk, prepared)
        const row = { name: 'fhir', since: until }
        await trx
          .insertInto('feed')
          .values(row)
          .onConflict((oc) => oc.column('name').doUpdateSet({ since: until }))
          .execute()
        return count
      })
      if (registered > 0) {
        scheduleBatch()
        const touched = new Set(prepared.opened.keys())
        for (const listener of listeners) listener([...touched])
      }
    }
  }

  function scheduleBatch(): void {
    batchTimer ??= setTimeout(() => {
      batchTimer = undefined
      batching = batchEntries(db, deps.clock, deps.chain.contracts)
        .then((packed) => {
          if (packed === 0) return
          deps.afterBatch()
          scheduleBatch()
        })
        .catch((error: unknown) => {
          log.warn({ error }, 'entries wait to be batched')
          if (!closed) scheduleBatch()
        })
    }, deps.batchMs)
  }

  function run(): Promise<void> {
    queued = true
    const turn = async () => {
      if (!queued || closed) return
      queued = false
      await readFeed()
    }
    running = running.then(turn, turn).catch((error: unknown) => {
      log.warn({ error }, 'the FHIR server could not be followed; it is tried again')
    })
    return running
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
  scheduleBatch()

  return {
    nudge: () => void run(),
    run,
    onRegistered: (listener) => listeners.push(listener),
    async progress() {
      const count = (where: 'all' | 'waiting') => {
        let query = db
          .selectFrom('records')
          .select((eb) => eb.fn.countAll<number>().as('n'))
          .where('kind', '=', 'snapshot')
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
      return { registered: Number(all.n), waiting: Number(waiting.n) }
    },
    async close() {
      closed = true
      clearTimeout(feedTimer)
      clearTimeout(batchTimer)
      await running
      await batching
    },
  }
}

/** Never later than now: one version dated next year must not hide all that follows it until then. */
function placeAfter(changes: readonly FhirChange[], clock: Clock): string | undefined {
  const last = changes.findLast(({ lastUpdated }) => lastUpdated !== '')?.lastUpdated
  return last && Date.parse(last) > clock.now() ? new Date(clock.now()).toISOString() : last
}
