import type { AuditEvent } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { buildAuditEvent } from '../../domain/audit/audit-event.ts'
import { describeAuditEntry } from '../../domain/audit/describe-audit-entry.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'

export type AuditQuery = {
  /** Lookups under which one patient may stand; absent: all. */
  patients?: readonly string[]
  kinds?: readonly string[]
  /** Instants, inclusive and exclusive. */
  from?: string
  to?: string
  count: number
  /** Sequence number that the page before ended on. */
  before?: number
}

export type AuditLine = { entry: AuditEntry; event: AuditEvent; sentence: string; seq: number }

/** The audit trail, newest first; stable while new events arrive, since pages go on from a sequence number. */
export async function searchAudit(
  db: Kysely<BrokerTables>,
  vault: Vault,
  query: AuditQuery,
): Promise<AuditLine[]> {
  let rows = db.selectFrom('audit_events').select(['seq', 'sealed']).orderBy('seq', 'desc').limit(query.count)
  if (query.patients) rows = rows.where('patient_lookup', 'in', [...query.patients])
  if (query.kinds) rows = rows.where('kind', 'in', [...query.kinds])
  if (query.from) rows = rows.where('recorded', '>=', query.from)
  if (query.to) rows = rows.where('recorded', '<', query.to)
  if (query.before !== undefined) rows = rows.where('seq', '<', query.before)
  return (await rows.execute()).map(({ seq, sealed }) => {
    const entry = openJson<AuditEntry>(vault.storeKey, sealed)
    return { entry, event: buildAuditEvent(entry), sentence: describeAuditEntry(entry), seq }
  })
}
