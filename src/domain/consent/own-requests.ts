import type { Hex } from '../hex.ts'

/** One open request for access, as `GET /patient/requests` tells the patient. */
export type OwnRequest = {
  id: Hex
  requester: { name: string; identifier?: { system: string; value: string } }
  /** PurposeOfUse code. */
  purpose: string
  dataClasses: string[]
  sensitivities: string[]
  /** YYYY-MM-DD (UTC), both included. */
  from: string
  until: string
  /** Block time, in seconds, at which it is closed. */
  deadline: number
  /** What the person who asks has written; empty for nothing. */
  reason: string
  /** The custodian's own word so far. */
  decision?: 'approved' | 'rejected'
  answered: boolean
}
