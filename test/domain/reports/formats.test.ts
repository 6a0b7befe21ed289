import { describe, expect, test } from 'vitest'
import { reportCsv } from '../../../src/domain/reports/format-csv.ts'
import { reportHtml } from '../../../src/domain/reports/format-html.ts'
import { reportJson } from '../../../src/domain/reports/format-json.ts'
import { harmless } from '../../../src/domain/reports/harmless.ts'
import { percentile } from '../../../src/domain/reports/percentile.ts'
import type { Report, Row } from '../../../src/domain/reports/report.ts'

const HOSTILE = [
  '=HYPERLINK("http://evil.example","Click")',
  '+1+1',
  '-2+3',
  "@SUM(A1)|cmd|'/c calc'!A0",
  '\t=1+1',
  '＝1+1',
  '  =1+1',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  'Dr \u202eecila\u202c Smith',
  'zero\u200bwidth\ufeff',
  '\u001b[2J\u001b]0;owned\u0007',
  'two\r\nlines, and "quotes"',
  'د. فاطمة',
  'lone \ud800 half',
] as const

async function* rowsOf(rows: readonly Row[]): AsyncGenerator<Row> {
  yield* rows
}

const columns = [
  { key: 'at', title: 'When', kind: 'instant' },
  { key: 'who', title: 'Who', kind: 'text' },
  { key: 'n', title: 'How often', kind: 'count' },
] as const

const report = (): Report => ({
  ...{ name: 'refusals', title: 'Refusals by reason', answers: ['A clause.'] },
  hospital: { name: HOSTILE[8], identifier: { system: 'urn:x', value: '=1' } },
  patient: HOSTILE[0],
  period: { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z', zone: 'Europe/Amsterdam' },
  made: '2026-02-01T00:00:00.000Z',
  summary: [{ name: 'sums', title: 'Sums', columns, rows: [{ at: null, who: HOSTILE[7], n: 3 }], bars: 'n' }],
  columns,
  rows: rowsOf(HOSTILE.map((who, n) => ({ at: '2026-01-02T03:04:05.006Z', who, n }))),
  omitted: [{ what: HOSTILE[7], why: HOSTILE[9], count: 7 }],
})

async function whole(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

/** RFC 4180, as strictly as it is written: CRLF, quotes doubled, every record with as many fields. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]]
  let at = 0
  while (at < text.length) {
    let field = ''
    if (text[at] === '"') {
      const quoted = /^"((?:[^"]|"")*)"/.exec(text.slice(at))
      if (!quoted) throw new Error('a quote that does not end')
      field = (quoted[1] ?? '').replaceAll('""', '"')
      at += quoted[0].length
    } else {
      const [bare = ''] = /^[^",\r\n]*/.exec(text.slice(at)) ?? []
      field = bare
      at += bare.length
    }
    records.at(-1)?.push(field)
    if (text[at] === ',') at++
    else if (text.startsWith('\r\n', at)) {
      at += 2
      if (at < text.length) records.push([])
    } else throw new Error(`not RFC 4180 at ${at}: ${JSON.stringify(text.slice(at, at + 20))}`)
  }
  return records
}

const ACTING = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

describe('CSV', () => {
  test('is RFC 4180, one header, as many fields in every line, and ends with how many entries there were', async () => {
    const lines = parseCsv(await whole(reportCsv(report())))
    expect(lines[0]).toEqual(['line', 'at', 'who', 'n', 'note'])
    expect(new Set(lines.map((line) => line.length))).toEqual(new Set([5]))
    const entries = lines.filter(([kind]) => kind === 'entry')
    expect(entries).toHaveLength(HOSTILE.length)
    expect(entries[0]?.[1]).toBe('2026-01-02T04:04:05.006+01:00')
    expect(lines.at(-1)?.at(-1)).toBe(`Entries: ${HOSTILE.length}. End of the report.`)
    expect(lines.filter(([kind]) => kind === 'note').length).toBeGreaterThan(5)
  })

  test('no field is a formula, to whichever spreadsheet', async () => {
    const fields = parseCsv(await whole(reportCsv(report()))).flat()
    expect(fields.filter((field) => /^\s*[=+\-@＝＋－＠]/.test(field))).toEqual([])
    expect(fields).toContain(`'${HOSTILE[1]}`)
    expect(fields).toContain(`'${HOSTILE[5]}`)
  })
})

