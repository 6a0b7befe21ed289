import type { Patient } from 'fhir/r4.js'
import { countingIdentifiers } from '../../domain/identity/identity-events.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { isResourceId } from '../../domain/records/resource-id.ts'
import type { FhirSource } from '../../fhir/source.ts'

/** Whom a HIS asks about: this hospital's own Patient where there is one, and the person's national identifiers. */
export type Person = { own?: Patient & { id: string }; identifiers: Identifier[] }

export type People = {
  /** By the id of this hospital's Patient; undefined where there is none. @throws WayleaveError `source-unavailable`. */
  byId(id: string): Promise<Person | undefined>
  /**
   * By a national identifier that has been checked. Where several Patients here bear it, none of them is taken.
   * @throws WayleaveError `source-unavailable`.
   */
  byIdentifier(identifier: Identifier): Promise<Person>
}

export function createPeople({ source }: { source: FhirSource }): People {
  return {
    async byId(id) {
      const own = isResourceId(id) ? await source.readPatient(id) : undefined
      return own ? personOf(own) : undefined
    },
    async byIdentifier(identifier) {
      const [own, ...others] = await source.findPatients(identifier)
      if (!own || others.length > 0) return { identifiers: [identifier] }
      const person = personOf(own)
      const known = person.identifiers.some(
        ({ system, value }) => system === identifier.system && value === identifier.value,
      )
      return known ? person : { ...person, identifiers: [identifier, ...person.identifiers] }
    },
  }
}

function personOf(own: Patient): Person {
  const identifiers = countingIdentifiers(own.identifier).flatMap((identifier) => {
    const checked = checkNationalId(identifier)
    return checked.ok ? [checked.identifier] : []
  })
  return own.id ? { own: { ...own, id: own.id }, identifiers } : { identifiers }
}
