import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import { csvLine } from '../../../../domain/reports/csv-line.ts'
import { htmlText } from '../../../../domain/reports/html-text.ts'
import type { HistoryWords } from './history-words.tsx'

/** Heads of columns and of facts, in the reader's language. */
export type HistoryHeads = Record<
  'when' | 'result' | 'title' | 'who' | 'what' | 'why' | 'whyRefused' | 'hospital',
  string
>

/** Each line of the trail as one line of a table: what is read as one occasion is counted as it was written down. */
export function historyCsv(
  occasions: readonly Occasion[],
  words: HistoryWords,
  heads: HistoryHeads,
): string[] {
  const { when, result, title, who, what, why, whyRefused, hospital } = heads
  return [
    csvLine([when, result, title, who, what, why, whyRefused, hospital]),
    ...occasions.flatMap((occasion) =>
      occasion.lines.map((line) => {
        const about = line.entry.record?.dataClass ?? line.entry.record?.resourceType
        const one = {
          ...{ ...occasion, entry: line.entry, records: line.entry.record ? 1 : 0 },
          about: about === undefined ? [] : [{ what: about, count: 1 }],
        }
        return csvLine([
          ...[line.entry.recorded, words.ending(one), words.sentenceText(one), words.person(line.entry)],
          ...[
            words.what(one),
            words.why(line.entry),
            words.whyRefused(line.entry),
            words.hospital(line.source),
          ],
        ])
      }),
    ),
  ]
}

/** The list as it is read on the page, to keep or to print. */
export function historyBody(
  occasions: readonly Occasion[],
  words: HistoryWords,
  heads: HistoryHeads,
): string[] {
  let day = ''
  return occasions.map((occasion) => {
    const { entry, source } = occasion
    const here = words.day(entry.recorded)
    const heading = here === day ? '' : `<h2>${htmlText(here)}</h2>\n`
    day = here
    const facts = [
      [heads.who, words.person(entry)],
      [heads.what, words.what(occasion)],
      [heads.why, words.why(entry)],
      [heads.whyRefused, occasion.ending === 'allowed' ? '' : words.whyRefused(entry)],
      [heads.hospital, words.hospital(source)],
    ].filter(([, text]) => text !== '')
    return `${heading}<article>
<p><time datetime="${htmlText(entry.recorded)}">${htmlText(words.time(entry.recorded))}</time> <strong>${htmlText(words.ending(occasion))}</strong></p>
<p>${htmlText(words.sentenceText(occasion))}</p>
<dl>${facts.map(([label, text]) => `<div><dt>${htmlText(label ?? '')}</dt><dd><bdi>${htmlText(text ?? '')}</bdi></dd></div>`).join('')}</dl>
</article>
`
  })
}
