import type { Kysely } from 'kysely'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import { lookupsOf, personLookup } from '../audit/access-log.ts'
import type { Subject } from './about.ts'

/** Whom a report is about: an own patient, or a person known by an identifier alone; as the trail names them in its log. */
export type Found = Subject & { of: { id: string } | Identifier }

type Deps = { db: Kysely<BrokerTables>; vault: Vault; patients: PatientStore }

/** A patient's own entries. Under a closed handle a key is shown what was its own: whose number that was is in doubt. */
export const ownEntries = ({ vault }: Pick<Deps, 'vault'>, patient: StoredPatient): Found => ({
  name: `Patient/${patient.secrets.fhirId}`,
  lookups: patient.closed ? [vault.lookup('patient', patient.id)] : lookupsOf(vault, patient),
  of: patient,
})

/**
 * Everything under which entries about somebody stand, for an auditor: also those of handles that were closed. Undefined where
 * the hospital has no such Patient.
 */
export async function entriesOf(
  { db, vault, patients }: Deps,
  { identifier, patientId }: { identifier?: Identifier; patientId?: string },
): Promise<Found | undefined> {
  const found = identifier ? await patients.byIdentifier(db, identifier) : []
  const named = patientId === undefined ? undefined : await patients.byFhirId(db, patientId)
  if (patientId !== undefined && !named) return undefined
  // Both given: the one patient who is both.
  if (identifier && named && !found.some(({ id }) => id === named.id)) return undefined
  const own = named ? [named] : found
  const of = own[0] ?? identifier
  if (!of) return undefined
  return {
    name:
      own.map(({ secrets }) => `Patient/${secrets.fhirId}`).join(', ') ||
      identifierText(identifier as Identifier),
    lookups: [
      ...own.flatMap((patient) => lookupsOf(vault, patient)),
      ...own.flatMap(({ secrets }) => (secrets.formerly ?? []).map((id) => vault.lookup('patient', id))),
      ...(identifier ? [personLookup(vault, identifier)] : []),
    ],
    of,
  }
}
