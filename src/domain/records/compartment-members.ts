/**
 * Which resources are records, and whose they are: the Patient compartment of FHIR R4
 * (http://hl7.org/fhir/R4/compartmentdefinition-patient.html), without Patient, Provenance, Consent, AuditEvent and
 * Subscription. Each search parameter of the definition is written here as the elements that it reads.
 */

/** The resource's subject first; where that names no patient, the other ways into the compartment. */
type Membership = { readonly subject: readonly string[]; readonly others: readonly string[] }

const by = (subject: string, ...others: string[]): Membership => ({ subject: [subject], others })

/** Nobody in particular is the subject: such a resource has an owner only if it names exactly one patient. */
const amongst = (...others: string[]): Membership => ({ subject: [], others })

// biome-ignore format: one type a line reads as a table
const MEMBERS = {
  Account: by('subject'),
  AdverseEvent: by('subject'),
  AllergyIntolerance: by('patient', 'recorder', 'asserter'),
  Appointment: amongst('participant.actor'),
  AppointmentResponse: amongst('actor'),
  Basic: by('subject', 'author'),
  BodyStructure: by('patient'),
  CarePlan: by('subject', 'activity.detail.performer'),
  CareTeam: by('subject', 'participant.member'),
  ChargeItem: by('subject'),
  Claim: by('patient', 'payee.party'),
  ClaimResponse: by('patient'),
  ClinicalImpression: by('subject'),
  Communication: by('subject', 'sender', 'recipient'),
  CommunicationRequest: by('subject', 'sender', 'recipient', 'requester'),
  Composition: by('subject', 'author', 'attester.party'),
  Condition: by('subject', 'asserter'),
  Coverage: by('beneficiary', 'policyHolder', 'subscriber', 'payor'),
  CoverageEligibilityRequest: by('patient'),
  CoverageEligibilityResponse: by('patient'),
  DetectedIssue: by('patient'),
  DeviceRequest: by('subject', 'performer'),
  DeviceUseStatement: by('subject'),
  DiagnosticReport: by('subject'),
  DocumentManifest: by('subject', 'author', 'recipient'),
  DocumentReference: by('subject', 'author'),
  Encounter: by('subject'),
  EnrollmentRequest: by('candidate'),
  EpisodeOfCare: by('patient'),
  ExplanationOfBenefit: by('patient', 'payee.party'),
  FamilyMemberHistory: by('patient'),
  Flag: by('subject'),
  Goal: by('subject'),
  Group: amongst('member.entity'),
  ImagingStudy: by('subject'),
  Immunization: by('patient'),
  ImmunizationEvaluation: by('patient'),
  ImmunizationRecommendation: by('patient'),
  Invoice: by('subject', 'recipient'),
  List: by('subject', 'source'),
  MeasureReport: by('subject'),
  Media: by('subject'),
  MedicationAdministration: by('subject', 'performer.actor'),
  MedicationDispense: by('subject', 'receiver'),
  MedicationRequest: by('subject'),
  MedicationStatement: by('subject'),
  MolecularSequence: by('patient'),
  NutritionOrder: by('patient'),
  Observation: by('subject', 'performer'),
  Person: amongst('link.target'),
  Procedure: by('subject', 'performer.actor'),
  QuestionnaireResponse: by('subject', 'author'),
  RelatedPerson: by('patient'),
  RequestGroup: by('subject', 'action.participant'),
  ResearchSubject: by('individual'),
  RiskAssessment: by('subject'),
  Schedule: amongst('actor'),
  ServiceRequest: by('subject', 'performer'),
  Specimen: by('subject'),
  SupplyDelivery: by('patient'),
  SupplyRequest: by('deliverTo'),
  Task: by('for', 'focus'),
  VisionPrescription: by('patient'),
} as const satisfies Record<string, Membership>

export type RecordType = keyof typeof MEMBERS

type Path = readonly string[]
type Paths = { readonly subject: readonly Path[]; readonly others: readonly Path[] }

const split = (paths: readonly string[]): Path[] => paths.map((path) => path.split('.'))

const PATHS = Object.fromEntries(
  Object.entries(MEMBERS).map(([type, { subject, others }]: [string, Membership]) => [
    type,
    { subject: split(subject), others: split(others) },
  ]),
) as unknown as Record<RecordType, Paths>

/** The resource types that can be records, in alphabetical order. */
export const RECORD_TYPES = Object.keys(MEMBERS) as readonly RecordType[]

export const isRecordType = (type: unknown): type is RecordType =>
  typeof type === 'string' && Object.hasOwn(MEMBERS, type)

/**
 * The logical id of the Patient that a record belongs to; undefined when the type is no record type, when it names no
 * patient by literal reference, or when several patients have the same claim to it (a Group, an appointment of two),
 * since such a resource cannot be released on one patient's consent.
 *
 * @param base the FHIR base of the server that holds the resource, without a trailing slash. An absolute reference
 *   counts only under this base: `Patient/7` of another server is another person.
 */
export function patientOf(resource: { readonly resourceType: string }, base?: string): string | undefined {
  if (!isRecordType(resource.resourceType)) return undefined
  const { subject, others } = PATHS[resource.resourceType]
  const subjects = patientsAt(resource, subject, base)
  const patients = subjects.size > 0 ? subjects : patientsAt(resource, others, base)
  if (patients.size !== 1) return undefined
  return [...patients][0]
}

/**
 * What stands where a record names its subject, and where else it may name a patient: References, and whatever a
 * malformed resource has in their place. Undefined where the type is no record type.
 */
export function compartmentValues(resource: {
  readonly resourceType: string
}): { subject: unknown[]; others: unknown[] } | undefined {
  if (!isRecordType(resource.resourceType)) return undefined
  const { subject, others } = PATHS[resource.resourceType]
  const at = (paths: readonly Path[]) => paths.flatMap((path) => valuesAt(resource, path))
  return { subject: at(subject), others: at(others) }
}

function patientsAt(resource: object, paths: readonly Path[], base: string | undefined): Set<string> {
  const ids = new Set<string>()
  for (const path of paths) {
    for (const value of valuesAt(resource, path)) {
      const id = patientIdOf(value, base)
      if (id !== undefined) ids.add(id)
    }
  }
  return ids
}

/** What stands at a path, arrays flattened at every step. */
function valuesAt(value: unknown, path: Path): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path))
  const [key, ...rest] = path
  if (key === undefined) return [value]
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return []
  return valuesAt((value as Record<string, unknown>)[key], rest)
}

const LITERAL =
  /^(?:(?<base>https?:\/\/.+)\/)?Patient\/(?<id>[A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

function patientIdOf(value: unknown, base: string | undefined): string | undefined {
  if (value === null || typeof value !== 'object' || !('reference' in value)) return undefined
  if (typeof value.reference !== 'string') return undefined
  const groups = LITERAL.exec(value.reference)?.groups
  if (groups?.base !== undefined && groups.base !== base) return undefined
  return groups?.id
}
