import type { ReportJson } from '../../domain/reports/format-json.ts'
import { harmless } from '../../domain/reports/harmless.ts'
import { omissionText } from '../../domain/reports/notes.ts'
import { tableText, wrapped } from './table.ts'

/**
 * A report as a terminal shows it.
 * @param width columns of the terminal
 */
export function inWords(report: ReportJson, width: number): string {
  const { title, hospital, patient, period, summary, columns, rows, omitted } = report
  const paragraph = (text: string) => `${wrapped(harmless(text), width).join('\n')}\n`
  const heading = (text: string) => `\n${paragraph(text)}\n`
  return [
    paragraph(`${title}: ${hospital.name}${patient === undefined ? '' : `, ${patient}`}`),
    paragraph(
      `${period.from === null ? 'From the beginning' : `From ${period.from}`} until before ${period.to} (${period.zone})`,
    ),
    ...report.answers.map(paragraph),
    ...summary.flatMap((table) => [
      heading(table.title),
      table.rows.length > 0 ? tableText(table, width) : 'None.\n',
    ]),
    heading('Entries'),
    rows.length > 0 ? tableText({ columns, rows }, width) : 'None.\n',
    heading('What is not in this report, and why'),
    omitted.map((omission) => paragraph(omissionText(omission))).join('\n'),
  ].join('')
}
