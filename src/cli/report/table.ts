import stringWidth from 'string-width'
import { harmless } from '../../domain/reports/harmless.ts'
import { cellText } from '../../domain/reports/notes.ts'
import type { Column, Row, Table } from '../../domain/reports/report.ts'

/** Blanks between columns. */
const GAP = 2
/** A word that is longer is broken. */
const MOST = 24
/** What a bar may take at most. */
const BAR = 20

/**
 * A table that fits a terminal: columns as wide as what is in them, the widest made narrower until all fit, texts broken over
 * lines at words. Where even that does not fit, one row after another, a line for each cell.
 * @param width columns of the terminal
 */
export function tableText(
  { columns, rows, bars }: Pick<Table, 'columns' | 'rows' | 'bars'>,
  width: number,
): string {
  const shown = columns.filter(({ detail }) => !detail)
  const texts = rows.map((row) => shown.map((column) => harmless(textOf(row, column))))
  const heads = shown.map(({ title }) => title)
  const room = bars === undefined ? undefined : fitted([heads, ...texts], width - BAR - GAP)
  const widths = room ?? fitted([heads, ...texts], width)
  if (widths === undefined) return listed(shown, texts, width)
  const most = Math.max(1, ...rows.map((row) => Number(row[bars ?? ''] ?? 0)))
  const bar = (row: Row) => (room ? '█'.repeat(Math.ceil((Number(row[bars ?? ''] ?? 0) / most) * BAR)) : '')
  const lines = [
    ...lined(heads, shown, widths, ''),
    widths.map((w) => '─'.repeat(w)).join(' '.repeat(GAP)),
    ...rows.flatMap((row, i) => lined(texts[i] ?? [], shown, widths, bar(row))),
  ]
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

const textOf = (row: Row, column: Column) =>
  column.kind === 'instant' && row[column.key] !== null
    ? String(row[column.key]).replace('T', ' ').replace(/\.\d+/, '')
    : cellText(row[column.key] ?? null, { kind: column.kind === 'instant' ? 'text' : column.kind }, 'UTC')

/** Widths of columns, none narrower than its longest word; undefined where they do not fit. */
function fitted(lines: readonly (readonly string[])[], width: number): number[] | undefined {
  const widest = (i: number, of: (text: string) => number) =>
    Math.max(1, ...lines.map((line) => of(line[i] ?? '')))
  const columns = (lines[0] ?? []).map((_, i) => ({
    width: widest(i, stringWidth),
    least: Math.min(
      MOST,
      widest(i, (text) => Math.max(...text.split(' ').map((word) => stringWidth(word)))),
    ),
  }))
  const room = width - GAP * (columns.length - 1)
  let taken = columns.reduce((sum, column) => sum + column.width, 0)
  while (taken > room) {
    const [column] = columns.filter((one) => one.width > one.least).sort((a, b) => b.width - a.width)
    if (!column) return undefined
    column.width--
    taken--
  }
  return columns.map((column) => column.width)
}

function lined(cells: readonly string[], columns: readonly Column[], widths: readonly number[], bar: string) {
  const broken = cells.map((cell, i) => wrapped(cell, widths[i] ?? 1))
  const height = Math.max(1, ...broken.map((parts) => parts.length))
  return Array.from({ length: height }, (_, at) => {
    const parts = broken.map((lines, i) => {
      const part = lines[at] ?? ''
      const pad = ' '.repeat(Math.max(0, (widths[i] ?? 0) - stringWidth(part)))
      return columns[i]?.kind === 'count' || columns[i]?.kind === 'ms' ? pad + part : part + pad
    })
    return [...parts, at === 0 ? bar : ''].join(' '.repeat(GAP))
  })
}

/** Broken at blanks, and within a word where it is longer than a line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`
    if (stringWidth(joined) <= width) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    line = ''
    for (const { segment } of new Intl.Segmenter('en').segment(word)) {
      if (line !== '' && stringWidth(line + segment) > width) {
        lines.push(line)
        line = ''
      }
      line += segment
    }
  }
  return [...lines, line]
}

const listed = (columns: readonly Column[], rows: readonly (readonly string[])[], width: number) =>
  rows
    .map((cells) =>
      cells
        .flatMap((cell, i) =>
          cell === ''
            ? []
            : wrapped(`${columns[i]?.title}: ${cell}`, width - GAP).map((part, at) =>
                at ? `  ${part}` : part,
              ),
        )
        .join('\n'),
    )
    .map((row) => `${row}\n`)
    .join('\n')
