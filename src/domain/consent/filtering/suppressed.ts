/** How somebody is told that something is withheld, where that may be known: not what, not how much. */
import type { Bundle, Coding, OperationOutcome } from 'fhir/r4.js'
import type { JsonObject } from '../fhir/read.ts'

const REDACTED: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'REDACTED',
  display: 'redacted',
}

/** IssueType `suppressed` (R4): "some information was not or might not have been returned due to business rules". */
export const suppressedOutcome = (): JsonObject =>
  ({
    resourceType: 'OperationOutcome',
    meta: { security: [REDACTED] },
    issue: [
      {
        severity: 'information',
        code: 'suppressed',
        details: { text: 'Some of what was asked for is withheld.' },
      },
    ],
  }) satisfies OperationOutcome as unknown as JsonObject

export const suppressedEntry = (): object => ({
  resource: suppressedOutcome(),
  search: { mode: 'outcome' } satisfies NonNullable<Bundle['entry']>[number]['search'],
})

export const withRedactedTag = (bundle: JsonObject): JsonObject => {
  const { resourceType, ...rest } = bundle
  return { resourceType, meta: { security: [REDACTED] }, ...rest }
}
