/** Media types, bodies and groups of error codes that operations under several tags share. */

export const FHIR = 'application/fhir+json'
export const JSON_TYPE = 'application/json'

export const FORM = 'application/x-www-form-urlencoded'
export const JOSE = 'application/jose'

export const fhir = (schema: string) => [FHIR, schema] as const
export const json = (schema: string) => [JSON_TYPE, schema] as const

export const fhirBody = (schema: string) => ({ schema, types: [FHIR, JSON_TYPE] })
export const jsonBody = (schema: string) => ({ schema, types: [JSON_TYPE] })

export const PATIENT_NAMED = ['identifier-invalid', 'identifier-system-unknown'] as const

export const CHANGE = ['version-conflict', 'idempotency-key-reused', 'idempotency-key-busy'] as const

export const KEYED = ['idempotency-key-reused', 'idempotency-key-busy'] as const

export const CHAIN = ['chain-unavailable', 'head-stale'] as const

export const RELEASE = [
  'audit-unavailable',
  'anchor-overdue',
  'source-unavailable',
  'not-ready',
  ...CHAIN,
] as const

export const VERSIONED = { 304: null } as const

export const REPORT = {
  answers: { 200: [[JSON_TYPE, 'text/csv', 'text/html'], 'Report'] },
  errors: ['report-unknown', 'unsupported-parameter'],
} as const

export const REPORT_QUERY = [
  ['from', 'day or instant; from the beginning unless given, of disclosures six years back'],
  ['to', 'day, included, or instant; until now unless given'],
  ['zone', 'IANA time zone that days are meant in; UTC unless given'],
  ['format', 'json (the default), csv or html'],
] as const

export const TRAIL_QUERY: [string, string][] = [
  ['date', 'with prefix ge, gt, le or lt'],
  ['agent', 'an organisation’s or a person’s identifier'],
  ['entity', 'a reference or an identifier'],
  ['entity-type', 'code'],
  ['entity-role', 'code'],
  ['purpose', 'v3 PurposeOfUse'],
  ['outcome', '0, 4, 8 or 12'],
  ['type', 'code'],
  ['subtype', 'code'],
  ['action', 'C, R, U, D or E'],
  ['policy', 'Consent/ID'],
  ['_tag', 'kind of line'],
  ['_sort', 'date or -date'],
  ['_count', 'at most 500'],
  ['_page', 'from a next link, alone'],
  ['_format', 'json'],
]
