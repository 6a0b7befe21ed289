import type { Bundle, FhirResource, Patient, Provenance } from 'fhir/r4.js'
import { assignRecords } from './assignment.ts'
import type { HospitalEntry, PersonEntry, SampleEntry } from './files.ts'
import { sampleFiles } from './files.ts'
import { hospitalId } from './ids.ts'
import { createProviders, type Providers } from './providers.ts'
import { type RewriteReference, rewriteReferences } from './references.ts'

export const BSN_SYSTEM = 'http://fhir.nl/fhir/NamingSystem/bsn'

/** The logical id of a sample person's Patient at a hospital: another one at each. */
export const patientId = (hospitalKey: string, syntheaId: string) => hospitalId(hospitalKey, syntheaId)

/**
 * What a hospital's FHIR server is loaded with: first a transaction with the providers that its records refer
 * to, then one per patient with the Patient and that hospital's records. All requests are PUTs under ids that
 * are the same every time, so that loading twice changes nothing; references are relative (`Type/id`).
 * A reference to a resource kept elsewhere becomes a logical one (FHIR R4, 2.3.0.2): its urn:uuid as identifier.
 *
 * @param hospitalKey `hospital-1`, `hospital-2` or `hospital-3`
 * @throws Error when there is no such hospital
 */
export function sampleBundles(hospitalKey: string): Bundle<FhirResource>[] {
  const files = sampleFiles()
  const hospital = files.hospitals.find(({ key }) => key === hospitalKey)
  if (!hospital) throw new Error(`There is no sample hospital "${hospitalKey}"`)
  const providers = createProviders(hospital, files)
  const patients: Bundle<FhirResource>[] = []
  for (const person of files.people) {
    const entries = files.records.get(person.synthea) ?? []
    const kept = keptAt(hospital.key, files.hospitals, entries)
    if (kept.size > 0) patients.push(transaction(recordsAt(hospital, person, entries, kept, providers)))
  }
  return [transaction(providers.resources()), ...patients]
}

function transaction(resources: FhirResource[]): Bundle<FhirResource> {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: resources.map((resource) => ({
      resource,
      request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
    })),
  }
}

/** What the hospital keeps of one person, by url, in Synthea's order; empty when the person was never there. */
function keptAt(
  hospitalKey: string,
  hospitals: HospitalEntry[],
  entries: SampleEntry[],
): Map<string, SampleEntry> {
  const assigned = assignRecords(entries, hospitals)
  const records = entries.filter(({ url }) => assigned.get(url) === hospitalKey)
  if (records.length === 0) return new Map()
  const prescribed = new Set(
    records.map(({ resource }) =>
      'medicationReference' in resource ? resource.medicationReference?.reference : undefined,
    ),
  )
  const kept = ({ url, resource }: SampleEntry) =>
    assigned.get(url) === hospitalKey ||
    prescribed.has(url) ||
    resource.resourceType === 'Patient' ||
    resource.resourceType === 'Provenance'
  return new Map(entries.filter(kept).map((entry) => [entry.url, entry]))
}

/** The Patient (first) and the records of one person as the hospital holds them. */
function recordsAt(
  hospital: HospitalEntry,
  person: PersonEntry,
  entries: SampleEntry[],
  kept: Map<string, SampleEntry>,
  providers: Providers,
): FhirResource[] {
  const typeOf = new Map(entries.map(({ url, resource }) => [url, resource.resourceType]))
  const rewrite: RewriteReference = (reference) => {
    const { reference: target, ...rest } = reference
    if (target.includes('?')) return { ...rest, ...providers.resolve(target) }
    if (!target.startsWith('urn:uuid:')) return reference
    const here = kept.get(target)?.resource
    if (here) return { reference: `${here.resourceType}/${localId(hospital.key, here)}`, ...rest }
    const type = typeOf.get(target)
    return { ...(type && { type }), identifier: { system: 'urn:ietf:rfc:3986', value: target }, ...rest }
  }
  return [...kept.values()].map(({ resource }) => {
    const id = localId(hospital.key, resource)
    return { ...rewriteReferences(asHeld(resource), rewrite), id }
  })

  function asHeld(resource: FhirResource): FhirResource {
    if (resource.resourceType === 'Patient') return patientAt(hospital, person, resource)
    if (resource.resourceType === 'Provenance') return provenanceAt(resource, kept, providers)
    return resource
  }
}

/** Types that several hospitals hold of one person get an id per hospital; a record keeps Synthea's. */
function localId(hospitalKey: string, { resourceType, id = '' }: FhirResource): string {
  if (resourceType === 'Patient') return patientId(hospitalKey, id)
  const shared = resourceType === 'Provenance' || resourceType === 'Medication'
  return shared ? hospitalId(hospitalKey, id) : id
}

/**
 * The person as this hospital knows them: the BSN and its own record number. Synthea's identifiers go: the
 * social security numbers are invalid by rule, and its own id would join the hospitals, as would the seed that
 * its narrative names.
 */
function patientAt(hospital: HospitalEntry, person: PersonEntry, { text: _, ...patient }: Patient): Patient {
  const recordNumber = person.recordNumbers[hospital.key]
  if (!recordNumber)
    throw new Error(`people.json has no record number of ${person.synthea} at ${hospital.key}`)
  return {
    ...patient,
    identifier: [
      { use: 'official', system: BSN_SYSTEM, value: person.bsn },
      {
        use: 'usual',
        type: {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/v2-0203',
              code: 'MR',
              display: 'Medical Record Number',
            },
          ],
          text: 'Medical Record Number',
        },
        system: hospital.recordNumberSystem,
        value: recordNumber,
      },
    ],
  }
}

/**
 * Synthea writes one Provenance for all of a person's records. Each hospital has its own: over what it keeps,
 * and by itself where Synthea's author worked elsewhere.
 */
function provenanceAt(
  provenance: Provenance,
  kept: Map<string, SampleEntry>,
  providers: Providers,
): Provenance {
  return {
    ...provenance,
    target: provenance.target.filter(({ reference = '' }) => kept.has(reference)),
    agent: provenance.agent.map((agent) => {
      if (providers.knows(agent.onBehalfOf?.reference)) return agent
      const { onBehalfOf: _, ...rest } = agent
      return { ...rest, who: providers.organization }
    }),
  }
}
