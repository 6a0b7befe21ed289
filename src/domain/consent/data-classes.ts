/**
 * The kinds of data that a patient can share or keep back: every FHIR R4 resource type is in exactly one class, by
 * type alone, so that neither patient, custodian nor grantee ever has to look inside a record to know its class.
 *
 * The numbers of classes stand inside sealed pointers (design §5), where they can never be changed. Append only:
 * never renumber, never reuse. What a class means to a patient who consented to it must not widen either, so a
 * resource type never moves from one class to another.
 */
import { wayleaveError } from '../errors.ts'
import { isResourceType, RESOURCE_TYPES, type ResourceType } from './resource-types.ts'

export const DATA_CLASSES = {
  problems: { number: 1, label: 'Problems and diagnoses' },
  allergies: { number: 2, label: 'Allergies and adverse reactions' },
  medications: { number: 3, label: 'Medicines' },
  immunizations: { number: 4, label: 'Vaccinations' },
  observations: { number: 5, label: 'Measurements and observations' },
  laboratory: { number: 6, label: 'Laboratory and diagnostic reports' },
  imaging: { number: 7, label: 'Images and imaging studies' },
  procedures: { number: 8, label: 'Procedures and orders' },
  encounters: { number: 9, label: 'Visits and admissions' },
  documents: { number: 10, label: 'Documents, letters and messages' },
  'care-plans': { number: 11, label: 'Care plans, care teams and goals' },
  'family-history': { number: 12, label: 'Family history' },
  devices: { number: 13, label: 'Devices, aids and supplies' },
  appointments: { number: 14, label: 'Appointments' },
  billing: { number: 15, label: 'Insurance and billing' },
  questionnaires: { number: 16, label: 'Questionnaires and answers' },
  research: { number: 17, label: 'Research and quality reports' },
  administrative: { number: 18, label: 'Personal and administrative details' },
  knowledge: { number: 19, label: 'Definitions and catalogues, about no patient' },
} as const satisfies Record<string, { number: number; label: string }>

export type DataClass = keyof typeof DATA_CLASSES

/** What nobody needs for care: left out of a grant that names no kinds of data. */
const NOT_FOR_CARE: ReadonlySet<string> = new Set(['billing', 'research', 'administrative', 'knowledge'])

/** What is offered first to a patient who shares for care. */
export const CARE_CLASSES = (Object.keys(DATA_CLASSES) as DataClass[]).filter((c) => !NOT_FOR_CARE.has(c))

const CLASS_OF_NUMBER: ReadonlyMap<number, DataClass> = new Map(
  Object.entries(DATA_CLASSES).map(([code, { number }]) => [number, code as DataClass]),
)

export const isDataClass = (value: unknown): value is DataClass =>
  typeof value === 'string' && Object.hasOwn(DATA_CLASSES, value)

/**
 * The class of a resource, by its type.
 * @throws WayleaveError `request-invalid` when `resourceType` is not an R4 resource type
 */
export function dataClassOf(resource: { readonly resourceType: string }): DataClass {
  const { resourceType } = resource
  if (!isResourceType(resourceType)) throw wayleaveError('request-invalid', 'not an R4 resource type')
  return RESOURCE_TYPES[resourceType][1]
}

/** The number of a class in sealed pointers, 1 to 255. */
export const dataClassNumber = (dataClass: DataClass): number => DATA_CLASSES[dataClass].number

/** The class that a number stands for; undefined for a number that this version does not know. */
export const dataClassOfNumber = (number: number): DataClass | undefined => CLASS_OF_NUMBER.get(number)

/** The resource types of a class, in alphabetical order. */
export const resourceTypesOf = (dataClass: DataClass): ResourceType[] =>
  (Object.keys(RESOURCE_TYPES) as ResourceType[]).filter((type) => RESOURCE_TYPES[type][1] === dataClass)

export type { ResourceType } from './resource-types.ts'
export { isResourceType, resourceTypeNumber, resourceTypeOf } from './resource-types.ts'
