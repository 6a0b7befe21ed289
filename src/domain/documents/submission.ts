import { isObject, type JsonObject } from '../consent/fhir/read.ts'
import type { Problem } from '../errors.ts'
import { listOf, problemsOfDocument, problemsOfList } from './required-elements.ts'

export type Entry = { index: number; fullUrl: string; resource: JsonObject & { resourceType: string } }

/** What a Document Source pushes in one transaction (IHE MHD, ITI-65). `Patient` is the patient as the source knows it. */
export type Submission = {
  lists: Entry[]
  documents: Entry[]
  binaries: Entry[]
  patient?: Entry
  /** How many entries there are; each of them is answered. */
  size: number
}

const MHD = 'https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.'
const LIST_TYPES = 'https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes'
const TYPES = new Set(['List', 'DocumentReference', 'Binary', 'Patient'])
const URN = /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** Documents and folders of one submission. */
const MOST_ENTRIES = 100

/** Profiles of MHD that a resource claims, without what stands before the name and behind it. */
export const mhdProfilesOf = (resource: JsonObject): string[] =>
  listOf(isObject(resource.meta) ? resource.meta.profile : undefined).flatMap((profile) =>
    typeof profile === 'string' && profile.startsWith(MHD)
      ? [profile.slice(MHD.length).split('|')[0] ?? '']
      : [],
  )

/**
 * Reads a Provide Document Bundle against what MHD 4.2 requires of it: Minimal metadata, or Comprehensive where the Bundle
 * claims it. Nothing is said of the documents themselves, nor of whose they are.
 */
export function readSubmission(body: unknown): { submission: Submission } | { problems: Problem[] } {
  const problems: Problem[] = []
  const add = (path: string, reason: string) => void problems.push({ path, reason })
  if (!isObject(body) || body.resourceType !== 'Bundle' || body.type !== 'transaction')
    return { problems: [{ path: 'Bundle', reason: 'A Bundle of type transaction is pushed.' }] }
  const claimed = mhdProfilesOf(body).filter((name) => name.endsWith('ProvideBundle'))
  if (claimed.length === 0) add('Bundle.meta.profile', 'The profile of a ProvideBundle of MHD is required.')
  const comprehensive = claimed.some((name) => name.includes('Comprehensive'))
  const raw = listOf(body.entry)
  if (raw.length > MOST_ENTRIES)
    return { problems: [{ path: 'Bundle.entry', reason: `At most ${MOST_ENTRIES} entries are taken.` }] }
  const entries = raw.flatMap((entry, index) => readEntry(entry, index, add))
  const seen = new Set<string>()
  for (const { fullUrl, index } of entries) {
    if (seen.has(fullUrl)) add(`Bundle.entry[${index}].fullUrl`, 'It stands twice.')
    seen.add(fullUrl)
  }
  const ofType = (type: string) => entries.filter(({ resource }) => resource.resourceType === type)
  const [patient, ...patients] = ofType('Patient')
  if (patients.length > 0) add('Bundle.entry', 'At most one Patient is taken.')
  const submission: Submission = {
    lists: ofType('List'),
    documents: ofType('DocumentReference'),
    binaries: ofType('Binary'),
    ...(patient ? { patient } : {}),
    size: raw.length,
  }
  const path = ({ index }: Entry) => `Bundle.entry[${index}].resource`
  const submissionSets = submission.lists.filter(({ resource }) => listTypeOf(resource) === 'submissionset')
  if (submissionSets.length !== 1) add('Bundle.entry', 'Exactly one SubmissionSet is required.')
  for (const entry of submission.lists) {
    const type = listTypeOf(entry.resource)
    if (type === undefined) add(`${path(entry)}.code`, 'A List is a submissionset or a folder.')
    problemsOfList(
      entry.resource,
      { isSubmission: type === 'submissionset', comprehensive },
      path(entry),
      add,
    )
  }
  for (const entry of submission.documents)
    problemsOfDocument(entry.resource, { comprehensive, isSimplified: false }, path(entry), add)
  problemsOfReferences(submission, submissionSets, add)
  return problems.length > 0 ? { problems } : { submission }
}

type Add = (path: string, reason: string) => void

function readEntry(entry: unknown, index: number, add: Add): Entry[] {
  const at = `Bundle.entry[${index}]`
  const { fullUrl, resource, request } = isObject(entry) ? entry : {}
  const type = isObject(resource) ? resource.resourceType : undefined
  if (!isObject(resource) || typeof type !== 'string' || !TYPES.has(type)) {
    add(`${at}.resource`, 'Lists, DocumentReferences, Binaries and one Patient are taken.')
    return []
  }
  if (typeof fullUrl !== 'string' || !URN.test(fullUrl)) {
    add(`${at}.fullUrl`, 'A urn:uuid is required.')
    return []
  }
  // What is known of a Patient is for the hospital's own registry; it is read here, and not written.
  const { method, url } = isObject(request) ? request : {}
  if (type !== 'Patient' && (method !== 'POST' || url !== type))
    add(`${at}.request`, `POST ${type} is taken, and nothing else.`)
  return [{ index, fullUrl, resource: { ...resource, resourceType: type } }]
}

function listTypeOf(resource: JsonObject): 'submissionset' | 'folder' | undefined {
  const codings = listOf(isObject(resource.code) ? resource.code.coding : undefined)
  const [code] = codings.flatMap((coding) =>
    isObject(coding) && coding.system === LIST_TYPES ? [coding.code] : [],
  )
  return code === 'submissionset' || code === 'folder' ? code : undefined
}

/** Whatever refers to something of the transaction must find it there, and every document is in the submission. */
function problemsOfReferences({ lists, documents, binaries, patient }: Submission, sets: Entry[], add: Add) {
  const known = new Set([...lists, ...documents, ...(patient ? [patient] : [])].map(({ fullUrl }) => fullUrl))
  for (const { index, resource } of [...lists, ...documents])
    for (const reference of referencesIn(resource))
      if (reference.startsWith('urn:') && !known.has(reference))
        add(`Bundle.entry[${index}].resource`, 'It refers to something that is not in the Bundle.')
  const submitted = new Set(sets.flatMap(({ resource }) => [...referencesIn(resource.entry)]))
  for (const { index, fullUrl } of documents)
    if (!submitted.has(fullUrl)) add(`Bundle.entry[${index}]`, 'The SubmissionSet does not name it.')
  const urls = documents.map(({ resource }) => attachmentOf(resource).url)
  for (const { index, fullUrl } of binaries)
    if (!urls.includes(fullUrl)) add(`Bundle.entry[${index}]`, 'No DocumentReference names this Binary.')
}

/** Every string under the name `reference`, wherever it stands. */
export function referencesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) referencesIn(item, found)
  else if (isObject(value))
    for (const [name, item] of Object.entries(value))
      if (name === 'reference' && typeof item === 'string') found.add(item)
      else referencesIn(item, found)
  return found
}

/** The attachment of the one content that a DocumentReference of MHD has. */
export function attachmentOf(resource: JsonObject): JsonObject {
  const [content] = listOf(resource.content)
  return isObject(content) && isObject(content.attachment) ? content.attachment : {}
}
