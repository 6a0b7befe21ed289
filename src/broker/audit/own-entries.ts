import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import type { Hex } from '../../domain/hex.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import { recordId } from '../../domain/records/record-id.ts'
import type { IndexedEvent } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'

/** An entry of the directory that is of an own patient. */
export type OwnEntry = { patient: StoredPatient; record?: NonNullable<AuditEntry['record']>; note: string }

const NOTES: Readonly<Partial<Record<string, string>>> = {
  snapshot: 'A version of it stands on the chain.',
  reference: 'A version of it stands on the chain.',
  retired: 'It was withdrawn.',
  closing: 'A series of entries was closed, since a key was changed.',
}

/** Which of these events registered something of an own patient, by its tag. What only fills a batch up is not here. */
export async function ownEntries(
  db: Kysely<BrokerTables>,
  { patients, custodian }: { patients: PatientStore; custodian: Hex },
  events: readonly IndexedEvent[],
): Promise<Map<string, OwnEntry>> {
  const tags = events.flatMap(({ args }) => (args.tag === undefined ? [] : [args.tag]))
  const found = new Map<string, OwnEntry>()
  if (tags.length === 0) return found
  const rows = await db
    .selectFrom('records')
    .select(['tag', 'patient_id', 'kind', 'compartment', 'record_lookup', 'sealed'])
    .where('tag', 'in', tags)
    .execute()
  const known = new Map<string, StoredPatient | undefined>()
  for (const { tag, patient_id, kind, compartment, record_lookup, sealed } of rows) {
    if (!known.has(patient_id)) known.set(patient_id, await patients.byId(db, patient_id))
    const patient = known.get(patient_id)
    if (!patient) continue
    const note = NOTES[kind] ?? 'It stands on the chain.'
    if (record_lookup === null) found.set(tag, { patient, note })
    else {
      const { resourceType } = openJson<{ resourceType: string }>(patient.key, sealed)
      const { dataClass } = compartmentOf(compartment)
      found.set(tag, {
        patient,
        record: { id: recordId(custodian, tag as Hex), resourceType, dataClass },
        note,
      })
    }
  }
  return found
}

/** Cut where a transaction ends: what one holds together is told together, whatever place the reading began from. */
export function wholeTransactions(events: readonly IndexedEvent[], limit: number): readonly IndexedEvent[] {
  const last = events.at(-1)
  if (!last || events.length < limit) return events
  const whole = events.filter(({ transaction }) => transaction !== last.transaction)
  return whole.length > 0 ? whole : events
}
