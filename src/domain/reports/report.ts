/**
 * What a report is, whichever form it is read in: a few small tables, one long one whose rows come one by one, and what the
 * report leaves out and why. Every form says the same; none of them holds all rows at once.
 */
import type { AuditParty } from '../audit/audit-entry.ts'
import type { Period } from './period.ts'

export const REPORT_NAMES = [
  'subject-access',
  'disclosures',
  'organisations',
  'refusals',
  'revocations',
] as const

export type ReportName = (typeof REPORT_NAMES)[number]

/** Of these a patient may have their own. */
export const OWN_REPORTS = ['subject-access', 'disclosures'] as const satisfies readonly ReportName[]

export const isReportName = (name: unknown): name is ReportName =>
  REPORT_NAMES.some((known) => known === name)

export const REPORT_TITLES: Readonly<Record<ReportName, string>> = {
  'subject-access': 'Subject access report',
  disclosures: 'Accounting of disclosures',
  organisations: 'What went between organisations',
  refusals: 'Refusals by reason',
  revocations: 'How soon revocations counted',
}

/** An instant is written in the period's zone; a count and a length in milliseconds stand to the right. */
type ColumnKind = 'text' | 'instant' | 'count' | 'ms'

export type Column = {
  readonly key: string
  readonly title: string
  readonly kind: ColumnKind
  /** A terminal leaves it out: `code`, a name that nobody reads, such as a hash; `more`, what other columns say as well or nearly. */
  readonly detail?: 'code' | 'more'
}

/** An instant is ISO 8601 in UTC; null where there is nothing to say. */
export type Cell = string | number | null

export type Row = Readonly<Record<string, Cell>>

export type Table = {
  readonly name: string
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** The column of counts that is drawn as bars beside it. */
  readonly bars?: string
}

/** What is not in a report, and why; how many, where that is known. */
export type Omission = { readonly what: string; readonly why: string; readonly count?: number }

export type Report = {
  readonly name: ReportName
  readonly title: string
  /** Clauses that it answers, or says that it answers in part. */
  readonly answers: readonly string[]
  /** Whose log it is made of. */
  readonly hospital: Pick<AuditParty, 'name' | 'identifier'>
  /** Whom it is about, where it is about one person: a reference, or an identifier. */
  readonly patient?: string
  readonly period: Period
  /** ISO 8601 in UTC. */
  readonly made: string
  readonly summary: readonly Table[]
  readonly columns: readonly Column[]
  readonly rows: AsyncIterable<Row>
  readonly omitted: readonly Omission[]
}
