import { isObject, type JsonObject } from '../consent/fhir/read.ts'

type Add = (path: string, reason: string) => void

/** The items of an element that may repeat; whatever is no array is none. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''
const isIdentifier = (value: unknown): boolean =>
  isObject(value) && isText(value.system) && isText(value.value)
const isConcept = (value: unknown): boolean =>
  isObject(value) &&
  (isText(value.text) || listOf(value.coding).some((coding) => isObject(coding) && isText(coding.code)))

const EXTENSION = 'https://profiles.ihe.net/ITI/MHD/StructureDefinition/'

/** What MHD 4.2 requires of a SubmissionSet or a Folder (IHE.MHD.Minimal and Comprehensive). */
export function problemsOfList(
  resource: JsonObject,
  { isSubmission, comprehensive }: { isSubmission: boolean; comprehensive: boolean },
  path: string,
  add: Add,
): void {
  const required = (name: string, holds: boolean, reason = 'MHD requires it.') => {
    if (!holds) add(`${path}.${name}`, reason)
  }
  required('status', resource.status === 'current', 'MHD requires current.')
  required('mode', resource.mode === 'working', 'MHD requires working.')
  required('identifier', listOf(resource.identifier).some(isIdentifier))
  required('date', isText(resource.date))
  if (!isSubmission) return
  const extension = (name: string) =>
    listOf(resource.extension).find((one) => isObject(one) && one.url === `${EXTENSION}${name}`)
  const sourceId = extension('ihe-sourceId')
  required(
    'extension',
    isObject(sourceId) && isObject(sourceId.valueIdentifier) && isText(sourceId.valueIdentifier.value),
    'MHD requires ihe-sourceId.',
  )
  if (!comprehensive) return
  required('extension', extension('ihe-designationType') !== undefined, 'MHD requires ihe-designationType.')
  required('subject', isObject(resource.subject))
}

/**
 * What MHD 4.2 requires of a DocumentReference (IHE.MHD.Minimal, Comprehensive and SimplifiedPublish), and a subject, without
 * which it would be nobody's record.
 */
export function problemsOfDocument(
  resource: JsonObject,
  { comprehensive, isSimplified }: { comprehensive: boolean; isSimplified: boolean },
  path: string,
  add: Add,
): void {
  const required = (name: string, holds: boolean, reason = 'MHD requires it.') => {
    if (!holds) add(`${path}.${name}`, reason)
  }
  const [content, ...others] = listOf(resource.content)
  const { attachment } = isObject(content) ? content : {}
  const file = isObject(attachment) ? attachment : {}
  required('modifierExtension', resource.modifierExtension === undefined, 'MHD allows none.')
  required('docStatus', resource.docStatus === undefined, 'MHD allows none.')
  required('masterIdentifier', isIdentifier(resource.masterIdentifier), 'MHD requires system and value.')
  required('status', resource.status === 'current', 'What is pushed is current.')
  required('subject', isObject(resource.subject))
  required('content', content !== undefined && others.length === 0, 'MHD requires exactly one.')
  required('content.attachment.contentType', isText(file.contentType))
  if (isSimplified) {
    required('content.attachment.data', isText(file.data))
    required('content.attachment.url', file.url === undefined, 'MHD allows none beside data.')
  } else {
    required('content.attachment.url', isText(file.url))
    required('content.attachment.data', file.data === undefined, 'MHD allows none beside a Binary.')
  }
  if (!comprehensive) return
  const context = isObject(resource.context) ? resource.context : {}
  required('type', isConcept(resource.type))
  required('category', listOf(resource.category).filter(isConcept).length === 1, 'MHD requires exactly one.')
  required('securityLabel', listOf(resource.securityLabel).some(isConcept))
  required('content.attachment.language', isText(file.language))
  required('content.attachment.creation', isText(file.creation))
  required('content.format', isObject(content) && isObject(content.format) && isText(content.format.code))
  required('context.facilityType', isConcept(context.facilityType))
  required('context.practiceSetting', isConcept(context.practiceSetting))
  required('context.sourcePatientInfo', isObject(context.sourcePatientInfo))
}
