import type { Kysely } from 'kysely'
import type { Clock } from '../../../domain/clock.ts'
import type { Logger } from '../../../observe/log.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import type { ToldLine, TrailFeed } from './trail-feed.ts'

/** Somewhere the whole trail is pushed to. */
export type AuditSink = {
  name: 'file' | 'syslog'
  /** How many lines it takes at a time. */
  most: number
  /** Resolves when they are kept there. What it throws means: all of them again. */
  write(lines: readonly ToldLine[]): Promise<void>
}

/** A delivery that has not ended by then died with its process. Milliseconds. */
const LEASE = 60_000
const LONGEST_WAIT = 60_000

export type TrailDelivery = { flush(): Promise<void>; close(): Promise<void> }

/**
 * Pushes the trail, from its first line, each line in order and at least once: a sink's mark moves on only when it has kept
 * the lines. Of two replicas one delivers. A line that came twice has the same id and the same number.
 */
export function createTrailDelivery(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  log: Logger
  feed: TrailFeed
  sinks: readonly AuditSink[]
  everyMs?: number
}): TrailDelivery {
  const { db, clock, log, feed, sinks } = deps
  const failed = new Map<string, number>()
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()
  const markOf = ({ name }: AuditSink) => `sink/${name}`

  async function claim(sink: AuditSink): Promise<number | undefined> {
    const name = markOf(sink)
    await db
      .insertInto('audit_marks')
      .values({ name, place: 0, busy_until: '' })
      .onConflict((oc) => oc.doNothing())
      .execute()
    const row = await db
      .updateTable('audit_marks')
      .set({ busy_until: instant(LEASE) })
      .where('name', '=', name)
      .where('busy_until', '<=', instant())
      .returning('place')
      .executeTakeFirst()
    return row?.place
  }

  const release = (sink: AuditSink, place: number, wait = 0) =>
    db
      .updateTable('audit_marks')
      .set({ place, busy_until: wait === 0 ? '' : instant(wait) })
      .where('name', '=', markOf(sink))
      .execute()

  async function deliver(sink: AuditSink): Promise<void> {
    let place = await claim(sink)
    if (place === undefined) return
    try {
      for (let isMore = true; isMore && !closed; ) {
        const lines = await feed.after(place, sink.most, true)
        const last = lines.at(-1)
        if (!last) break
        await sink.write(lines)
        place = last.place
        await db
          .updateTable('audit_marks')
          .set({ place, busy_until: instant(LEASE) })
          .where('name', '=', markOf(sink))
          .execute()
        failed.delete(sink.name)
        isMore = lines.length === sink.most
      }
      await release(sink, place)
    } catch (error) {
      const times = failed.get(sink.name) ?? 0
      failed.set(sink.name, times + 1)
      log.warn({ error, step: sink.name, count: times + 1 }, 'lines of the audit trail wait to be pushed')
      await release(sink, place, Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(times, 10)))
    }
  }

  function flush(): Promise<void> {
    const run = async () => {
      await Promise.all(sinks.map(deliver))
    }
    running = running.then(run, run).catch((error: unknown) => {
      log.warn({ error }, 'lines of the audit trail wait to be pushed')
    })
    return running
  }

  function schedule(): void {
    timer = setTimeout(() => {
      void flush().finally(() => {
        if (!closed) schedule()
      })
    }, deps.everyMs ?? 1_000)
  }
  if (sinks.length > 0) schedule()

  return {
    flush,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
