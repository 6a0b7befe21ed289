import type { Patient } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import { isEnded, pictureOf, sightingOf } from '../../domain/identity/identity-events.ts'
import type { FhirSource } from '../../fhir/source.ts'
import { type PatientStore, type StoredPatient, storedPicture } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { assertNotFrozen } from '../identity/freezes.ts'
import type { IdentityWatch } from '../identity/identity-watch.ts'

export type Admission = (fhirId: string, resource: Patient) => Promise<StoredPatient>

/**
 * The row of somebody who may be enrolled. The file is looked at before the feed may have: what it says of the identity is
 * taken in first.
 */
export function createAdmission(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  source: Pick<FhirSource, 'base'>
  identity: Pick<IdentityWatch, 'admit' | 'observe'>
  /** Told when a freeze may have been stored. */
  afterFreeze: () => void
}): Admission {
  const { db, patients } = deps
  /** @throws WayleaveError `identity-frozen`; `not-available` where nobody can sign for the file */
  return async (fhirId, resource) => {
    const seen = { picture: pictureOf(resource, deps.source.base), at: sightingOf(resource) }
    const row = await db.transaction().execute(async (trx) => {
      if (!(await patients.byFhirId(trx, fhirId))) return deps.identity.admit(trx, fhirId, seen)
      await deps.identity.observe(trx, fhirId, seen.picture, seen.at)
      return patients.byFhirId(trx, fhirId)
    })
    deps.afterFreeze()
    if (!row) throw wayleaveError('internal', 'a patient that went')
    await assertNotFrozen(db, row)
    if (isEnded(storedPicture(row))) throw wayleaveError('not-available', 'nobody can sign for this file')
    return row
  }
}
