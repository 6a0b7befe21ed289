// The build for browsers: the portal writes such files on the patient's device.
import { stringify } from 'csv-stringify/browser/esm/sync'
import { harmless } from './harmless.ts'
import type { Cell } from './report.ts'

/**
 * One line of CSV (RFC 4180), with its end. A text that a spreadsheet would take for a formula has an apostrophe before it (OWASP,
 * CSV injection).
 */
export const csvLine = (cells: readonly Cell[]): string =>
  stringify([cells.map((cell) => (typeof cell === 'string' ? inert(harmless(cell)) : cell))], {
    escape_formulas: true,
    record_delimiter: 'windows',
  })

/** Blanks before a formula, which some programs pass over, and the library does not look behind. */
const inert = (text: string) => (/^\s+[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text)
