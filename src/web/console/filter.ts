import type { Filter } from './answers.ts'
import { textIn } from './parts/fields.ts'

const FIELDS = ['kind', 'outcome', 'purpose', 'from', 'to', 'with', 'gaps'] as const

/** A filter as an address has it; what is none of ours is left out. */
export const filterIn = (search: Record<string, unknown>): Filter =>
  Object.fromEntries(
    FIELDS.flatMap((field) => {
      const value = textIn(search[field])
      return value ? [[field, value]] : []
    }),
  )

/** What may be chosen as kinds at once: the questions that are asked most. */
export const GROUPS: Readonly<Record<string, string>> = {
  refusals: 'refusal',
  alarms: 'alarm',
  disclosures: 'disclosure',
  requests: 'request-sent,request-received,request-step,request-closed',
  consents:
    'consent-granted,consent-revoked,consent-objected,objection-withdrawn,consent-unchanged,locked,unlocked,consent-approved,approval-refused',
  views: 'log-read,patient-looked-up,handle-resolved',
  staff: 'staff-changed,staff-signed-in',
  emergency: 'emergency-access',
}
