import { randomUUID } from 'node:crypto'
import type { BundleEntry, OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js'
import { urnOf } from '../../domain/merging/merged-copy.ts'

/**
 * What an answer says of itself, in the words of FHIR's issue types. None of these counts or names what a policy hides:
 * they speak of hospitals that the caller knows to share something, and of what may be (I11).
 */

type Named = { readonly name: string }

export const missingNotice = ({ name }: Named): OperationOutcomeIssue => ({
  severity: 'warning',
  code: 'incomplete',
  details: { text: `${name} did not answer; it may hold more that is shared with you. Ask again later.` },
})

export const unverifiedNotice = ({ name }: Named): OperationOutcomeIssue => ({
  severity: 'warning',
  code: 'security',
  details: {
    text: `Something that ${name} sent could not be verified and is left out. An alarm was raised; contact that hospital.`,
  },
})

export const sourceNotice: OperationOutcomeIssue = {
  severity: 'warning',
  code: 'incomplete',
  details: { text: 'The record system of this hospital did not answer; its own records are not all here.' },
}

export const alteredNotice: OperationOutcomeIssue = {
  severity: 'warning',
  code: 'security',
  details: {
    text: 'A record of this hospital is no longer what was registered and is left out. Tell the operator of its broker.',
  },
}

/** Said in every such answer, in the same words, whether anything is withheld or not. */
export const WITHHELD: OperationOutcomeIssue = {
  severity: 'information',
  code: 'suppressed',
  details: {
    text: 'There may be more: what the patient, a policy or the law keeps back is neither shown nor counted here.',
  },
}

export const boundedNotice = (limit: number): OperationOutcomeIssue => ({
  severity: 'warning',
  code: 'too-costly',
  details: { text: `Only ${limit} records were looked at. Patient/$everything goes through all of them.` },
})

/** Parameters that were passed over with the client's leave (FHIR R4 §3.1.1.4.1). */
export const ignoredNotice = (names: readonly string[]): OperationOutcomeIssue[] =>
  names.length === 0
    ? []
    : [
        {
          severity: 'warning',
          code: 'not-supported',
          details: { text: `Parameters passed over: ${names.map((name) => name.slice(0, 64)).join(', ')}.` },
        },
      ]

/** The entry of a searchset that says what it says of itself (FHIR R4 §3.1.1.1). */
export function outcomeEntry(issue: OperationOutcomeIssue[]): BundleEntry {
  const id = randomUUID()
  const resource: OperationOutcome = { resourceType: 'OperationOutcome', id, issue }
  return { fullUrl: urnOf(id), resource, search: { mode: 'outcome' } }
}
