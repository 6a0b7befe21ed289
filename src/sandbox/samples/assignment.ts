import type { FhirResource } from 'fhir/r4.js'
import type { HospitalEntry, SampleEntry } from './files.ts'

/** The encounter a resource was recorded in, as Synthea refers to it (`urn:uuid:…`). */
function encounterOf({ url, resource }: SampleEntry): string | undefined {
  switch (resource.resourceType) {
    case 'Encounter':
      return url
    case 'DocumentReference':
      return resource.context?.encounter?.[0]?.reference
    case 'MedicationAdministration':
      return resource.context?.reference
    default:
      return 'encounter' in resource ? resource.encounter?.reference : undefined
  }
}

/** The id at the end of Synthea's conditional reference, `Type?identifier=system|id`. */
export const conditionalId = (reference: string | undefined) => reference?.split('|')[1]

/** Types without an encounter that name the patient only: they go to the hospital that saw most of the person. */
const followsThePerson = (resource: FhirResource) =>
  resource.resourceType === 'AllergyIntolerance' || resource.resourceType === 'Device'

/**
 * Which hospital keeps which of a person's records: entry's url → hospital key. What other organisations
 * recorded is in no hospital, and is left out. Patient, Medication and Provenance belong to whoever keeps
 * something that needs them, and are not in the answer.
 */
export function assignRecords(entries: SampleEntry[], hospitals: HospitalEntry[]): Map<string, string> {
  const hospitalOfSite = new Map(
    hospitals.flatMap(({ key, sites }) => sites.map((site) => [site.synthea, key])),
  )
  const hospitalOfEncounter = new Map<string, string>()
  const encounters = new Map<string, number>()
  for (const { url, resource } of entries) {
    if (resource.resourceType !== 'Encounter') continue
    const key = hospitalOfSite.get(conditionalId(resource.serviceProvider?.reference) ?? '')
    if (!key) continue
    hospitalOfEncounter.set(url, key)
    encounters.set(key, (encounters.get(key) ?? 0) + 1)
  }
  const [most] = hospitals
    .filter(({ key }) => encounters.has(key))
    .sort((a, b) => (encounters.get(b.key) ?? 0) - (encounters.get(a.key) ?? 0))

  const assigned = new Map<string, string>()
  for (const entry of entries) {
    const key = followsThePerson(entry.resource)
      ? most?.key
      : hospitalOfEncounter.get(encounterOf(entry) ?? '')
    if (key) assigned.set(entry.url, key)
  }
  return assigned
}
