import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Period } from '../../domain/reports/period.ts'
import type { Omission, Report } from '../../domain/reports/report.ts'
import type { TrailPages } from './trail-pages.ts'

/** Whose entries a report is of. */
export type Subject = {
  /** As the report names the person: a reference, or an identifier. */
  name: string
  lookups: readonly string[]
}

/** What every report is made from. */
export type Making = {
  trail: TrailPages
  period: Period
  /** The hospital whose log it is. */
  self: AuditParty
  made: string
}

/** What makes one kind of report. */
export type Made = Pick<Report, 'answers' | 'summary' | 'columns' | 'rows' | 'omitted'>

export const stretchOf = ({ from, to }: Period) => ({ ...(from === undefined ? {} : { from }), to })

/** What no report of one hospital's log can hold. */
export const beyond = ({ trail }: Making): Omission[] => [
  {
    what:
      trail.begins === undefined
        ? 'Anything: the log is empty'
        : `What is older than the log, which begins at ${trail.begins}`,
    why: 'It was not written down here, or is not kept any longer: where a retention is configured, entries of kind “trail-expired” say how many went, and those under a legal hold are still here.',
  },
  ELSEWHERE,
  OUTSIDE,
]

const ELSEWHERE: Omission = {
  what: 'What other hospitals hold',
  why: 'This is the log of one hospital. What others hold of the same person, what they gave to each other, and what happened to data after it had been received, stands in their logs. Ask each of them.',
}

const OUTSIDE: Omission = {
  what: 'Whatever did not go through Wayleave',
  why: 'Use within the hospital, paper, telephone and other programs have logs of their own, or none.',
}

/** Of one person's report: entries that name nobody, and may or may not have been about them. */
export async function nameless({ trail, period }: Making): Promise<Omission[]> {
  const all = await trail.counts(stretchOf(period))
  return [
    {
      what: 'Events on the chain that this hospital cannot open',
      why: 'They concern other hospitals. Nobody but these can tell whose they are.',
      count: all.anchor ?? 0,
    },
    {
      what: 'Requests that named no patient of this hospital, or no record that there is',
      why: 'The log has them without a person, since it could not tell whom they were about.',
    },
  ]
}
