import type { Kysely } from 'kysely'
import { errorCodeOf } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { FhirSource } from '../../fhir/source.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson } from '../../store/vault.ts'
import type { StoredRecord } from './entries.ts'

/** The newest version of one record of this hospital, as it was registered. */
export type OwnRecord = Pick<StoredRecord, 'resourceType' | 'id' | 'versionId' | 'salt' | 'kinds'> & {
  tag: Hex
  commitment: Hex
}

export type OwnRecords = {
  /** What stands for a patient now, in no particular order; nothing for a Patient of whom nothing is registered. */
  of(fhirId: string): Promise<OwnRecord[]>
  /**
   * The version as the FHIR server has it, checked against what was committed to: `changed` where it is another, undefined
   * where it is gone. @throws WayleaveError `source-unavailable`.
   */
  read(record: OwnRecord): Promise<Record<string, unknown> | 'changed' | undefined>
}

/** The hospital's own records of a patient, from its own books and its own FHIR server: for its own staff, and the patient. */
export function createOwnRecords(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  source: FhirSource
}): OwnRecords {
  const { db } = deps
  return {
    async of(fhirId) {
      const patient = await deps.patients.byFhirId(db, fhirId)
      if (!patient) return []
      const rows = await db
        .selectFrom('records')
        .select(['tag', 'kind', 'commitment', 'record_lookup', 'sealed'])
        .where('patient_id', '=', patient.id)
        .where('record_lookup', 'is not', null)
        .orderBy('seq')
        .execute()
      const newest = new Map(rows.map((row) => [row.record_lookup, row] as const))
      return [...newest.values()].flatMap(({ kind, tag, commitment, sealed }) => {
        if (kind !== 'snapshot') return []
        const { resourceType, id, versionId, salt, kinds } = openJson<StoredRecord>(patient.key, sealed)
        return [{ resourceType, id, versionId, salt, kinds, tag: tag as Hex, commitment: commitment as Hex }]
      })
    },

    async read({ resourceType, id, versionId, salt, commitment }) {
      const bytes = await deps.source.readVersion(resourceType, id, versionId)
      if (!bytes) return undefined
      try {
        const resource = parseStrictJson(bytes) as Record<string, unknown>
        const same = commitmentOf(Buffer.from(salt, 'base64url'), resource) === commitment
        return same && resource.resourceType === resourceType && resource.id === id ? resource : 'changed'
      } catch (error) {
        if (errorCodeOf(error) === 'internal') throw error
        return 'changed'
      }
    },
  }
}
