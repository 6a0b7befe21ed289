import type { CodeableConcept, DocumentReference, Identifier as FhirIdentifier } from 'fhir/r4.js'
import { wayleaveError } from '../../domain/errors.ts'
import { parseIdentifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'

/** What a HIS looks for (IHE MHD, ITI-67): whom by, and which of the documents. */
export type DocumentQuery = {
  /** A national identifier, checked; the id of an own Patient; or both, of which both must hold. */
  identifier?: Identifier
  patientId?: string
  statuses: readonly string[]
  matches(document: DocumentReference): boolean
  /** Parameters that were not understood and that the client allows to be passed over. */
  ignored: string[]
}

const FORMATS = new Set(['json', 'application/json', 'application/fhir+json'])
const STATUSES = new Set(['current', 'superseded', 'entered-in-error'])

type Token = { system?: string; code: string }

/**
 * What a list of pointers knows of each record. Dates, authors and titles stand in the records themselves, so a search by
 * them cannot be answered without opening all.
 */
const VALUES: Readonly<Record<string, (document: DocumentReference) => Token[]>> = {
  type: ({ type }) => codes(type),
  category: ({ category = [] }) => category.flatMap(codes),
  'security-label': ({ securityLabel = [] }) => securityLabel.flatMap(codes),
  contenttype: ({ content }) => content.map(({ attachment }) => ({ code: attachment.contentType ?? '' })),
  identifier: ({ masterIdentifier }) => identifierTokens(masterIdentifier),
}

const codes = (concept: CodeableConcept | undefined): Token[] =>
  (concept?.coding ?? []).map(({ system, code = '' }) => (system ? { system, code } : { code }))

const identifierTokens = (identifier: FhirIdentifier | undefined): Token[] =>
  identifier?.system && identifier.value ? [{ system: identifier.system, code: identifier.value }] : []

const KNOWN = new Set(['patient', 'patient.identifier', 'status', '_format', ...Object.keys(VALUES)])

/**
 * Reads the parameters of a search. What is not known is refused, or with `Prefer: handling=lenient` passed over
 * (FHIR R4 §3.1.1.4.1); a modifier or a value that is not known of a parameter that is, is always refused.
 * @param prefer the `Prefer` header
 * @throws WayleaveError `unsupported-parameter`, `not-acceptable`, `request-invalid`, or what is wrong with the identifier
 */
export function readDocumentQuery(
  parameters: Readonly<Record<string, unknown>>,
  prefer: string | string[] | undefined,
): DocumentQuery {
  const unknown = Object.keys(parameters).filter((name) => !KNOWN.has(name))
  const ignored = unknown.filter((name) => !KNOWN.has(name.split(':')[0] ?? ''))
  if (unknown.length > 0 && (ignored.length < unknown.length || !isLenient(prefer)))
    throw wayleaveError('unsupported-parameter')
  const { _format: format = 'json', status = 'current' } = parameters
  if (!FORMATS.has(String(format))) throw wayleaveError('not-acceptable')
  const statuses = typeof status === 'string' ? status.split(',') : []
  if (statuses.length === 0 || !statuses.every((one) => STATUSES.has(one)))
    throw wayleaveError('request-invalid', 'status')
  const filters = Object.entries(VALUES).flatMap(([name, values]) =>
    textsOf(parameters[name]).map((text) => ({ values, wanted: readTokens(text) })),
  )
  return {
    ...readWhom(parameters),
    statuses,
    ignored,
    matches: (document) =>
      filters.every(({ values, wanted }) =>
        values(document).some((value) => wanted.some((token) => isMatch(token, value))),
      ),
  }
}

/** RFC 7240 §2: preferences by comma, each a token with a value. */
export const isLenient = (prefer: string | string[] | undefined): boolean =>
  /(?:^|[,;])\s*handling\s*=\s*"?lenient"?\s*(?:$|[,;])/i.test(String(prefer ?? ''))

function readWhom({
  patient,
  'patient.identifier': text,
}: Readonly<Record<string, unknown>>): Pick<DocumentQuery, 'identifier' | 'patientId'> {
  if (patient === undefined && text === undefined)
    throw wayleaveError('request-invalid', 'patient or patient.identifier')
  if (patient !== undefined && (typeof patient !== 'string' || patient.includes(',')))
    throw wayleaveError('request-invalid', 'one patient')
  return {
    ...(typeof patient === 'string' ? { patientId: patient.replace(/^Patient\//, '') } : {}),
    ...(text === undefined ? {} : { identifier: nationalId(text) }),
  }
}

/** @throws WayleaveError `request-invalid`, `identifier-invalid` or `identifier-system-unknown` */
export function nationalId(text: unknown): Identifier {
  if (typeof text !== 'string' || !text.includes('|'))
    throw wayleaveError('request-invalid', 'an identifier is system|value')
  let identifier: Identifier
  try {
    identifier = parseIdentifierText(text)
  } catch {
    throw wayleaveError('identifier-invalid')
  }
  const checked = checkNationalId(identifier)
  if (!checked.ok) throw wayleaveError(checked.code)
  return checked.identifier
}

/** A parameter that comes several times must hold each time (FHIR R4 §3.1.1.3). */
function textsOf(value: unknown): string[] {
  const texts = value === undefined ? [] : [value].flat()
  if (!texts.every((text): text is string => typeof text === 'string' && text !== ''))
    throw wayleaveError('request-invalid', 'an empty parameter')
  return texts
}

/** Alternatives by comma: `code`, `system|code`, `|code` or `system|`; a backslash escapes (FHIR R4 §3.1.1.4.10). */
function readTokens(text: string): { system?: string; code?: string }[] {
  const parts = text.match(/(?:\\.|[^,\\])+/g) ?? []
  return parts.map((part) => {
    const [, system, code = ''] = /^((?:\\.|[^|\\])*)\|(.*)$/.exec(part) ?? []
    if (system === undefined) return { code: plain(part) }
    return { system: plain(system), ...(code === '' ? {} : { code: plain(code) }) }
  })
}

const plain = (escaped: string) => escaped.replace(/\\(.)/g, '$1')

const isMatch = (wanted: { system?: string; code?: string }, value: Token): boolean =>
  (wanted.code === undefined || wanted.code === value.code) &&
  (wanted.system === undefined || wanted.system === (value.system ?? ''))
