import { setTimeout as sleep } from 'node:timers/promises'
import { storedResource } from '../store.ts'
import type { FhirDb, VersionRow } from '../tables.ts'
import { type DeliveryResult, deliverNotice, deliverVersion } from './delivery.ts'
import { concerns, type Hook } from './hook.ts'

/** Versions read at once. */
const PAGE = 100
/** Waits between attempts, in milliseconds. After the last one a payload is given up; a notice is tried on at that pace. */
const BACK_OFF = [100, 300, 1_000, 3_000, 10_000]

export type RunnerDeps = {
  db: FhirDb
  base: () => string
  now: () => Date
  onError: (error: unknown) => void
  id: string
  hook: Hook
  /** `seq` of the last version that needs no delivery. */
  position: number
}

export type Runner = { wake(): void; close(): Promise<void> }

/** Delivers to one subscription, one message at a time, in the order of the commits. */
export function createRunner({ db, base, now, onError, id, hook, ...deps }: RunnerDeps): Runner {
  const stop = new AbortController()
  let { position } = deps
  let news = Promise.withResolvers<void>()
  const running = run()

  async function run(): Promise<void> {
    news.resolve()
    while (!stop.signal.aborted) {
      await news.promise
      news = Promise.withResolvers<void>()
      if (stop.signal.aborted) return
      try {
        while ((await step()) === 'more' && !stop.signal.aborted);
      } catch (error) {
        onError(error)
        await pause(1_000)
        news.resolve()
      }
    }
  }

  /** Reads a page of history from the position on, and delivers what concerns the hook. */
  async function step(): Promise<'more' | 'done'> {
    const { seq: head } = await db.selectFrom('clock').select('seq').executeTakeFirstOrThrow()
    if (hook.end !== undefined && hook.end <= now().getTime()) return 'done'
    const rows = await db
      .selectFrom('versions')
      .selectAll()
      .where('seq', '>', position)
      .where('seq', '<=', head)
      .$if(hook.types !== undefined, (some) => some.where('type', 'in', [...(hook.types ?? [])]))
      .orderBy('seq')
      .limit(PAGE)
      .execute()
    const last = rows.length < PAGE ? head : (rows.at(-1)?.seq ?? head)
    let delivered = false
    for (const row of rows) {
      if (stop.signal.aborted) return 'done'
      if (!(await isNews(row))) continue
      delivered = true
      // One notice covers whatever has been committed by now.
      if (!hook.payload) break
      await attempt(() => deliverVersion(hook, row, stop.signal))
      if (!stop.signal.aborted) await moveTo(row.seq)
    }
    if (delivered && !hook.payload) {
      const { seq: covered } = await db.selectFrom('clock').select('seq').executeTakeFirstOrThrow()
      await attempt(() => deliverNotice(hook, stop.signal), { forEver: true })
      if (!stop.signal.aborted) await moveTo(covered)
      return 'more'
    }
    position = Math.max(position, last)
    return rows.length < PAGE ? 'done' : 'more'
  }

  async function isNews(row: VersionRow): Promise<boolean> {
    if (row.body !== null) {
      const { body } = row
      return concerns(hook, row, () => storedResource(body), base())
    }
    if (!hook.sendDeletes) return false
    const before = await db
      .selectFrom('versions')
      .where('type', '=', row.type)
      .where('id', '=', row.id)
      .where('version', '=', row.version - 1)
      .select('body')
      .executeTakeFirst()
    return concerns(hook, row, () => storedResource(before?.body ?? '{}'), base())
  }

  async function attempt(deliver: () => Promise<DeliveryResult>, { forEver = false } = {}): Promise<void> {
    for (let n = 0; !stop.signal.aborted; n++) {
      if ((await deliver()) !== 'failed') return
      const wait = BACK_OFF[n] ?? (forEver ? BACK_OFF.at(-1) : undefined)
      if (wait === undefined) return
      await pause(wait)
    }
  }

  async function moveTo(seq: number): Promise<void> {
    position = seq
    await db.updateTable('hooks').set({ position }).where('id', '=', id).execute()
  }

  const pause = (ms: number) => sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {})

  return {
    wake: () => news.resolve(),
    async close() {
      stop.abort()
      news.resolve()
      await running
    },
  }
}
