import type { Hex } from '../hex.ts'
import type { ConsentBody } from './body-hash.ts'
import type { SignedFlags } from './consent-word.ts'
import type { SaltedScope } from './scope.ts'
import type { SaltedTerms } from './terms.ts'

/** One slot, as `GET /patient/consents` tells the patient: body, word, and what is signed but not on the chain yet. */
export type OwnConsent = {
  scopeHash: Hex
  scope: SaltedScope
  state: 'silent' | 'permit' | 'objection'
  /** On the chain. */
  version: number
  /** YYYY-MM-DD, both included. */
  from?: string
  until?: string
  terms?: SaltedTerms
  /** The conditions that were signed with a permit. */
  flags?: SignedFlags
  /** The FHIR Consent body that the terms name. */
  body?: ConsentBody
  /**
   * Present on a permit from the 30 days before a recovery, or from during it: it permits nothing until the patient signs it
   * anew, which a renewal to the same day does.
   */
  unconfirmed?: true
  /** The highest "up to" that the custodian holds for this slot, mined or not; -1 for none. */
  signedUpTo: number
}

/** The answer of `GET /patient/consents`: all slots of one handle at the newest block. */
export type OwnConsents = {
  handle: Hex
  locked: boolean
  epoch: number
  /** The highest "up to" among the locks that the custodian holds; -1 for none. */
  lockSignedUpTo: number
  /** Present where nothing is shared, whatever was signed: the hospital is finding out whose record it is, or is done with it. */
  frozen?: 'identity-frozen' | 'handle-closed'
  /** Present while the key is being replaced: nothing widens, and to revoke, object and lock stays possible. */
  recovering?: true
  /**
   * Whether the patient has switched emergency access off here, the version of that switch on the chain, and the highest "up
   * to" of a switching off that the custodian holds; -1 for none.
   */
  emergency: { off: boolean; version: number; signedUpTo: number }
  consents: OwnConsent[]
}
