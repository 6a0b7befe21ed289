/** URIs of the code systems that the default rules know; the same system goes by several names in the field. */
export const SNOMED = ['http://snomed.info/sct', 'urn:oid:2.16.840.1.113883.6.96'] as const
export const LOINC = ['http://loinc.org', 'urn:oid:2.16.840.1.113883.6.1'] as const
export const RXNORM = [
  'http://www.nlm.nih.gov/research/umls/rxnorm',
  'urn:oid:2.16.840.1.113883.6.88',
] as const
export const ATC = ['http://www.whocc.no/atc', 'urn:oid:2.16.840.1.113883.6.73'] as const
export const ICD10 = [
  'http://hl7.org/fhir/sid/icd-10',
  'http://hl7.org/fhir/sid/icd-10-cm',
  'http://hl7.org/fhir/sid/icd-10-nl',
  'http://fhir.de/CodeSystem/bfarm/icd-10-gm',
  'urn:oid:2.16.840.1.113883.6.3',
  'urn:oid:2.16.840.1.113883.6.90',
] as const

/** One list of codes under every name of its system; `codes` are separated by white space. */
export const under = (systems: readonly string[], codes: string): Record<string, readonly string[]> =>
  Object.fromEntries(systems.map((system) => [system, codes.trim().split(/\s+/)]))
