import type { ReasonCode } from '../audit/reasons.ts'

/** What one consent says of a request: which, how specific it is, and why it does not permit. */
export type ExplainedRule = {
  /** `Consent/id`. */
  consent: string
  /** Whom it names, and for what. */
  specificity: [party: string, purpose: string]
  decision: 'permit' | 'refuse'
  reason?: ReasonCode
}

/** Whether a request would be allowed, and why not. */
export type Explanation = {
  decision: 'permit' | 'refuse'
  reason?: ReasonCode
  /** For people. */
  sentence: string
  rule: ExplainedRule | null
  /** What the rule won over, strongest first. */
  beaten: ExplainedRule[]
}

/** A record by its type and id at the custodian, and why it would stay back. */
export type PreviewedRecord = { record: string; dataClass: string; kinds: string[]; reason?: ReasonCode }

/** What some terms would open of a patient's records, and what not. */
export type Preview = { opened: PreviewedRecord[]; withheld: PreviewedRecord[] }