describe('the page', () => {
  test('holds no element that a name brought along, and no script', async () => {
    const html = await whole(reportHtml(report()))
    expect(html).not.toMatch(/<(script|img|iframe|link|object|a|form)\b|<[^>]+\s(on\w+|src|href)=/i)
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toContain("default-src 'none'")
    const opened = [...html.matchAll(/<(\w+)[^>]*?(\/?)>/g)].filter(([, , closed]) => !closed)
    const void_ = new Set(['meta'])
    for (const name of new Set(opened.map(([, tag = '']) => tag).filter((tag) => !void_.has(tag)))) {
      const ends = html.split(`</${name}>`).length - 1
      expect([name, ends]).toEqual([name, opened.filter(([, tag]) => tag === name).length])
    }
  })

  test('can be read aloud: a language, a heading and headers for every table, bars that are not spoken', async () => {
    const html = await whole(reportHtml(report()))
    expect(html).toContain('<html lang="en"')
    const tables = html.split('<table>').slice(1)
    expect(tables).toHaveLength(2)
    for (const table of tables) {
      expect(table).toContain('<th scope="col"')
      expect(table).toContain('<th scope="row"')
    }
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    const labels = [...html.matchAll(/aria-labelledby="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(labels.filter((id) => !ids.includes(id))).toEqual([])
    expect(html.match(/<svg/g)?.length).toBe(html.match(/aria-hidden="true"><svg/g)?.length)
    expect(html).toContain('@media print')
  })

  test('a name in another direction of writing keeps it to itself', async () => {
    expect(await whole(reportHtml(report()))).toContain('<bdi>د. فاطمة</bdi>')
  })
})

describe('JSON', () => {
  test('is the data as it is, in escapes where it would act, and says last that it is whole', async () => {
    const text = await whole(reportJson(report()))
    expect(text).not.toMatch(ACTING)
    const read = JSON.parse(text) as {
      rows: { who: string }[]
      complete: { rows: number }
      omitted: unknown[]
    }
    expect(read.rows.map(({ who }) => who)).toEqual([...HOSTILE])
    expect(Object.keys(read).at(-1)).toBe('complete')
    expect(read.complete).toEqual({ rows: HOSTILE.length })
    expect(read.omitted).toEqual([{ what: HOSTILE[7], why: HOSTILE[9], count: 7 }])
  })

  test('a report that ends before its end is no JSON, and its CSV has no last line', async () => {
    async function* broken(): AsyncGenerator<Row> {
      yield { at: null, who: 'a', n: 1 }
      throw new Error('the database went away')
    }
    for (const form of [reportJson, reportCsv]) {
      let text = ''
      const reading = (async () => {
        for await (const piece of form({ ...report(), rows: broken() })) text += piece
      })()
      await expect(reading).rejects.toThrow('went away')
      expect(() => JSON.parse(text)).toThrow()
      expect(text).not.toContain('End of the report')
    }
  })
})

test('in no form but JSON’s escapes does a character act that cannot be seen', async () => {
  for (const form of [reportCsv, reportHtml])
    expect((await whole(form(report()))).replaceAll('\r\n', '\n')).not.toMatch(ACTING)
  expect(harmless('Dr \u202eecila')).toBe('Dr [U+202E]ecila')
  // A joiner that is part of how a name is written.
  expect(harmless('علی\u200cرضا')).toBe('علی\u200cرضا')
  expect(harmless('Zoë 李 Ó')).toBe('Zoë 李 Ó')
})

test('a percentile is a value that was measured, by nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, i) => i + 1)
  expect([percentile(values, 50), percentile(values, 99), percentile([7], 99), percentile([], 50)]).toEqual([
    ...[100, 198, 7],
    undefined,
  ])
})
