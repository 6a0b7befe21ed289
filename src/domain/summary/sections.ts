import { codesAt, codingsOf, dateOf, type Resource, titleOf } from './words-of.ts'

/**
 * The sections of an International Patient Summary (HL7 IPS, Composition-uv-ips) as far as records of the Patient
 * compartment fill them, and which records belong into each. Chosen by coded status only; nothing is inferred.
 */
export type Section = {
  readonly title: string
  /** LOINC. */
  readonly code: string
  readonly display: string
  /** Is there in every summary, empty or not. */
  readonly required?: boolean
  takes(resource: Resource): boolean
  /** Of each kind of measurement the newest alone. */
  readonly newestOfEach?: boolean
}

const isType =
  (...types: string[]) =>
  ({ resourceType }: Resource) =>
    types.includes(resourceType)
const has = (resource: Resource, name: string, ...codes: string[]) =>
  codesAt(resource, name).some((code) => codes.includes(code))
/** A status that is not stated rules nothing out. */
const isOr = (resource: Resource, name: string, ...codes: string[]) =>
  codesAt(resource, name).length === 0 || has(resource, name, ...codes)

const isPast = (resource: Resource) => has(resource, 'clinicalStatus', 'resolved', 'inactive', 'remission')
const isMedicine = isType('MedicationStatement', 'MedicationRequest')

export const SECTIONS: readonly Section[] = [
  {
    title: 'Medication Summary',
    code: '10160-0',
    display: 'History of Medication use Narrative',
    required: true,
    takes: (r) => isMedicine(r) && isOr(r, 'status', 'active', 'on-hold', 'intended', 'unknown'),
  },
  {
    title: 'Allergies and Intolerances',
    code: '48765-2',
    display: 'Allergies and adverse reactions Document',
    required: true,
    takes: isType('AllergyIntolerance'),
  },
  {
    title: 'Problem List',
    code: '11450-4',
    display: 'Problem list - Reported',
    required: true,
    takes: (r) => r.resourceType === 'Condition' && !isPast(r),
  },
  {
    title: 'History of Procedures',
    code: '47519-4',
    display: 'History of Procedures Document',
    takes: (r) => r.resourceType === 'Procedure' && isOr(r, 'status', 'completed', 'in-progress', 'unknown'),
  },
  {
    title: 'Immunizations',
    code: '11369-6',
    display: 'History of Immunization Narrative',
    takes: (r) => r.resourceType === 'Immunization' && isOr(r, 'status', 'completed'),
  },
  {
    title: 'Medical Devices',
    code: '46264-8',
    display: 'History of medical device use',
    takes: (r) => r.resourceType === 'DeviceUseStatement',
  },
  {
    title: 'Diagnostic Results',
    code: '30954-2',
    display: 'Relevant diagnostic tests/laboratory data Narrative',
    newestOfEach: true,
    takes: (r) =>
      r.resourceType === 'DiagnosticReport' ||
      (r.resourceType === 'Observation' && has(r, 'category', 'laboratory', 'imaging')),
  },
  {
    title: 'Vital Signs',
    code: '8716-3',
    display: 'Vital signs',
    newestOfEach: true,
    takes: (r) => r.resourceType === 'Observation' && has(r, 'category', 'vital-signs'),
  },
  {
    title: 'History of Past Illness',
    code: '11348-0',
    display: 'History of Past illness Narrative',
    takes: (r) => r.resourceType === 'Condition' && isPast(r),
  },
  {
    title: 'Plan of Care',
    code: '18776-5',
    display: 'Plan of care note',
    takes: (r) => r.resourceType === 'CarePlan' && isOr(r, 'status', 'active', 'on-hold'),
  },
  {
    title: 'Social History',
    code: '29762-2',
    display: 'Social history Narrative',
    newestOfEach: true,
    takes: (r) => r.resourceType === 'Observation' && has(r, 'category', 'social-history'),
  },
  {
    title: 'Alerts',
    code: '104605-1',
    display: 'Alert',
    takes: (r) => r.resourceType === 'Flag' && isOr(r, 'status', 'active'),
  },
]

/** Types that any section takes: what a summary has to open. */
export const SUMMARY_TYPES: ReadonlySet<string> = new Set([
  ...['MedicationStatement', 'MedicationRequest', 'AllergyIntolerance', 'Condition', 'Procedure'],
  ...['Immunization', 'DeviceUseStatement', 'DiagnosticReport', 'Observation', 'CarePlan', 'Flag'],
])

/** What its source has taken back, or says is not so. */
const isVoid = (resource: Resource): boolean =>
  has(resource, 'status', 'entered-in-error', 'cancelled', 'not-done', 'not-taken') ||
  has(resource, 'verificationStatus', 'entered-in-error', 'refuted')

/** Statements that there is nothing: IPS 1.1's own codes, SNOMED CT's situations, and the words of those without codes. */
const ABSENT_SYSTEM = 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips'
const ABSENT_SNOMED: ReadonlySet<string> = new Set([
  ...['716186003', '409137002', '428607008', '429625007', '716184000', '160244002', '160245001', '787480003'],
])
const ABSENT_WORDS = /^(?:no known\b|none known\b|nil known\b|no information\b|no current\b|nkd?a$|none$)/i

const isAbsence = (resource: Resource): boolean =>
  codingsOf(resource).some(
    ({ system, code }) =>
      system === ABSENT_SYSTEM || (system === 'http://snomed.info/sct' && ABSENT_SNOMED.has(code)),
  ) || ABSENT_WORDS.test(titleOf(resource))

/** The records of a section, newest first; and statements that there is nothing, which are no records of anything. */
export function sort<T extends { readonly resource: Resource }>(
  section: Section,
  records: readonly T[],
): { entries: T[]; absences: T[] } {
  const taken = records
    .filter(({ resource }) => !isVoid(resource) && section.takes(resource))
    .sort((a, b) => compare(dateOf(b.resource), dateOf(a.resource)))
  const absences = taken.filter(({ resource }) => isAbsence(resource))
  const found = taken.filter(({ resource }) => !isAbsence(resource))
  return { entries: section.newestOfEach ? newestOfEach(found) : found, absences }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function newestOfEach<T extends { readonly resource: Resource }>(newestFirst: readonly T[]): T[] {
  const seen = new Set<string>()
  return newestFirst.filter(({ resource }) => {
    const [coding] = codingsOf(resource)
    const kind = `${resource.resourceType} ${coding ? `${coding.system ?? ''}|${coding.code}` : titleOf(resource)}`
    if (seen.has(kind)) return false
    seen.add(kind)
    return true
  })
}
