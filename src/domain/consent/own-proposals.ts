import type { ConsentWish } from './fhir/consent-wish.ts'

/** What a hospital's program filed for the patient to sign, as `GET /patient/proposals` tells it. */
export type OwnProposal = {
  /** Of the Consent that it becomes. */
  id: string
  /** `end`: to stop sharing. */
  effect: 'permit' | 'deny' | 'end'
  wish: ConsentWish
  /** Who filed it, at this hospital. */
  filedBy: { id: string; name?: string; role?: string }
  filedAt: string
}
