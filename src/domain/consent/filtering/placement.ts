/** Whose a resource is: the patient's, nobody's because it describes no patient, or not to be told, which withholds. */
import { compartmentValues } from '../../records/compartment-members.ts'
import type { JsonObject } from '../fhir/read.ts'
import { listOf } from '../fhir/read.ts'
import { type Host, type KnownPatient, whoseIdentifiers, whoseReference } from './patient.ts'
import type { Survey } from './survey.ts'
import { keyOfTarget, type Place, readTarget } from './targets.ts'

export type WithheldReason =
  /** No FHIR that could be judged: two types, a key twice, an element of the wrong form. */
  | 'malformed'
  /** About another patient, or pointing at one. */
  | 'other-patient'
  /** Nothing says that it is about this patient. */
  | 'not-placed'
  /** The consents do not let it through. */
  | 'denied'
  /** Something contained in it would be withheld. */
  | 'contained'
  /** It points at something withheld, and would tell that this exists. */
  | 'refers-to-withheld'
  /** The same resource stands in the answer again, and is withheld there. */
  | 'same-resource'
  /** It belongs to a document or message of which something is withheld. */
  | 'part-of-whole'
  /** It came along with something, and nothing that is released points at it. */
  | 'no-released-referrer'
  /** What the server said about its own answer. */
  | 'outcome-of-server'
  /** Bundles in Bundles, deeper than anybody nests them. */
  | 'too-deep'

export type Placed =
  /** The patient's: released only where a consent permits it. */
  | { readonly as: 'record' }
  /** Describes no patient: released with whatever released resource refers to it. */
  | { readonly as: 'directory' }
  /** The patient's if these are: a Provenance of its targets, a Binary of what secures it. Keys. */
  | { readonly as: 'dependent'; readonly on: readonly string[] }
  | { readonly as: 'withheld'; readonly reason: WithheldReason }

/**
 * Types that describe who gave care, where, with what: no element of them says whose care it was (a Device has one, see
 * below). A Questionnaire is the blank form. Types about groups, studies, plans and money are not among them: each may
 * tell of one patient. Nor is what governs access (Consent, AuditEvent, Subscription): it tells who else is trusted.
 */
const DIRECTORY: ReadonlySet<string> = new Set([
  'Endpoint',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'OrganizationAffiliation',
  'Practitioner',
  'PractitionerRole',
  'Questionnaire',
  'Substance',
])

const withheld = (reason: WithheldReason): Placed => ({ as: 'withheld', reason })
const RECORD: Placed = { as: 'record' }

/** Places a resource that stands by itself. `isPatient` says of a Patient resource whether it is the one. */
export function placeResource(
  resource: JsonObject & { resourceType: string },
  { references, targets, contained }: Survey,
  known: KnownPatient,
  { place, isPatient }: { place: Place; isPatient: boolean },
): Placed {
  const host: Host = { resource, contained }
  for (const reference of references) {
    const whose = whoseReference(reference, known, place, host)
    if (whose === 'other') return withheld('other-patient')
    if (whose === 'malformed') return withheld('malformed')
  }
  for (const target of targets) {
    if (target.kind !== 'literal' || target.type !== 'Patient') continue
    if (!known.keys.has(keyOfTarget(target, place) ?? '')) return withheld('other-patient')
  }
  const whose = (value: unknown) => whoseReference(value, known, place, host)
  const type = resource.resourceType
  if (type === 'Patient') return isPatient ? RECORD : withheld('other-patient')
  if (type === 'OperationOutcome') return withheld('outcome-of-server')
  if (type === 'Provenance') return dependent(listOf(resource.target), whose, place)
  if (type === 'Binary') return dependent([resource.securityContext], whose, place)
  if (type === 'Device' && resource.patient !== undefined)
    return whose(resource.patient) === 'ours' ? RECORD : withheld('not-placed')
  if (type === 'Device' || DIRECTORY.has(type)) return { as: 'directory' }
  return byCompartment(resource, whose, false)
}

/** Places what is contained: where it names no patient of its own, it is about the host's. */
export function placeContained(
  resource: JsonObject & { resourceType: string },
  host: Host,
  known: KnownPatient,
  place: Place,
): Placed {
  const whose = (value: unknown) => whoseReference(value, known, place, host)
  const type = resource.resourceType
  if (type === 'Patient')
    return whoseIdentifiers(resource, known) === 'ours' ? RECORD : withheld('not-placed')
  if (type === 'Device' && resource.patient !== undefined)
    return whose(resource.patient) === 'ours' ? RECORD : withheld('not-placed')
  if (type === 'Device' || DIRECTORY.has(type)) return { as: 'directory' }
  return byCompartment(resource, whose, true)
}

type WhoseOf = (value: unknown) => ReturnType<typeof whoseReference>

/**
 * By the Patient compartment: whoever is the subject is the patient; where nobody is, somebody of those who take part
 * is. Nobody of whom it cannot be told whether it is another patient takes part.
 */
function byCompartment(
  resource: JsonObject & { resourceType: string },
  whose: WhoseOf,
  isContained: boolean,
): Placed {
  const values = compartmentValues(resource)
  if (!values) return withheld('not-placed')
  const subjects = values.subject.map(whose)
  const others = values.others.map(whose)
  if (subjects.includes('malformed') || others.includes('malformed')) return withheld('malformed')
  if (others.includes('unknown')) return withheld('not-placed')
  if (subjects.some((one) => one !== 'ours')) return withheld('not-placed')
  return subjects.length > 0 || others.includes('ours') || isContained ? RECORD : withheld('not-placed')
}

/** About the patient where all of these are, or are resources that turn out to be released. */
function dependent(values: readonly unknown[], whose: WhoseOf, place: Place): Placed {
  const on: string[] = []
  for (const value of values) {
    const found = whose(value)
    if (found === 'ours') continue
    if (found === 'malformed') return withheld(value === undefined ? 'not-placed' : 'malformed')
    const key = keyOfReferenced(value, place)
    if (key === undefined) return withheld('not-placed')
    on.push(key)
  }
  if (values.length === 0) return withheld('not-placed')
  return on.length > 0 ? { as: 'dependent', on } : RECORD
}

function keyOfReferenced(value: unknown, place: Place): string | undefined {
  const { reference } = value as { reference?: unknown }
  return typeof reference === 'string' ? keyOfTarget(readTarget(reference), place) : undefined
}
