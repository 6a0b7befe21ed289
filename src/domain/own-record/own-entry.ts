import { type DataClass, dataClassOf, isResourceType } from '../consent/data-classes.ts'
import { type Loose, list, object, text } from '../loose.ts'
import { allWordsOf, wordsOf } from './concepts.ts'

/** A resource as a hospital handed it to its patient. */
export type Resource = { readonly resourceType: string; readonly id: string } & Readonly<
  Record<string, unknown>
>

/** One line of a patient's own record: what it is, when it was, and who wrote it down. */
export type OwnEntry = {
  /** Place of its hospital in the list of hospitals, and `Type/id` there; serves within one page only. */
  readonly key: string
  /** Place of its hospital in the list of hospitals. */
  readonly source: number
  readonly resource: Resource
  readonly dataClass: DataClass
  /** In its source's own words; absent where it says nothing. */
  readonly title?: string
  /** FHIR date, dateTime or instant, as its source has it; absent where it has none. */
  readonly date?: string
  /** Lower case, for finding. */
  readonly words: string
}

/** Elements that say what a resource is about, by type; those of {@link COMMON} where none is named. */
const SUBJECTS: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: ['code'],
  CarePlan: ['title', 'category', 'description'],
  CareTeam: ['name', 'category', 'reasonCode', 'participant'],
  Device: ['deviceName', 'type'],
  DocumentReference: ['description', 'type', 'category'],
  Encounter: ['type', 'serviceType', 'reasonCode', 'class'],
  ImagingStudy: ['procedureCode', 'description', 'modality'],
  Immunization: ['vaccineCode'],
  MedicationAdministration: ['medicationCodeableConcept', 'medicationReference'],
  MedicationDispense: ['medicationCodeableConcept', 'medicationReference'],
  MedicationRequest: ['medicationCodeableConcept', 'medicationReference'],
  MedicationStatement: ['medicationCodeableConcept', 'medicationReference'],
}

const COMMON = ['code', 'type', 'title', 'name', 'category', 'description']

/** The first of these that is there says when it was. */
const DATES = [
  ...['onsetDateTime', 'effectiveDateTime', 'performedDateTime', 'occurrenceDateTime', 'timingDateTime'],
  ...['effectivePeriod', 'performedPeriod', 'onsetPeriod', 'period', 'started', 'timingPeriod'],
  ...[
    'authoredOn',
    'whenHandedOver',
    'date',
    'recordedDate',
    'dateAsserted',
    'issued',
    'recorded',
    'created',
  ],
  ...['start', 'manufactureDate', 'birthDate'],
]

/** Resources that say something only beside others. */
const SILENT = new Set(['Provenance', 'Medication', 'Binary', 'OperationOutcome'])

/** Whether a resource is a line of its own. */
export const isOwnLine = ({ resourceType }: Resource): boolean =>
  isResourceType(resourceType) && !SILENT.has(resourceType)

/**
 * @param resolve yields another resource of the same hospital by its reference
 * @throws WayleaveError `request-invalid` for what is no FHIR R4 resource
 */
export function ownEntry(
  source: number,
  resource: Resource,
  resolve: (reference: unknown) => Resource | undefined,
): OwnEntry {
  const title = titleOf(resource, resolve)
  const date = dateOf(resource)
  return {
    key: `${source}:${resource.resourceType}/${resource.id}`,
    source,
    resource,
    dataClass: dataClassOf(resource),
    ...(title === undefined ? {} : { title }),
    ...(date === undefined ? {} : { date }),
    words: [title, ...allWordsOf(resource.code), ...allWordsOf(resource.reasonCode)].join(' ').toLowerCase(),
  }
}

/** What it is about; of a reference, what that is about. */
export function titleOf(
  resource: Resource,
  resolve: (reference: unknown) => Resource | undefined,
): string | undefined {
  for (const name of SUBJECTS[resource.resourceType] ?? COMMON) {
    for (const subject of list(resource[name])) {
      const found = wordsOf(subject) ?? nameOf(object(subject)) ?? nameOfReferred(subject, resolve)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Of a HumanName, or of whatever else has a name. */
function nameOf({ name, prefix, given, family }: Loose): string | undefined {
  const whole = [...list(prefix), ...list(given), family].flatMap((part) => text(part) ?? [])
  return text(name) ?? (whole.length > 0 ? whole.join(' ') : undefined)
}

function nameOfReferred(subject: unknown, resolve: (reference: unknown) => Resource | undefined) {
  const referred = resolve(object(subject).reference)
  return referred ? wordsOf(referred.code) : undefined
}

/** The date that a reader would look for. */
export function dateOf(resource: Resource): string | undefined {
  for (const name of DATES) {
    const value = resource[name]
    const found = text(value) ?? text(object(value).start) ?? text(object(value).end)
    if (found !== undefined && isFhirDate(found)) return found
  }
  return undefined
}

/** FHIR R4 date, dateTime or instant, with a day that exists or without one (§2.24.0.1). */
export function isFhirDate(value: string): boolean {
  const parts = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?)?)?$/u.exec(value)
  return parts !== null && !Number.isNaN(Date.parse(value))
}
