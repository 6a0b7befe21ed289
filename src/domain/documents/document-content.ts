import { createHash } from 'node:crypto'
import { isObject, type JsonObject } from '../consent/fhir/read.ts'
import type { Problem } from '../errors.ts'
import { listOf } from './required-elements.ts'
import { attachmentOf, type Entry, mhdProfilesOf } from './submission.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** `base64Binary` of FHIR R4, white space allowed; undefined for what is none, and for nothing at all. */
function bytesOf(data: unknown): Buffer | undefined {
  if (typeof data !== 'string') return undefined
  const text = data.replace(/\s+/g, '')
  return text !== '' && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

/** `Attachment.hash` of FHIR R4: SHA-1, in base64. */
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('base64')

const bare = (contentType: unknown) => String(contentType).split(';')[0]?.trim().toLowerCase()

/**
 * Holds what a DocumentReference says of its document against the document: content type, size and hash (R4
 * `Attachment.size` in bytes, `Attachment.hash` SHA-1).
 */
export function problemsOfContent(
  document: JsonObject,
  source: { contentType: unknown; data: unknown },
  path: string,
): Problem[] {
  const { contentType, size, hash } = attachmentOf(document)
  const at = `${path}.content.attachment`
  const bytes = bytesOf(source.data)
  if (!bytes) return [{ path: at, reason: 'The document is not base64, or is empty.' }]
  return [
    ...(bare(contentType) === bare(source.contentType)
      ? []
      : [{ path: `${at}.contentType`, reason: 'The Binary is of another type.' }]),
    ...(size === undefined || size === bytes.length
      ? []
      : [{ path: `${at}.size`, reason: 'The document has another size.' }]),
    ...(hash === undefined || hash === sha1(bytes)
      ? []
      : [{ path: `${at}.hash`, reason: 'The document has another hash (SHA-1, base64).' }]),
  ]
}

/** The same for a whole submission. */
export function problemsOfContents(documents: readonly Entry[], binaries: readonly Entry[]): Problem[] {
  const byUrl = new Map(binaries.map(({ fullUrl, resource }) => [fullUrl, resource] as const))
  return documents.flatMap(({ index, resource }) => {
    const path = `Bundle.entry[${index}].resource`
    const binary = byUrl.get(String(attachmentOf(resource).url))
    if (!binary)
      return [{ path: `${path}.content.attachment.url`, reason: 'It names no Binary of the Bundle.' }]
    return problemsOfContent(resource, { contentType: binary.contentType, data: binary.data }, path)
  })
}

/**
 * The DocumentReference as it is stored: the document is within it, since a record is released whole or not at all and a Binary is
 * nobody's by itself; size and hash are there; its security labels are those of the resource, by which it is labelled; and it claims no
 * profile that wants the document elsewhere.
 * @param patient the literal reference to its subject
 */
export function storedDocument(
  document: JsonObject & { resourceType: string },
  data: unknown,
  patient: string,
): JsonObject & { resourceType: string } {
  const bytes = bytesOf(data) ?? Buffer.alloc(0)
  const { url: _elsewhere, ...attachment } = attachmentOf(document)
  const [content] = listOf(document.content)
  const { id: _theirs, meta, ...rest } = document
  const claimed = isObject(meta) ? meta : {}
  const kept = listOf(claimed.profile).filter(
    (one) => mhdProfilesOf({ meta: { profile: [one] } }).length === 0,
  )
  const labels = [
    ...listOf(claimed.security),
    ...listOf(document.securityLabel).flatMap((concept) => (isObject(concept) ? listOf(concept.coding) : [])),
  ]
  const stored: Record<string, unknown> = {}
  if (kept.length > 0) stored.profile = kept
  if (labels.length > 0) stored.security = labels
  if (listOf(claimed.tag).length > 0) stored.tag = claimed.tag
  return {
    ...rest,
    ...(Object.keys(stored).length > 0 ? { meta: stored } : {}),
    subject: withReference(document.subject, patient),
    content: [
      {
        ...(isObject(content) ? content : {}),
        attachment: {
          ...attachment,
          data: bytes.toString('base64'),
          size: bytes.length,
          hash: sha1(bytes),
        },
      },
    ],
  }
}

/** Names the patient as this hospital does, whatever other names stand there. */
export const withReference = (subject: unknown, reference: string): JsonObject => ({
  ...(isObject(subject) ? subject : {}),
  reference,
})
