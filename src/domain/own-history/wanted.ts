import type { HistoryView } from './looks.ts'
import type { Occasion } from './occasions.ts'

/** What of a history somebody wants to see. What is left out is not narrowed. */
export type HistoryFilter = {
  /** Who looked, where left out. */
  view?: HistoryView
  ending?: 'allowed' | 'refused' | 'emergency'
  /** Member id of the organisation that asked or did it. */
  organisation?: string
  dataClass?: string
  /** FHIR instant, included. */
  since?: string
}

export function isOccasionWanted(occasion: Occasion, filter: HistoryFilter): boolean {
  const { view = 'looks', ending, organisation, dataClass, since } = filter
  const { entry, manner, emergency } = occasion
  if (view === 'looks' && manner !== 'look') return false
  if (view === 'own' && manner !== 'own') return false
  if (ending === 'emergency' ? !emergency : ending !== undefined && ending !== occasion.ending) return false
  const actor = entry.requester ?? entry.custodian
  if (organisation !== undefined && actor?.id !== organisation) return false
  if (dataClass !== undefined && !occasion.about.some(({ what }) => what === dataClass)) return false
  return since === undefined || entry.recorded >= since
}
