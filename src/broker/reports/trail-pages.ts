import { type Kysely, sql } from 'kysely'
import type { AuditEntry, AuditKind } from '../../domain/audit/audit-entry.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'

/** A stretch of the trail. */
export type Stretch = {
  /** First instant, and the one before which it ends; ISO 8601 in UTC. */
  from?: string
  to?: string
  kinds?: readonly AuditKind[]
  /** Lookups under which one person may stand; absent: everybody's. */
  patients?: readonly string[]
}

export type TrailEntry = { entry: AuditEntry; seq: number; lookup: string | null }

/** The trail as it stood at one moment, however long it is read. */
export type TrailPages = {
  /** Oldest first, by instant and then by the order of writing. */
  entries(stretch: Stretch): AsyncGenerator<TrailEntry>
  /** How many there are of each kind. */
  counts(stretch: Stretch): Promise<Partial<Record<AuditKind, number>>>
  /** When the first line is from that there is. */
  begins: string | undefined
}

const PAGE = 500

/** Lines that are written from now on are not read. */
export async function openTrailPages(db: Kysely<BrokerTables>, vault: Vault): Promise<TrailPages> {
  const { last, begins } = await db
    .selectFrom('audit_events')
    .select(({ fn }) => [fn.max('seq').as('last'), fn.min('recorded').as('begins')])
    .executeTakeFirstOrThrow()

  const stretched = ({ from, to, kinds, patients }: Stretch) => {
    let rows = db.selectFrom('audit_events').where('seq', '<=', last ?? 0)
    if (from !== undefined) rows = rows.where('recorded', '>=', from)
    if (to !== undefined) rows = rows.where('recorded', '<', to)
    if (kinds) rows = rows.where('kind', 'in', [...kinds])
    if (patients) rows = rows.where('patient_lookup', 'in', [...patients])
    return rows
  }

  return {
    begins: begins ?? undefined,

    async *entries(stretch) {
      // An empty list is nobody, and SQL has none.
      if (stretch.patients?.length === 0) return
      let after: { recorded: string; seq: number } | undefined
      for (;;) {
        let page = stretched(stretch)
          .select(['seq', 'recorded', 'patient_lookup', 'sealed'])
          .orderBy('recorded')
          .orderBy('seq')
          .limit(PAGE)
        if (after) page = page.where(sql<boolean>`(recorded, seq) > (${after.recorded}, ${after.seq})`)
        const rows = await page.execute()
        for (const { seq, patient_lookup: lookup, sealed } of rows)
          yield { entry: openJson<AuditEntry>(vault.storeKey, sealed), seq, lookup }
        const end = rows.at(-1)
        if (!end || rows.length < PAGE) return
        after = end
      }
    },

    async counts(stretch) {
      if (stretch.patients?.length === 0) return {}
      const rows = await stretched(stretch)
        .select(['kind', ({ fn }) => fn.countAll<string | number>().as('count')])
        .groupBy('kind')
        .execute()
      return Object.fromEntries(rows.map(({ kind, count }) => [kind, Number(count)]))
    },
  }
}
