/** What the broker answers the pages; see src/broker/console. */

export type Session = {
  name: string
  role: 'auditor' | 'compliance'
  idleAt: string
  endsAt: string
  hospital: string
}

export const COUNTED = ['alarms', 'refusals', 'requests', 'disclosures'] as const
export type Counted = (typeof COUNTED)[number]

/** The kinds of line behind each number. */
export const KINDS_OF: Readonly<Record<Counted, string>> = {
  alarms: 'alarm',
  refusals: 'refusal',
  requests: 'request-sent,request-received',
  disclosures: 'disclosure',
}

export type Overview = {
  at: string
  days: ({ day: string } & Record<Counted, number>)[]
  totals: Record<Counted, number>
  gaps: { count: number; more: boolean }
  unanchored: { count: number; since: string | null; ageMs: number | null }
  head: { block: number | null; ageMs: number | null }
  ready: boolean
  reasons: string[]
}

export type Line = {
  id: string
  at: string
  kind: string
  outcome: '0' | '4' | '8' | '12'
  sentence: string
  reason?: string
  note?: string
  purpose?: string
  custodian?: string
  requester?: string
  user?: { id: string; name?: string; role?: string }
  client?: string
  record?: { id: string; resourceType?: string; dataClass?: string }
  block?: number
  exchange?: string
  patient?: string
  consent?: string
  request?: string
}

export type EventPage = { lines: Line[]; next?: string; about?: 'patient' | 'person' | 'consent' | 'request' }

export type Filter = Partial<
  Record<'kind' | 'outcome' | 'purpose' | 'from' | 'to' | 'of' | 'with' | 'sort' | 'gaps', string>
>

export type SavedSearch = { id: string; name: string; filter: Filter }

export type Member = {
  reference?: string
  name: string
  self: boolean
  status: 'live' | 'suspended' | 'removed' | 'stranger'
  generation: number
  roles: string[]
  endpoint?: string
  checkpoint?: { block: number; verdict: 'own' | 'rewritten' | 'agrees' | 'other-view' | 'split' }
  waiting: number
  unmatched: Record<'no-receipt' | 'waiting' | 'not-in-their-books', number>
}

type Cell = string | number | null
type Column = { key: string; title: string; kind: 'text' | 'instant' | 'count' | 'ms' }
export type ReportTable = { name: string; title: string; columns: Column[]; rows: Record<string, Cell>[] }
export type Report = Omit<ReportTable, 'columns'> & {
  columns: Column[]
  patient?: string
  period: { from: string | null; to: string; zone: string }
  made: string
  summary: ReportTable[]
  omitted: { what: string; why: string; count?: number }[]
  complete: { rows: number }
}

export type LookedUp = { reference: string; known: 'patient' | 'asked-about'; lines: number }

export type Hold = {
  id: string
  reason: string
  from?: string
  until?: string
  covers: 'everybody' | 'patient'
  placedBy: string
  placedAt: string
  liftAskedBy?: string
  liftedBy?: string
  liftedAt?: string
}
