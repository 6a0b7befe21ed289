import { htmlText as plain } from './html-text.ts'
import { cellText, preambleOf } from './notes.ts'
import type { Cell, Column, Omission, Report, Row, Table } from './report.ts'

/**
 * A report as a page: one file, no script, nothing from elsewhere, and a policy that forbids both. Made for reading aloud
 * (WCAG 2.2: captions, headers of columns, a language, bars that say nothing that the figures do not) and for paper (heads of
 * tables on each sheet, no row cut in two).
 */
export async function* reportHtml(report: Report): AsyncGenerator<string> {
  const { title, hospital, summary, columns, rows, omitted, period } = report
  const { zone } = period
  yield `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${plain(title)}, ${plain(hospital.name)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${plain(title)}</h1>
${preambleOf(report)
  .map((text) => `<p>${escaped(text)}</p>`)
  .join('\n')}
</header>
<main>
`
  for (const table of summary) yield tableHtml(table, zone)
  yield `<section aria-labelledby="entries"><h2 id="entries">Entries</h2>
<div class="wide" role="region" aria-labelledby="entries" tabindex="0"><table>
${headHtml(columns)}<tbody>
`
  let count = 0
  for await (const row of rows) {
    yield rowHtml(row, columns, zone)
    count++
  }
  if (count === 0) yield `<tr><td colspan="${columns.length}">None.</td></tr>\n`
  yield `</tbody></table></div></section>
${omittedHtml(omitted)}</main>
<footer><p>Entries: ${count}. End of the report.</p></footer>
</body>
</html>
`
}

function tableHtml({ name, title, columns, rows, bars }: Table, zone: string): string {
  const most = Math.max(1, ...rows.map((row) => Number(row[bars ?? ''] ?? 0)))
  const bar = (row: Row) => {
    if (bars === undefined) return ''
    const width = Math.round((Number(row[bars] ?? 0) / most) * 1_000) / 10
    // What it shows stands in figures beside it.
    return `<td class="bar" aria-hidden="true"><svg viewBox="0 0 100 8" preserveAspectRatio="none" focusable="false"><rect width="${width}" height="8"></rect></svg></td>`
  }
  const id = `table-${plain(name)}`
  const body = rows.map((row) => rowHtml(row, columns, zone, bar(row))).join('')
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escaped(title)}</h2>
<div class="wide" role="region" aria-labelledby="${id}" tabindex="0"><table>
${headHtml(columns, bars === undefined ? '' : '<td class="bar" aria-hidden="true"></td>')}<tbody>
${body === '' ? `<tr><td colspan="${columns.length + (bars === undefined ? 0 : 1)}">None.</td></tr>\n` : body}</tbody></table></div></section>
`
}

const headHtml = (columns: readonly Column[], more = '') =>
  `<thead><tr>${columns.map(({ title, kind }) => `<th scope="col" class="${kind}">${escaped(title)}</th>`).join('')}${more}</tr></thead>`

/** Sentences get more room than names. */
const LONG = 60

/** The first cell names its row. */
const rowHtml = (row: Row, columns: readonly Column[], zone: string, more = '') =>
  `<tr>${columns
    .map((column, i) => {
      const text = cellHtml(row[column.key] ?? null, column, zone)
      const kind = column.detail === 'code' ? 'code' : text.length > LONG ? 'text long' : column.kind
      return i === 0 ? `<th scope="row" class="${kind}">${text}</th>` : `<td class="${kind}">${text}</td>`
    })
    .join('')}${more}</tr>\n`

function cellHtml(cell: Cell, column: Column, zone: string): string {
  const text = escaped(cellText(cell, column, zone))
  return column.kind === 'instant' && cell !== null
    ? `<time datetime="${plain(String(cell))}">${text}</time>`
    : text
}

const omittedHtml = (omitted: readonly Omission[]) =>
  `<section aria-labelledby="omitted"><h2 id="omitted">What is not in this report, and why</h2>
<ul>
${omitted
  .map(
    ({ what, why, count }) =>
      `<li><strong>${escaped(what)}${count === undefined ? '' : ` (${count})`}.</strong> ${escaped(why)}</li>`,
  )
  .join('\n')}
</ul></section>
`

/** Right-to-left names keep their direction to themselves. */
const escaped = (text: string) =>
  /[\u0590-\u08ff\ufb1d-\ufefc]/.test(text) ? `<bdi>${plain(text)}</bdi>` : plain(text)

const STYLE = `
:root{color-scheme:light dark;--line:#767676;--bar:#1f5fae}
@media (prefers-color-scheme:dark){:root{--line:#9a9a9a;--bar:#7db2ff}}
body{font:1rem/1.45 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:100rem}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}header p{margin:.15rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:start;vertical-align:top;overflow-wrap:anywhere}
thead th{border-bottom-width:2px;overflow-wrap:normal}tbody th{font-weight:400}
.count,.ms{text-align:end;font-variant-numeric:tabular-nums}.instant{white-space:nowrap;font-variant-numeric:tabular-nums}
.text{min-width:6rem}.long{min-width:18rem}.code{font:.8rem ui-monospace,monospace;min-width:8rem}
.bar{min-width:10rem;border:0}.bar svg{width:100%;height:.8rem;display:block}.bar rect{fill:var(--bar)}
@media print{@page{size:A4 landscape;margin:12mm}:root{color-scheme:light;--line:#767676;--bar:#444}
body{padding:0;max-width:none;font-size:9pt}.wide{overflow:visible}table{font-size:8pt;width:100%}
thead{display:table-header-group}tr,li{break-inside:avoid}h2{break-after:avoid}.bar rect{print-color-adjust:exact}}
`
