import { RESOURCE_TYPES } from '../../domain/consent/resource-types.ts'
import type { CapabilityStatement } from './medplum-types.ts'
import { searchParametersOf } from './search-parameters.ts'

type RestResource = NonNullable<NonNullable<CapabilityStatement['rest']>[number]['resource']>[number]

/** What this server does, and nothing that it does not (FHIR R4 §3.1.0.12). */
export function capabilityStatement(date: Date, base: string): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: date.toISOString(),
    kind: 'instance',
    software: { name: 'Wayleave sandbox FHIR server' },
    implementation: { description: 'A FHIR server for trying Wayleave, not for patients', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        interaction: [{ code: 'transaction' }, { code: 'batch' }, { code: 'history-system' }],
        resource: Object.keys(RESOURCE_TYPES).map(restResource),
      },
    ],
  }
}

function restResource(type: string): RestResource {
  return {
    type: type as RestResource['type'],
    interaction: (
      [
        'read',
        'vread',
        'update',
        'delete',
        'history-instance',
        'history-type',
        'create',
        'search-type',
      ] as const
    ).map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'not-match',
    conditionalUpdate: true,
    conditionalDelete: 'single',
    searchParam: [
      { name: '_id', type: 'token' },
      { name: '_lastUpdated', type: 'date' },
      ...[...searchParametersOf(type).values()].map(({ code, kind }) => ({ name: code, type: kind })),
    ],
  }
}
