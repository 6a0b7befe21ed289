import { csvLine as line } from './csv-line.ts'
import { cellIn } from './format-json.ts'
import { notesOf, preambleOf } from './notes.ts'
import type { Report } from './report.ts'

/**
 * A report as a spreadsheet takes it (RFC 4180): one header, one number of fields in every line. The first field says what a line
 * is: `entry`, a row of the report; `note`, what the report says of itself, in the last field. The last line says how many entries
 * there were: where it is missing, so is a part of the report.
 */
export async function* reportCsv(report: Report): AsyncGenerator<string> {
  const { columns, rows, period } = report
  const blank = columns.map(() => null)
  const note = (text: string) => line(['note', ...blank, text])
  yield line(['line', ...columns.map(({ key }) => key), 'note'])
  for (const text of preambleOf(report)) yield note(text)
  let count = 0
  for await (const row of rows) {
    yield line([
      'entry',
      ...columns.map(({ key, kind }) => cellIn(row[key] ?? null, kind, period.zone)),
      null,
    ])
    count++
  }
  for (const text of notesOf(report)) yield note(text)
  yield note(`Entries: ${count}. End of the report.`)
}
