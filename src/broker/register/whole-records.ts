import type { Kysely } from 'kysely'
import { isRecordType } from '../../domain/records/compartment-members.ts'
import type { FhirChange } from '../../fhir/source.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { recordLookup, versionLookup } from './entries.ts'
import { knownVersions, type RegisterDeps } from './register-changes.ts'

type Db = Kysely<BrokerTables>

/** How many versions are remembered for which nothing more is to be had. */
const REMEMBERED = 20_000

/**
 * Changes of a page that are not registered, each record with what must come before it. History is read from the newest
 * page to the oldest, and versions of one record must be registered in their order: so where the versions in front of those
 * of the page are not registered, the whole record is read at once.
 */
export function createWholeRecords(deps: RegisterDeps) {
  const looked = new Set<string>()

  function remember(version: string): void {
    looked.add(version)
    const [oldest] = looked
    if (looked.size > REMEMBERED && oldest !== undefined) looked.delete(oldest)
  }

  return async function withWholeRecords(
    db: Db,
    changes: readonly FhirChange[],
  ): Promise<(readonly FhirChange[])[]> {
    const known = await knownVersions(db, deps, changes)
    const isRecord = (c: FhirChange) => isRecordType(c.resourceType) && !c.refused
    const fresh = changes.filter((c) => isRecord(c) && !known.has(versionLookup(deps, c)))
    const byRecord = Map.groupBy(fresh, (c) => recordLookup(deps, c))
    const newest = await newestVersions(db, [...byRecord.keys()])
    const groups: (readonly FhirChange[])[] = changes.filter((c) => !isRecord(c)).map((c) => [c])
    for (const [record, versions] of byRecord) {
      const [oldest] = versions as [FhirChange]
      if (follows(deps, oldest, newest.get(record))) {
        groups.push(versions)
        continue
      }
      const lookups = versions.map((c) => versionLookup(deps, c))
      // Of nobody's records nothing is ever registered; their history is not read each time that they are seen.
      if (lookups.every((version) => looked.has(version))) continue
      const whole = await deps.source.recordHistory(oldest.resourceType, oldest.id)
      const there = new Set(whole?.map((c) => c.versionId))
      groups.push([...(whole ?? []), ...versions.filter((c) => !there.has(c.versionId))])
      for (const version of lookups) remember(version)
    }
    return groups
  }
}

/** Whether nothing unregistered lies between a version and the newest one that is registered. */
function follows(deps: RegisterDeps, oldest: FhirChange, newest: string | undefined): boolean {
  if (newest === undefined) return oldest.first === true
  const number = Number(oldest.versionId)
  if (!Number.isSafeInteger(number)) return false
  return versionLookup(deps, { ...oldest, versionId: String(number - 1) }) === newest
}

/** The version that was registered last of each record. */
async function newestVersions(db: Db, records: readonly string[]): Promise<Map<string, string>> {
  if (records.length === 0) return new Map()
  const rows = await db
    .selectFrom('records')
    .select(['record_lookup', 'version_lookup'])
    .where('record_lookup', 'in', records)
    .where('version_lookup', 'is not', null)
    .orderBy('seq')
    .execute()
  return new Map(rows.map((row) => [row.record_lookup ?? '', row.version_lookup ?? '']))
}
