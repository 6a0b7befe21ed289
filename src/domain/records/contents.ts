/**
 * What a record has outside of itself: attachments whose `url` names a Binary of the same server (R4 §2.1.28.0, Attachment),
 * such as a scan or a series of images, of any size. They are committed to with the record, and go where it goes.
 */
import { isObject } from '../consent/fhir/read.ts'
import { type Hex, isHex } from '../hex.ts'
import { isResourceId } from './resource-id.ts'
import { parseStrictJson } from './strict-json.ts'

/** One content of a record, as the commitment covers it. */
export type Content = {
  /** `Attachment.url` as it stands in the record. */
  url: string
  contentType: string
  /** Bytes. */
  size: number
  sha256: Hex
}

/** Which Binary an attachment means, and which version of it where it says so. */
export type ContentLink = { url: string; contentType: string; id: string; versionId?: string }

/** A record with more than these is registered without the rest, which nobody elsewhere can then have. */
const MAX_CONTENTS = 16

/** RFC 9110's media types, without parameters that would not survive a header. */
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]{1,60}\/[A-Za-z0-9!#$&^_.+-]{1,60}$/
/** A server answers these with the resource, not with what is in it (R4 §3.1.0.1.11). */
const RESOURCE_TYPES = /\b(json|xml|turtle)$/

/**
 * The attachments of a record that name a Binary of its own server, in the order in which they stand in it.
 * @param base the server's base, without a trailing slash
 */
export function contentLinksOf(resource: Record<string, unknown>, base: string): ContentLink[] {
  const links = new Map<string, ContentLink>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item)
    if (!isObject(value)) return
    const link = readLink(value, base)
    if (link && links.size < MAX_CONTENTS) links.set(link.url, link)
    for (const item of Object.values(value)) visit(item)
  }
  visit(resource)
  return [...links.values()]
}

function readLink({ url, contentType }: Record<string, unknown>, base: string): ContentLink | undefined {
  if (typeof url !== 'string' || url.length > 512) return undefined
  const local = url.startsWith(`${base}/`) ? url.slice(base.length + 1) : url
  const found = /^Binary\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/.exec(local)
  const [, id, versionId] = found ?? []
  const type = typeof contentType === 'string' ? contentType : 'application/octet-stream'
  if (!id || !isResourceId(id) || (versionId !== undefined && !isResourceId(versionId))) return undefined
  if (!MEDIA_TYPE.test(type) || RESOURCE_TYPES.test(type)) return undefined
  return { url, contentType: type, id, ...(versionId ? { versionId } : {}) }
}

/** Reads a list of contents as another member sent it; undefined where it is none. */
export function readContents(text: string): Content[] | undefined {
  if (text === '') return []
  try {
    const list = parseStrictJson(Buffer.from(text, 'base64url'))
    if (!Array.isArray(list) || list.length > MAX_CONTENTS || !list.every(isContent)) return undefined
    return list.map(({ url, contentType, size, sha256 }) => ({ url, contentType, size, sha256 }))
  } catch {
    return undefined
  }
}

const isContent = (x: unknown): x is Content =>
  isObject(x) &&
  typeof x.url === 'string' &&
  x.url.length <= 512 &&
  typeof x.contentType === 'string' &&
  MEDIA_TYPE.test(x.contentType) &&
  Number.isSafeInteger(x.size) &&
  Number(x.size) >= 0 &&
  isHex(x.sha256, 32)

/** The form that {@link readContents} reads: base64url of JSON, for a header. */
export const writeContents = (contents: readonly Content[]): string =>
  contents.length === 0 ? '' : Buffer.from(JSON.stringify(contents)).toString('base64url')
