import type { Kysely } from 'kysely'
import type { Clock } from '../domain/clock.ts'
import { prepared } from './prepared.ts'
import type { BrokerTables } from './schema.ts'

const insertOnce = prepared(
  ['key', 'expires_at'],
  (db: Kysely<BrokerTables>, row: { key: string; expires_at: string }) =>
    db
      .insertInto('replay')
      .values(row)
      .onConflict((oc) => oc.doNothing())
      .returning('key'),
)

/**
 * Remembers what may be used once. In the database, so that it holds for all replicas and across restarts.
 * @returns false when the key was there already.
 */
export function createReplayStore({ db, clock }: { db: Kysely<BrokerTables>; clock: Clock }) {
  let sweptAt = 0
  return async function remember(key: string, expiresAtMs: number): Promise<boolean> {
    const expires_at = new Date(expiresAtMs).toISOString()
    const [row] = await insertOnce(db, { key, expires_at })
    if (clock.now() - sweptAt > 60_000) {
      sweptAt = clock.now()
      await db.deleteFrom('replay').where('expires_at', '<', new Date(clock.now()).toISOString()).execute()
    }
    return row !== undefined
  }
}
