import { dateOfDay, dayOfDate } from '../days.ts'

/** The contract takes no longer period: ten years, leap days included. */
const MAX_PERIOD_DAYS = 3_653

/** First and last day, YYYY-MM-DD, both included; today, where the first is absent. */
export type WishedPeriod = { from?: string | undefined; until?: string | undefined }

/** Why nobody can sign a grant for this period today, and which of its ends is to blame; undefined where it can be. */
export function periodProblem(
  { from, until }: WishedPeriod,
  today: number,
): { end: 'from' | 'until'; reason: string } | undefined {
  const first = from === undefined ? today : dayOfDate(from)
  if (first === undefined) return { end: 'from', reason: 'the first day is none from 1970 to June 2149' }
  if (until === undefined) return undefined
  const last = dayOfDate(until)
  if (last !== undefined && last < today) return { end: 'until', reason: 'the last day is over' }
  if (last !== undefined && last < first)
    return { end: 'until', reason: 'the last day lies before the first' }
  if (last === undefined || last - first > MAX_PERIOD_DAYS)
    return {
      end: 'until',
      reason: `a consent lasts ten years at most, here to ${dateOfDay(first + MAX_PERIOD_DAYS)}`,
    }
  return undefined
}
