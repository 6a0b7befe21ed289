import { harmlessJson } from './harmless.ts'
import { inZone, type Period } from './period.ts'
import type { Cell, Column, Omission, Report, Row, Table } from './report.ts'

/** A report as JSON has it, whole. Instants are written in the period's zone, lengths in milliseconds. */
export type ReportJson = Omit<Report, 'rows' | 'period' | 'summary'> & {
  period: { from: string | null; to: string; zone: string }
  summary: Table[]
  columns: Column[]
  rows: Row[]
  omitted: Omission[]
  /** Comes last: where it is missing, so is a part of the report. */
  complete: { rows: number }
}

/** Piece by piece; what comes before the rows says what they are. */
export async function* reportJson(report: Report): AsyncGenerator<string> {
  const { rows, summary, period, made, omitted, columns, ...about } = report
  const { zone } = period
  const told = {
    ...about,
    period: periodIn(period),
    made: inZone(made, zone),
    summary: summary.map((table) => ({
      ...table,
      rows: table.rows.map((row) => rowIn(row, table.columns, zone)),
    })),
    omitted,
    columns,
  }
  yield `${harmlessJson(JSON.stringify(told, null, 2)).slice(0, -2)},\n  "rows": [`
  let count = 0
  for await (const row of rows) {
    yield `${count === 0 ? '' : ','}\n    ${harmlessJson(JSON.stringify(rowIn(row, columns, zone)))}`
    count++
  }
  yield `${count === 0 ? '' : '\n  '}],\n  "complete": { "rows": ${count} }\n}\n`
}

export const periodIn = ({ from, to, zone }: Period) => ({
  from: from === undefined ? null : inZone(from, zone),
  to: inZone(to, zone),
  zone,
})

const rowIn = (row: Row, columns: readonly Column[], zone: string): Row =>
  Object.fromEntries(columns.map(({ key, kind }) => [key, cellIn(row[key] ?? null, kind, zone)]))

/** What a cell says to whoever lives in the zone. */
export const cellIn = (cell: Cell, kind: Column['kind'], zone: string): Cell =>
  kind === 'instant' && typeof cell === 'string' ? inZone(cell, zone) : cell
