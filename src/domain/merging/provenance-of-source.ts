import type { Provenance } from 'fhir/r4.js'
import type { AuditParty } from '../audit/audit-entry.ts'
import type { Hex } from '../hex.ts'
import { type MergedRecord, sourceUri } from './merged-copy.ts'

const PARTICIPANT = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type'
const COMMITMENT_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/sha256-commitment'

/**
 * Says of all records of one source whose they are, who put them together, when they were verified, and under which tag and
 * commitment of the chain (FHIR R4 Provenance; one entity for each target, in the same order).
 * @param id a UUID
 * @param verifiedAt an instant
 */
export function provenanceOfSource(
  records: readonly [MergedRecord, ...MergedRecord[]],
  of: { id: string; custodian: AuditParty; assembler: AuditParty; verifiedAt: string },
): Provenance {
  const agent = (code: string, party: AuditParty) => ({
    type: { coding: [{ system: PARTICIPANT, code }] },
    who: {
      type: 'Organization',
      ...(party.identifier ? { identifier: { ...party.identifier } } : {}),
      display: party.name,
    },
  })
  return {
    resourceType: 'Provenance',
    id: of.id,
    target: records.map(({ fullUrl }) => ({ reference: fullUrl })),
    recorded: of.verifiedAt,
    activity: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle', code: 'verify' }],
    },
    agent: [agent('custodian', of.custodian), agent('assembler', of.assembler)],
    entity: records.map(({ tag, commitment }) => ({
      role: 'source',
      extension: [{ url: COMMITMENT_EXTENSION, valueString: commitment.slice(2) }],
      what: {
        identifier: { system: 'urn:ietf:rfc:3986', value: sourceUri(of.custodian.id as Hex, tag) },
      },
    })),
  }
}
