import { OperationOutcomeError } from '@medplum/core'
import { isObject } from '../json.ts'
import type { Resource, StoredResource } from '../medplum-types.ts'
import { statusOf } from '../outcomes.ts'
import { storedResource } from '../store.ts'
import type { FhirDb } from '../tables.ts'
import { parseHook } from './hook.ts'
import { createRunner, type Runner } from './runner.ts'

export type HooksDeps = {
  db: FhirDb
  base: () => string
  now: () => Date
  /** Writes a Subscription's new state, unless it changed meanwhile. @throws OperationOutcomeError 412 */
  update: (resource: Resource, ifMatch: string) => Promise<unknown>
  onError: (error: unknown) => void
}

export type Hooks = {
  /** Something was committed: resources of these types. Never waits. */
  committed(types: ReadonlySet<string>): void
  /** Stops delivering. What is not delivered yet is delivered after the next start. */
  close(): Promise<void>
}

/**
 * Serves the REST-hook Subscriptions in the store. Nothing to be delivered is held in memory: each subscription has a
 * position in the history, kept in the database, and reads on from there, so that a dead endpoint costs nothing and a
 * restart loses nothing. A version may be delivered twice, after a crash; none is delivered out of order.
 */
export function createHooks(deps: HooksDeps): Hooks {
  const runners = new Map<string, { version: string; runner: Runner }>()
  let reloading: Promise<void> | undefined
  let stale = true
  let closed = false
  reload()

  function reload(): void {
    stale = true
    reloading ??= (async () => {
      try {
        while (stale && !closed) {
          stale = false
          for (const row of await readSubscriptions(deps.db)) await serve(row)
        }
      } catch (error) {
        deps.onError(error)
      } finally {
        reloading = undefined
      }
    })()
  }

  async function serve({ id, seq, body }: SubscriptionRow): Promise<void> {
    const resource = body === null ? undefined : storedResource(body)
    const status = isObject(resource) ? resource.status : 'off'
    if (resource !== undefined && status === 'requested') return activate(resource, seq)
    const running = runners.get(id)
    const version = resource?.meta.versionId ?? ''
    if (running?.version === version) return
    await running?.runner.close()
    runners.delete(id)
    if (resource === undefined || status !== 'active') {
      await deps.db.deleteFrom('hooks').where('id', '=', id).execute()
      return
    }
    const position = await positionOf(id, seq)
    const hook = parseHook(resource, deps.base())
    runners.set(id, { version, runner: createRunner({ ...deps, id, hook, position }) })
  }

  /** From here on, every version after the one that asked for the subscription is delivered. */
  async function activate(resource: StoredResource, seq: number): Promise<void> {
    const row = { id: resource.id, position: seq }
    await deps.db
      .insertInto('hooks')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute()
    try {
      await deps.update({ ...resource, status: 'active' } as Resource, resource.meta.versionId)
    } catch (error) {
      // Changed meanwhile: its new state is read in the next round.
      if (!(error instanceof OperationOutcomeError) || statusOf(error.outcome) !== 412) throw error
    }
    stale = true
  }

  async function positionOf(id: string, seq: number): Promise<number> {
    const row = await deps.db.selectFrom('hooks').where('id', '=', id).select('position').executeTakeFirst()
    if (row !== undefined) return row.position
    await deps.db.insertInto('hooks').values({ id, position: seq }).execute()
    return seq
  }

  return {
    committed(types) {
      if (closed) return
      if (types.has('Subscription')) reload()
      for (const { runner } of runners.values()) runner.wake()
    },
    async close() {
      closed = true
      await reloading
      await Promise.all([...runners.values()].map(({ runner }) => runner.close()))
      runners.clear()
    },
  }
}

type SubscriptionRow = { id: string; seq: number; body: string | null }

function readSubscriptions(db: FhirDb): Promise<SubscriptionRow[]> {
  return db
    .selectFrom('current as c')
    .innerJoin('versions as v', 'v.seq', 'c.seq')
    .where('c.type', '=', 'Subscription')
    .select(['c.id', 'c.seq', 'v.body'])
    .orderBy('c.seq')
    .execute()
}
