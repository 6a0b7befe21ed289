import type { WithId } from '@medplum/core'
import type { FhirRepository, FhirResponse } from '@medplum/fhir-router'

// The types of @medplum/fhirtypes, by way of the packages that we depend on ourselves.
export type Resource = Extract<FhirResponse, { length: 2 }>[1]
export type OperationOutcome = FhirResponse[0]
export type Bundle = Extract<Resource, { resourceType: 'Bundle' }>
export type BundleEntry = NonNullable<Bundle['entry']>[number]
export type CapabilityStatement = Extract<Resource, { resourceType: 'CapabilityStatement' }>
export type Reference = Parameters<FhirRepository['readReference']>[0]

/** A resource as it is stored: with the elements that the server sets (FHIR R4 §3.1.0.1.7). */
export type StoredResource = WithId<Resource> & { meta: { versionId: string; lastUpdated: string } }

export type { WithId }
