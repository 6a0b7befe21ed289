import type { DocumentReference } from 'fhir/r4.js'
import { DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import { isSensitiveKind, kindCoding } from '../../domain/consent/sensitivities.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { MemberProfile } from '../../indexer/index.ts'
import type { FindQuery, SharedRecords } from './find-shared.ts'
import type { SharedPointer } from './walk-pointers.ts'

/** The chain's commitment to the record, salted; R4's `attachment.hash` is SHA-1 and so of no use. */
const COMMITMENT_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/sha256-commitment'
const DATA_CLASS_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/data-class'

export type Documents = {
  /**
   * DocumentReferences of all that is shared with this hospital about a person for a purpose (IHE MHD, ITI-67), and the
   * custodians that should have been asked and gave no answer that verifies.
   */
  list(query: FindQuery): Promise<{ documents: DocumentReference[]; missing: MemberProfile[] }>
}

/** @param base this broker's own base, for `attachment.url` */
export function createDocuments(deps: { shared: SharedRecords; base: () => string }): Documents {
  return {
    async list(query) {
      const found = await deps.shared.each(query, async (one) => one)
      const documents = found.flatMap(({ pointers, profile }) =>
        pointers.map((pointer) => document(pointer, pointer.patient, profile, deps.base())),
      )
      const missing = found.flatMap((one) => (one.missing && one.profile ? [one.profile] : []))
      return { documents, missing }
    },
  }
}

function document(
  { recordId, commitment, compartment, pointer, current }: SharedPointer,
  patient: Identifier,
  custodian: MemberProfile | undefined,
  base: string,
): DocumentReference {
  const { dataClass, kinds } = compartmentOf(compartment)
  const labels = kinds.filter(isSensitiveKind).map(kindCoding)
  const type = pointer.kind === 'snapshot' ? pointer.resourceType : undefined
  return {
    resourceType: 'DocumentReference',
    id: recordId,
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${recordId}` },
    status: current ? 'current' : 'superseded',
    ...(type ? { type: { coding: [{ system: 'http://hl7.org/fhir/resource-types', code: type }] } } : {}),
    category: [
      {
        coding: [
          {
            system: DATA_CLASS_SYSTEM,
            code: dataClass,
            ...(isDataClass(dataClass) ? { display: DATA_CLASSES[dataClass].label } : {}),
          },
        ],
      },
    ],
    subject: { identifier: { system: patient.system, value: patient.value } },
    ...(custodian ? { custodian: { identifier: custodian.identifier, display: custodian.name } } : {}),
    ...(labels.length > 0 ? { securityLabel: labels.map((coding) => ({ coding: [coding] })) } : {}),
    content: [
      {
        attachment: {
          contentType: 'application/fhir+json',
          url: `${base}/fhir/Binary/${recordId}`,
          extension: [{ url: COMMITMENT_EXTENSION, valueString: commitment.slice(2) }],
        },
      },
    ],
  }
}
