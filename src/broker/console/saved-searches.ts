import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import { type Filter, readFilter } from './filter.ts'
import type { Named, References } from './references.ts'

export type SavedSearch = { id: string; name: string; filter: Filter }

export type SavedSearches = {
  list(person: string, session: string): Promise<SavedSearch[]>
  /** @throws WayleaveError `request-invalid` */
  save(person: string, session: string, body: unknown): Promise<SavedSearch>
  /** @throws WayleaveError `saved-search-unknown`, also for another person's */
  remove(person: string, id: string): Promise<void>
}

type Kept = { name: string; filter: Filter; with?: Named }

const LONGEST_NAME = 80
const MOST = 50

/** Searches that a person keeps. Whom one session has named, no other one knows: so none of them is about one patient. */
export function createSavedSearches(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  clock: Clock
  references: References
}): SavedSearches {
  const { db, vault, references } = deps
  return {
    async list(person, session) {
      const rows = await db
        .selectFrom('console_searches')
        .select(['id', 'sealed'])
        .where('person_id', '=', person)
        .orderBy('saved_at')
        .execute()
      return Promise.all(
        rows.map(async ({ id, sealed }) => {
          const { name, filter, with: party } = openJson<Kept>(vault.storeKey, sealed)
          const [reference] = party ? await references.name(session, [party]) : []
          return { id, name, filter: { ...filter, ...(reference ? { with: reference } : {}) } }
        }),
      )
    },

    async save(person, session, body) {
      const { name, filter: given, ...rest } = (body ?? {}) as Record<string, unknown>
      if (
        typeof name !== 'string' ||
        name.trim() === '' ||
        name.length > LONGEST_NAME ||
        !name.isWellFormed()
      )
        throw wayleaveError('request-invalid', 'name')
      const filter = readFilter(given)
      if (Object.keys(rest).length > 0 || filter.of) throw wayleaveError('request-invalid', 'filter')
      const { with: reference, ...kept } = filter
      const party = reference === undefined ? undefined : await references.find(session, reference)
      const id = randomUUID()
      const sealed = sealJson(vault.storeKey, {
        name,
        filter: kept,
        ...(party ? { with: party } : {}),
      } satisfies Kept)
      const before = await db
        .selectFrom('console_searches')
        .select('id')
        .where('person_id', '=', person)
        .execute()
      if (before.length >= MOST) throw wayleaveError('request-invalid', 'too many saved searches')
      await db
        .insertInto('console_searches')
        .values({ id, person_id: person, sealed, saved_at: new Date(deps.clock.now()).toISOString() })
        .execute()
      return { id, name, filter }
    },

    async remove(person, id) {
      const { numDeletedRows } = await db
        .deleteFrom('console_searches')
        .where('id', '=', id)
        .where('person_id', '=', person)
        .executeTakeFirst()
      if (numDeletedRows !== 1n) throw wayleaveError('saved-search-unknown')
    },
  }
}
