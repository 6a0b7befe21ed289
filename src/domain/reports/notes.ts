/** What a report says of itself in sentences, alike in every form. */
import { cellIn, periodIn } from './format-json.ts'
import type { Cell, Column, Omission, Report, Table } from './report.ts'

/** What it is, of whom, from when to when. */
export function preambleOf({ title, hospital, patient, period, made, answers }: Report): string[] {
  const { from, to, zone } = periodIn(period)
  const identifier = hospital.identifier
    ? ` (${hospital.identifier.system}|${hospital.identifier.value})`
    : ''
  return [
    `${title}, from the audit trail of ${hospital.name}${identifier}.`,
    ...(patient === undefined ? [] : [`About ${patient}.`]),
    `${from === null ? 'From the beginning' : `From ${from}`} until before ${to}, in the time zone ${zone}.`,
    `Made at ${String(cellIn(made, 'instant', zone))}.`,
    ...answers,
  ]
}

/** Its small tables line by line, and what it leaves out. */
export const notesOf = ({ summary, omitted, period }: Report): string[] => [
  ...summary.flatMap((table) => figuresOf(table, period.zone)),
  ...omitted.map(omissionText),
]

export const omissionText = ({ what, why, count }: Omission): string =>
  `Not in this report: ${what}${count === undefined ? '' : ` (${count})`}. ${why}`

const figuresOf = ({ title, columns, rows }: Table, zone: string): string[] =>
  rows.map((row) => {
    const cells = columns.flatMap((column) => {
      const cell = row[column.key] ?? null
      return cell === null ? [] : [`${column.title}: ${cellText(cell, column, zone)}`]
    })
    return `${title}. ${cells.join('; ')}.`
  })

/** A cell in words: lengths of time in a unit that is read at a glance. */
export function cellText(cell: Cell, { kind }: Pick<Column, 'kind'>, zone: string): string {
  if (cell === null) return ''
  if (kind === 'ms' && typeof cell === 'number') return lengthText(cell)
  if (kind === 'instant') return String(cellIn(cell, kind, zone)).replace('T', ' ')
  return String(cell)
}

/** Milliseconds as milliseconds, seconds, minutes, hours or days. */
function lengthText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const [size, unit] = units.find(([size]) => ms >= size * (size === 1_000 ? 1 : 2)) ?? [1_000, 's']
  return `${(ms / size).toFixed(1)} ${unit}`
}
