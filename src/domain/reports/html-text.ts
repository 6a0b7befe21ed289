import { harmless } from './harmless.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A text for element content or a quoted attribute of HTML: no markup, and nothing in it acts on whoever reads. */
export const htmlText = (text: string): string =>
  harmless(text).replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '')
