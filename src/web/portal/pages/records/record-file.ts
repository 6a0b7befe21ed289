import type { Bundle, FhirResource } from 'fhir/r4.js'
import { attachmentsOf, isPlainText, textIn } from '../../../../domain/own-record/attachments.ts'
import { factsOf } from '../../../../domain/own-record/facts.ts'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import { byYear, type Resolver } from '../../../../domain/own-record/unify.ts'
import { htmlText } from '../../../../domain/reports/html-text.ts'
import type { RecordWords } from './record-words.ts'
import type { HospitalRecords } from './use-records.ts'

/** All resources as their hospitals handed them out, each by its address there: two hospitals' ids may be the same. */
export const recordBundle = (sources: readonly HospitalRecords[], now: Date): Bundle => ({
  resourceType: 'Bundle',
  type: 'collection',
  timestamp: now.toISOString(),
  entry: sources.flatMap(({ entries }) =>
    entries.map(({ fullUrl, resource }) => ({
      ...(fullUrl === undefined ? {} : { fullUrl }),
      resource: resource as unknown as FhirResource,
    })),
  ),
})

/** The list as it is read on the page, with all its details, to keep or to print. */
export function recordBody(
  entries: readonly OwnEntry[],
  resolvers: ReadonlyMap<number, Resolver>,
  words: RecordWords,
): string[] {
  return byYear(entries).flatMap(({ year, groups }) => [
    `<h2>${htmlText(year ?? words.date(undefined))}</h2>\n`,
    ...groups.map((group) => {
      const articles = group.map((entry) =>
        article(entry, resolvers.get(entry.source) ?? (() => undefined), words),
      )
      return group.length > 1 ? `<div class="pair">${articles.join('')}</div>\n` : articles.join('')
    }),
  ])
}

function article(entry: OwnEntry, resolve: Resolver, words: RecordWords): string {
  const where = [words.date(entry.date), words.hospital(entry.source), words.kind(entry)].join(' · ')
  const facts = factsOf(entry.resource, resolve).map((fact) => {
    const value = [words.value(fact.value), words.verdict(fact.value)].filter(Boolean).join(' – ')
    return `<div><dt>${htmlText(words.fact(fact))}</dt><dd><bdi>${htmlText(value)}</bdi></dd></div>`
  })
  const texts = attachmentsOf(entry.resource)
    .filter(isPlainText)
    .flatMap((attachment) => textIn(attachment) ?? [])
    .map((text) => `<pre>${text.trim().split('\n').map(htmlText).join('\n')}</pre>`)
  return `<article><h3><bdi>${htmlText(words.title(entry))}</bdi></h3><p>${htmlText(where)}</p><dl>${facts.join('')}</dl>${texts.join('')}</article>\n`
}
