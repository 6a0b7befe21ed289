import { type Kysely, sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { buildAuditEvent } from '../../domain/audit/audit-event.ts'
import { termsOf } from '../../domain/audit/search-terms.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'

/** Lines filed in one transaction, and in how many of them one reader waits for what is not filed yet. */
const AT_ONCE = 500
const MOST_TURNS = 40
const EVERY = 1_000
/** Terms whose keyed hash is remembered, in memory alone. */
const REMEMBERED = 10_000

export type Filing = {
  /**
   * Gives every line written so far its place and its terms.
   * @returns the place of the newest one; 0 where there is none
   * @throws WayleaveError `not-ready` while so much is unfiled that a reader would wait for long
   */
  file(): Promise<number>
  close(): Promise<void>
}

/** By what a term is found, so that the database holds no name and no number. */
export const termLookup = (vault: Vault, term: string): string =>
  vault.lookup('audit-term', term).slice(0, 16)

/**
 * Lines are written in many transactions at a time, and the order of their numbers is not that in which they become visible:
 * whoever goes on from the highest number seen would miss some. So each gets its place afterwards, by one at a time. What a
 * line is found by is computed then, too, and no release waits for it.
 */
export function createFiling(deps: { db: Kysely<BrokerTables>; vault: Vault; log: Logger }): Filing {
  const { db, vault } = deps
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<unknown> = Promise.resolve()
  // Most terms of a line are those of the lines before it: a kind, an organisation, a role.
  const known = new LRUCache<string, string>({ max: REMEMBERED })

  function lookupOf(term: string): string {
    const before = known.get(term)
    if (before) return before
    const lookup = termLookup(vault, term)
    known.set(term, lookup)
    return lookup
  }

  async function turn(): Promise<{ filed: number; last: number }> {
    return db.transaction().execute(async (trx) => {
      // Its row is locked until the end: places become visible in their order.
      const { place } = await trx
        .insertInto('audit_marks')
        .values({ name: 'filed', place: 0, busy_until: '' })
        .onConflict((oc) => oc.column('name').doUpdateSet({ busy_until: '' }))
        .returning('place')
        .executeTakeFirstOrThrow()
      const rows = await trx
        .selectFrom('audit_events')
        .select(['id', 'sealed'])
        .where('place', 'is', null)
        .orderBy('seq')
        .limit(AT_ONCE)
        .execute()
      if (rows.length === 0) return { filed: 0, last: place }
      const filed = rows.map(({ id, sealed }, i) => {
        const event = buildAuditEvent(openJson<AuditEntry>(vault.storeKey, sealed))
        const terms = termsOf(event).map(lookupOf)
        return { id, place: place + 1 + i, terms }
      })
      const last = place + rows.length
      await sql`update ${sql.table('broker.audit_events')} as e set place = v.place, terms = v.terms
        from jsonb_to_recordset(${JSON.stringify(filed)}::jsonb) as v(id text, place bigint, terms jsonb)
        where e.id = v.id`.execute(trx)
      await trx.updateTable('audit_marks').set({ place: last }).where('name', '=', 'filed').execute()
      return { filed: rows.length, last }
    })
  }

  async function newest(): Promise<number> {
    const mark = await db
      .selectFrom('audit_marks')
      .select('place')
      .where('name', '=', 'filed')
      .executeTakeFirst()
    return mark?.place ?? 0
  }

  async function isWaiting(): Promise<boolean> {
    const row = await db.selectFrom('audit_events').select('id').where('place', 'is', null).limit(1).execute()
    return row.length > 0
  }

  async function all(turns: number): Promise<number> {
    if (!(await isWaiting())) return newest()
    for (let i = 0; i < turns; i++) {
      const { filed, last } = await turn()
      if (filed < AT_ONCE) return last
    }
    throw wayleaveError('not-ready', 'the trail is being filed')
  }

  function schedule(): void {
    timer = setTimeout(() => {
      running = all(MOST_TURNS)
        .catch((error: unknown) => deps.log.debug({ error }, 'the audit trail is filed at the next turn'))
        .finally(() => {
          if (!closed) schedule()
        })
    }, EVERY)
  }
  schedule()

  return {
    file: () => all(MOST_TURNS),
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
