import type { Address, ContactPoint, FhirResource, Location, Organization, Practitioner } from 'fhir/r4.js'
import { conditionalId } from './assignment.ts'
import type { HospitalEntry, SampleFiles } from './files.ts'
import { hospitalId } from './ids.ts'

/** Who and where a hospital's records refer to; only what was asked for ends up in `resources`. */
export type Providers = {
  /** The hospital itself. */
  organization: { reference: string; display: string }
  /** Whether Synthea's reference to an organisation means this hospital. */
  knows(reference: string | undefined): boolean
  /** What Synthea's conditional reference (`Practitioner?identifier=…`) is at this hospital. */
  resolve(reference: string): { reference: string; display?: string }
  /** Every provider referred to so far, those that others need first. */
  resources(): FhirResource[]
}

/**
 * The providers of one hospital, under its invented name and address: Synthea takes those of real facilities,
 * and gives them to its (invented) practitioners, too.
 */
export function createProviders(hospital: HospitalEntry, files: SampleFiles): Providers {
  const address: Address = hospital.address
  const telecom: ContactPoint[] = [{ system: 'phone', value: hospital.phone }]
  const idOf = (what: string) => hospitalId(hospital.key, what)
  const organization = {
    reference: `Organization/${idOf('organization')}`,
    display: hospital.name,
  }
  const used = new Map<string, FhirResource>()

  function organizationResource(): Organization {
    return {
      resourceType: 'Organization',
      id: idOf('organization'),
      identifier: [{ use: 'official', ...hospital.identifier }],
      active: true,
      type: [
        {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/organization-type',
              code: 'prov',
              display: 'Healthcare Provider',
            },
          ],
          text: 'Healthcare Provider',
        },
      ],
      name: hospital.name,
      telecom,
      address: [address],
    }
  }

  function locationAt(id: string): Location | undefined {
    const source = files.organizations.find((one) => one.resourceType === 'Location' && one.id === id)
    if (source?.resourceType !== 'Location') return undefined
    const owner = source.managingOrganization?.identifier?.value
    const common = { resourceType: 'Location' as const, id: idOf(id), status: 'active' as const }
    // Without an owner it is a kind of place ("Patient's Home"), not one place.
    if (!owner) {
      return {
        ...common,
        mode: 'kind',
        ...(source.description && { name: source.description, description: source.description }),
        ...(source.physicalType && { physicalType: source.physicalType }),
      }
    }
    const site = hospital.sites.find(({ synthea }) => synthea === owner)
    if (!site) return undefined
    return {
      ...common,
      mode: 'instance',
      name: `${hospital.name}, ${site.name}`,
      telecom,
      address,
      managingOrganization: organization,
    }
  }

  function practitioner(npi: string): Practitioner | undefined {
    const source = files.practitioners.find(
      (one) => one.resourceType === 'Practitioner' && one.identifier?.some(({ value }) => value === npi),
    )
    if (source?.resourceType !== 'Practitioner' || !source.id) return undefined
    return { ...source, id: idOf(source.id), address: [address] }
  }

  function find(reference: string): FhirResource | undefined {
    const id = conditionalId(reference) ?? ''
    if (reference.startsWith('Location?')) return locationAt(id)
    if (reference.startsWith('Practitioner?')) return practitioner(id)
    return knows(reference) ? organizationResource() : undefined
  }

  const knows = (reference = '') =>
    reference.startsWith('Organization?') &&
    hospital.sites.some(({ synthea }) => synthea === conditionalId(reference))

  return {
    organization,
    knows,
    resolve(reference) {
      const resource = used.get(reference) ?? find(reference)
      if (!resource) throw new Error(`${hospital.key} refers to ${reference}, which is not of this hospital`)
      used.set(reference, resource)
      return {
        reference: `${resource.resourceType}/${resource.id}`,
        // Synthea displays a place by its owner's name; a practitioner's display stays.
        ...('name' in resource && typeof resource.name === 'string' && { display: resource.name }),
      }
    },
    resources() {
      const others = [...used.values()].filter(({ resourceType }) => resourceType !== 'Organization')
      return structuredClone([organizationResource(), ...others])
    },
  }
}
