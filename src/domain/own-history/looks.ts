import type { AuditEntry, AuditKind } from '../audit/audit-entry.ts'
import { covers } from '../consent/purposes.ts'

/**
 * Of what a line of a patient's history tells: that somebody saw or tried to see something (`look`), what the patient did (`own`), or
 * what hospitals did about sharing, identity and records (`house`).
 */
export type Manner = 'look' | 'own' | 'house'

/** What somebody wants to read of: who looked, what the patient did, or all of it. */
export type HistoryView = 'looks' | 'own' | 'all'

const LOOKS = new Set<AuditKind>([
  ...(['query', 'list', 'intent', 'disclosure', 'receipt', 'refusal'] as const),
  ...(['consents-read', 'consents-consulted', 'handle-resolved', 'alarm'] as const),
])
const OWN = new Set<AuditKind>([
  ...(['consent-granted', 'consent-revoked', 'consent-objected', 'objection-withdrawn'] as const),
  ...(['consent-unchanged', 'locked', 'unlocked', 'bound', 'own-record-read', 'own-trail-read'] as const),
  ...(['representative-changed', 'recovery', 'case-opened', 'case-withdrawn'] as const),
])

/** The kinds of lines that a view needs; undefined for all. */
export const kindsOfView = (view: HistoryView): AuditKind[] | undefined =>
  view === 'all' ? undefined : [...(view === 'looks' ? LOOKS : OWN), 'emergency-access']

/** An emergency that was declared counts as a look, what the patient decided on emergencies as the patient's own act. */
export function mannerOf({ kind, patient }: AuditEntry): Manner {
  if (kind === 'emergency-access') return patient ? 'own' : 'look'
  return LOOKS.has(kind) ? 'look' : OWN.has(kind) ? 'own' : 'house'
}

/** Whether what was tried was allowed and done, was refused, or failed. */
export type Ending = 'allowed' | 'refused' | 'failed'

export function endingOf({ kind, outcome }: AuditEntry): Ending {
  if (kind === 'refusal' || kind === 'approval-refused') return 'refused'
  return outcome === '0' ? 'allowed' : 'failed'
}

/** Whether an emergency was the reason: without the patient's say, or with it. */
export const isEmergency = ({ kind, purpose, patient }: AuditEntry): boolean =>
  (kind === 'emergency-access' && patient === undefined) ||
  (purpose !== undefined && covers('ETREAT', purpose) !== undefined)
