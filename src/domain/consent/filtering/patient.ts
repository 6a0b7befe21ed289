/** Whom an answer is to be about, and whether a Reference means that patient, another one, or no patient at all. */
import { wayleaveError } from '../../errors.ts'
import type { Identifier } from '../../identity/national-ids.ts'
import { isObject, type JsonObject, listOf, textOf } from '../fhir/read.ts'
import { identifierOfQuery, readIdentifier } from './identifiers.ts'
import { keyOfTarget, type Place, readTarget, type Target } from './targets.ts'

export type AboutPatient = {
  /** `Patient/id`, or the whole address. */
  readonly reference?: string
  readonly identifiers: readonly Identifier[]
}

/**
 * Reads a Reference or an Identifier.
 * @throws WayleaveError `request-invalid` where it names no patient
 */
export function readAboutPatient(value: unknown): AboutPatient {
  const said = isObject(value) ? value : {}
  const reference = textOf(said.reference)
  const identifier = readIdentifier(said.identifier) ?? readIdentifier(said)
  const target = reference === undefined ? undefined : readTarget(reference)
  if (target && (target.kind !== 'literal' || target.type !== 'Patient'))
    throw wayleaveError('request-invalid', 'patient.reference: not Patient/id')
  if (reference === undefined && !identifier)
    throw wayleaveError('request-invalid', 'patient: neither a reference nor an identifier with a system')
  return { ...(reference === undefined ? {} : { reference }), identifiers: identifier ? [identifier] : [] }
}

/** What is known of the patient when single references are looked at. */
export type KnownPatient = {
  readonly place: Place
  /** Every key that stands for the patient. */
  readonly keys: ReadonlySet<string>
  /** System → values. */
  readonly identifiers: ReadonlyMap<string, ReadonlySet<string>>
  /** The type of what a URN stands for in this answer; undefined where it stands for nothing, or for several. */
  readonly typeOfUrn: (urn: string) => string | undefined
}

/**
 * `ours`: the patient. `other`: another patient, or what cannot be told from one. `nobody`: no patient. `unknown`: it
 * may be a patient. `malformed`: no Reference.
 */
export type Whose = 'ours' | 'other' | 'nobody' | 'unknown' | 'malformed'

/** The host's contained resources and its own key, which `#` stands for. */
export type Host = { readonly contained: readonly JsonObject[]; readonly resource: JsonObject }

export function whoseReference(value: unknown, known: KnownPatient, place: Place, host: Host): Whose {
  if (!isObject(value)) return 'malformed'
  const { reference, type, identifier } = value
  if (reference !== undefined && typeof reference !== 'string') return 'malformed'
  if (type !== undefined && typeof type !== 'string') return 'malformed'
  const isStatedOther = type !== undefined && type !== 'Patient' && !type.endsWith('/Patient')
  const byIdentifier = identifier === undefined ? undefined : whoseIdentifier(identifier, known)
  if (reference === undefined) {
    if (byIdentifier === undefined) return 'nobody'
    return isStatedOther ? 'nobody' : byIdentifier
  }
  const found = whoseTarget(readTarget(reference), reference, known, place, host)
  // A literal reference decides, unless the identifier beside it is somebody else's.
  if (found === 'ours') return byIdentifier === 'other' ? 'other' : 'ours'
  return found === 'unknown' && isStatedOther ? 'nobody' : found
}

function whoseTarget(target: Target, text: string, known: KnownPatient, place: Place, host: Host): Whose {
  switch (target.kind) {
    case 'literal':
      if (target.type !== 'Patient') return 'nobody'
      return known.keys.has(keyOfTarget(target, place) ?? '') ? 'ours' : 'other'
    case 'conditional':
      if (target.type !== 'Patient') return 'nobody'
      return isOurQuery(target.query, known) ? 'ours' : 'other'
    case 'urn': {
      const type = known.typeOfUrn(target.urn)
      if (type === undefined) return 'unknown'
      if (type !== 'Patient') return 'nobody'
      return known.keys.has(target.urn) ? 'ours' : 'other'
    }
    case 'contained': {
      if (target.id === '') return host.resource.resourceType === 'Patient' ? 'ours' : 'nobody'
      const found = host.contained.filter(({ id }) => id === target.id)
      if (found.length !== 1 || !found[0]) return 'unknown'
      return found[0].resourceType === 'Patient' ? whoseIdentifiers(found[0], known) : 'nobody'
    }
    default:
      return /patient/i.test(text) ? 'other' : 'unknown'
  }
}

/** A conditional reference means the patient only where it asks for one of the patient's identifiers and nothing else. */
function isOurQuery(query: string, known: KnownPatient): boolean {
  const asked = identifierOfQuery(query)
  return asked !== undefined && (known.identifiers.get(asked.system)?.has(asked.value) ?? false)
}

function whoseIdentifier(identifier: unknown, known: KnownPatient): Whose {
  const read = readIdentifier(identifier)
  const values = read && known.identifiers.get(read.system)
  if (!read || !values) return 'unknown'
  return values.has(read.value) ? 'ours' : 'other'
}

/** Whose a Patient resource is by its identifiers alone: one of ours, and in no system another value only. */
export function whoseIdentifiers(patient: JsonObject, known: Pick<KnownPatient, 'identifiers'>): Whose {
  const own = Map.groupBy(
    listOf(patient.identifier).flatMap((identifier) => readIdentifier(identifier) ?? []),
    ({ system }) => system,
  )
  let shared = false
  for (const [system, values] of known.identifiers) {
    const said = own.get(system)
    if (!said) continue
    if (!said.some(({ value }) => values.has(value))) return 'other'
    shared = true
  }
  return shared ? 'ours' : 'unknown'
}
