import { list, object, text } from '../loose.ts'
import type { Resource } from './own-entry.ts'

/** Bytes that stand in a resource itself. What lies elsewhere is named by nothing but where it is. */
export type OwnAttachment = {
  contentType: string
  title?: string
  /** Base64, as it stands there; absent where the hospital keeps it elsewhere. */
  data?: string
}

/** Attachments of a DocumentReference, a DiagnosticReport, or Media. */
export function attachmentsOf(resource: Resource): OwnAttachment[] {
  const found = [
    ...list(resource.content).map((content) => object(content).attachment ?? content),
    ...list(resource.presentedForm),
  ]
  return found.map(object).flatMap(({ contentType, title, data, url }) => {
    const bytes = text(data)
    if (bytes === undefined && text(url) === undefined) return []
    return [
      {
        contentType: text(contentType) ?? 'application/octet-stream',
        ...(text(title) ? { title: text(title) ?? '' } : {}),
        ...(bytes === undefined ? {} : { data: bytes }),
      },
    ]
  })
}

/** Whether the page itself can show it. Markup is shown as text, or not at all: it is a stranger's. */
export const isPlainText = ({ contentType }: OwnAttachment): boolean => /^text\/plain\b/iu.test(contentType)

/** The bytes; nothing where it is no Base64. */
export function bytesOf({ data }: OwnAttachment): Uint8Array<ArrayBuffer> | undefined {
  if (data === undefined) return undefined
  try {
    return Uint8Array.from(atob(data.replace(/\s+/gu, '')), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** The text; nothing where its bytes are no UTF-8. */
export function textIn(attachment: OwnAttachment): string | undefined {
  const bytes = bytesOf(attachment)
  if (!bytes) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
