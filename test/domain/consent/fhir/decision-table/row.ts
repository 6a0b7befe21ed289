import type { ConsentDecision } from '../../../../../src/domain/consent/fhir/decide-consents.ts'

/** One row of the decision table. */
export type Row = {
  /** The rule, as a sentence. */
  rule: string
  consents: unknown[]
  /** What is asked, where it is not the usual. */
  asked?: object
  decision: ConsentDecision['decision']
  /** Resources that are disclosed, and that are not. */
  discloses?: object[]
  withholds?: object[]
  /** `Consent/id path` of the provision that decides. */
  decidedBy?: string
  /** The same of those it beats, in order. */
  beaten?: string[]
  residual?: object[]
  obligations?: object[]
}

/** A row: the sentence, the consents, the decision, and whatever else matters. */
export const row = (
  rule: string,
  consents: unknown[],
  decision: Row['decision'],
  more: Partial<Row> = {},
): Row => ({ rule, consents, decision, ...more })
