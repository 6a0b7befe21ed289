import { isDataClass } from '../../../../domain/consent/data-classes.ts'
import type { HistoryFilter } from '../../../../domain/own-history/wanted.ts'
import type { Member } from '../../network.tsx'

/** What of the history is shown, as it stands in the address: an organisation by its place in the network's list, never by its id. */
export type HistorySearch = {
  show?: 'own' | 'all'
  ending?: 'allowed' | 'refused' | 'emergency'
  who?: number
  kind?: string
  days?: number
  table?: true
}

export const PERIODS = [1, 7, 30, 365] as const

/** What somebody wrote into the address and is no choice is as if it were not there. */
export function readHistorySearch(search: Record<string, unknown>): HistorySearch {
  const { show, ending, who, kind, days, table } = search
  return {
    ...(show === 'own' || show === 'all' ? { show } : {}),
    ...(ending === 'allowed' || ending === 'refused' || ending === 'emergency' ? { ending } : {}),
    ...(Number.isInteger(who) && Number(who) >= 0 ? { who: Number(who) } : {}),
    ...(isDataClass(kind) ? { kind } : {}),
    ...(PERIODS.some((period) => period === days) ? { days: Number(days) } : {}),
    ...(table === true ? { table } : {}),
  }
}

export function filterOf(
  { show, ending, who, kind, days }: HistorySearch,
  members: readonly Member[],
  now: number,
): HistoryFilter {
  const member = who === undefined ? undefined : members[who]
  return {
    ...(show ? { view: show } : {}),
    ...(ending ? { ending } : {}),
    ...(member ? { organisation: member.id } : {}),
    ...(kind ? { dataClass: kind } : {}),
    ...(days ? { since: new Date(now - days * 86_400_000).toISOString() } : {}),
  }
}
