import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../../domain/audit/audit-entry.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import { openJson, type Vault } from '../../../store/vault.ts'
import type { Filing } from '../file-trail.ts'

/** A line as it is told: its place is the cursor, and the same for every hearer. */
export type ToldLine = { place: number; entry: AuditEntry }

export type TrailFeed = {
  /**
   * Lines after a place, in their order; none is skipped, whenever it was written.
   * @param withReadings whether readings of the trail by programs are told, too
   */
  after(place: number, limit: number, withReadings: boolean): Promise<ToldLine[]>
  /** Place of the newest line; 0 where there is none. */
  last(): Promise<number>
}

/**
 * What is told of the trail: to files and syslog all of it; to programs that listen all but the readings of programs, since
 * two that read what they hear of would otherwise hear of each other's reading for ever.
 */
export function createTrailFeed(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  filing: Pick<Filing, 'file'>
}): TrailFeed {
  const { db, vault } = deps
  return {
    async after(place, limit, withReadings) {
      await deps.filing.file()
      let rows = db
        .selectFrom('audit_events')
        .select(['place', 'sealed'])
        .where('place', '>', place)
        .orderBy('place')
        .limit(limit)
      if (!withReadings) rows = rows.where('kind', '!=', 'log-read')
      return (await rows.execute()).map((row) => ({
        place: row.place ?? 0,
        entry: openJson<AuditEntry>(vault.storeKey, row.sealed),
      }))
    },
    last: () => deps.filing.file(),
  }
}
