import type { Kysely } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import type { BrokerTables } from './schema.ts'
import { openJson, sealJson, type Vault } from './vault.ts'

/** An answer as it was sent. */
export type StoredAnswer = {
  status: number
  headers: Record<string, string>
  body: string
  /** The scope that it took to get it. */
  scope?: string
}

export type Begun =
  /** The first of its key: answer it, then `finish` or `forget` this row. */
  | { kind: 'begun'; row: string }
  | { kind: 'answered'; answer: StoredAnswer }
  /** The key was used for another request. */
  | { kind: 'reused' }
  /** The first one is under way still. */
  | { kind: 'busy' }

export type IdempotencyStore = {
  /** @param about everything that makes the request what it is */
  begin(args: { caller: string; key: string; about: readonly unknown[] }): Promise<Begun>
  finish(row: string, answer: StoredAnswer): Promise<void>
  forget(row: string): Promise<void>
}

/** How long a key is remembered. Milliseconds. */
const KEPT = 24 * 60 * 60_000
/** How long a request may be under way before it counts as dead with the process that it was in. Milliseconds. */
const UNDER_WAY = 60_000

/**
 * Remembers requests by key, for all replicas and across restarts: keyed hashes of who asked and for what, and the answer,
 * sealed. A process that dies between the change and its answer leaves the key busy for a minute, and the request is then
 * done again.
 */
export function createIdempotencyStore(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
}): IdempotencyStore {
  const { db, vault, clock } = deps
  let sweptAt = 0
  const instant = (ms = 0) => new Date(clock.now() + ms).toISOString()

  async function sweep(): Promise<void> {
    if (clock.now() - sweptAt <= 60_000) return
    sweptAt = clock.now()
    await db.deleteFrom('idempotency').where('expires_at', '<', instant()).execute()
  }

  return {
    async begin({ caller, key, about }) {
      const row = vault.lookup('idempotency-key', JSON.stringify([caller, key]))
      const request = vault.lookup('idempotency-request', JSON.stringify(about))
      await sweep()
      const values = { request, answer: null, started_at: instant(), expires_at: instant(KEPT) }
      // Taken where the key is new, or what stood there has expired, or died with its process.
      const taken = await db
        .insertInto('idempotency')
        .values({ key: row, ...values })
        .onConflict((oc) =>
          oc
            .column('key')
            .doUpdateSet(values)
            .where((eb) =>
              eb.or([
                eb('idempotency.expires_at', '<', instant()),
                eb.and([
                  eb('idempotency.request', '=', request),
                  eb('idempotency.answer', 'is', null),
                  eb('idempotency.started_at', '<', instant(-UNDER_WAY)),
                ]),
              ]),
            ),
        )
        .returning('key')
        .executeTakeFirst()
      if (taken) return { kind: 'begun', row }
      const before = await db.selectFrom('idempotency').selectAll().where('key', '=', row).executeTakeFirst()
      if (before && before.request !== request) return { kind: 'reused' }
      if (!before?.answer) return { kind: 'busy' }
      return { kind: 'answered', answer: openJson<StoredAnswer>(vault.storeKey, before.answer) }
    },

    async finish(row, answer) {
      await db
        .updateTable('idempotency')
        .set({ answer: sealJson(vault.storeKey, answer) })
        .where('key', '=', row)
        .execute()
    },

    async forget(row) {
      await db.deleteFrom('idempotency').where('key', '=', row).where('answer', 'is', null).execute()
    },
  }
}
