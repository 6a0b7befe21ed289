import type {
  Bundle,
  BundleEntry,
  CompositionSection,
  FhirResource,
  OperationOutcome,
  OperationOutcomeIssue,
  Provenance,
} from 'fhir/r4.js'
import { type MergedRecord, urnOf } from '../merging/merged-copy.ts'
import { SECTIONS, type Section, sort } from './sections.ts'
import { dateOf, titleOf } from './words-of.ts'

export type SummaryRecord = MergedRecord & {
  /** The hospital that it comes from, as a reader knows it. */
  sourceName: string
}

/**
 * Said where a section has nothing. It is the same whether there is nothing, or nothing that is shared, or a hospital did
 * not answer: which of them it is cannot be told here, or must not be (I11).
 */
const UNAVAILABLE =
  'No information is available to this hospital. This does not mean that there is none: it may not be recorded, not be shared, or not have been received.'

/**
 * An International Patient Summary (HL7 IPS) over the records of several hospitals: a document Bundle with its Composition,
 * the Patient, the records of each section, a Provenance a source, and the notice of what may be missing, which has a section.
 *
 * A summary of what one hospital may see never says of itself that there is nothing: a required section without a record has
 * the empty reason `unavailable`, never `nilknown`, and not `withheld` either, which would tell that something is. What one
 * source says (`no known allergies`) is told as that source's words in the narrative, and is no entry: to a program
 * it would be the word of all of them.
 * @param ids UUIDs: of the document, the Composition, the author and the notice
 * @param at an instant
 */
export function summaryDocument(input: {
  ids: { document: string; composition: string; author: string; notice: string }
  at: string
  author: { name: string; identifier: { system: string; value: string } }
  patient: { fullUrl: string; resource: FhirResource }
  records: readonly SummaryRecord[]
  provenances: readonly Provenance[]
  notices: readonly OperationOutcomeIssue[]
}): Bundle {
  const { ids, at, author, patient, notices } = input
  const sections = SECTIONS.map((section) => ({ section, ...sort(section, input.records) }))
  const shown = sections.filter(
    ({ section, entries, absences }) => section.required || entries.length + absences.length > 0,
  )
  const used = new Map(
    shown.flatMap(({ entries }) => entries).map((record) => [record.fullUrl, record] as const),
  )
  const organization = { reference: urnOf(ids.author) }
  const composition: FhirResource = {
    resourceType: 'Composition',
    id: ids.composition,
    status: 'final',
    type: { coding: [loinc('60591-5', 'Patient summary Document')] },
    subject: { reference: patient.fullUrl },
    date: at,
    author: [organization],
    title: 'International Patient Summary',
    custodian: organization,
    section: [
      ...shown.map(({ section, entries, absences }) => sectionOf(section, entries, absences)),
      // In sight of whoever reads it, and within reach of the Composition, as everything of a document is (R4 §3.3.2).
      {
        title: 'What may be missing',
        text: {
          status: 'generated',
          div: div(paragraphs(notices.map(({ details }) => details?.text ?? ''))),
        },
        entry: [{ reference: urnOf(ids.notice) }],
      },
    ],
  }
  const notice: OperationOutcome = { resourceType: 'OperationOutcome', id: ids.notice, issue: [...notices] }
  const entry = (fullUrl: string, resource: FhirResource): BundleEntry => ({ fullUrl, resource })
  return {
    resourceType: 'Bundle',
    identifier: { system: 'urn:ietf:rfc:3986', value: urnOf(ids.document) },
    type: 'document',
    timestamp: at,
    entry: [
      entry(urnOf(ids.composition), composition),
      entry(patient.fullUrl, patient.resource),
      entry(urnOf(ids.author), {
        resourceType: 'Organization',
        id: ids.author,
        identifier: [{ ...author.identifier }],
        name: author.name,
      }),
      ...[...used.values()].map(({ fullUrl, resource }) =>
        entry(fullUrl, resource as unknown as FhirResource),
      ),
      ...input.provenances
        .map((provenance) => narrowed(provenance, used))
        .filter(({ target }) => target.length > 0)
        .map((provenance) => entry(urnOf(provenance.id ?? ''), provenance)),
      entry(urnOf(ids.notice), notice),
    ],
  }
}

/** Of a Provenance what is about records that the document holds; entities stand in the order of the targets. */
function narrowed(provenance: Provenance, used: ReadonlyMap<string, unknown>): Provenance {
  const keep = provenance.target.map(({ reference }) => used.has(reference ?? ''))
  return {
    ...provenance,
    target: provenance.target.filter((_, i) => keep[i]),
    entity: (provenance.entity ?? []).filter((_, i) => keep[i]),
  }
}

function sectionOf(
  { title, code, display }: Section,
  entries: readonly SummaryRecord[],
  absences: readonly SummaryRecord[],
): CompositionSection {
  const words = absences.map(
    (record) => `${record.sourceName} states: ${lineOf(record)}. That is its own record alone.`,
  )
  const empty = entries.length === 0
  return {
    title,
    code: { coding: [loinc(code, display)] },
    text: {
      status: 'generated',
      div: div(`${listOf(entries)}${paragraphs([...words, ...(empty ? [UNAVAILABLE] : [])])}`),
    },
    ...(empty
      ? {
          emptyReason: {
            coding: [
              { system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable' },
            ],
            text: UNAVAILABLE,
          },
        }
      : { entry: entries.map(({ fullUrl }) => ({ reference: fullUrl })) }),
  }
}

const loinc = (code: string, display: string) => ({ system: 'http://loinc.org', code, display })

const lineOf = ({ resource }: SummaryRecord): string =>
  [titleOf(resource), dateOf(resource)].filter((part) => part !== '').join(', ')

const listOf = (records: readonly SummaryRecord[]): string =>
  records.length === 0
    ? ''
    : `<ul>${records.map((record) => `<li>${escaped(`${lineOf(record)} (${record.sourceName})`)}</li>`).join('')}</ul>`

const paragraphs = (texts: readonly string[]): string =>
  texts.map((text) => `<p>${escaped(text)}</p>`).join('')

const div = (inner: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => ESCAPES[char] ?? char)
