import { getStatus, OperationOutcomeError } from '@medplum/core'
import type { OperationOutcome } from './medplum-types.ts'

// Every failure is an OperationOutcome with a status (FHIR R4 §3.1.0.1.5). Where @medplum/core has the outcome, that
// one is used; these are the ones it lacks.

type IssueCode = OperationOutcome['issue'][number]['code']

/** Statuses of our own outcomes, by `OperationOutcome.id`; all others are known to `getStatus` of @medplum/core. */
const STATUS = {
  'not-allowed': 405,
  'not-acceptable': 406,
  unprocessable: 422,
  internal: 500,
} as const

function outcome(id: string, code: IssueCode, text: string): OperationOutcome {
  return { resourceType: 'OperationOutcome', id, issue: [{ severity: 'error', code, details: { text } }] }
}

export const notAllowed = outcome('not-allowed', 'not-supported', 'This interaction is not offered')
export const notAcceptable = outcome('not-acceptable', 'not-supported', 'Only JSON is offered')
/** Says nothing of the cause: that goes to the operator's log. */
export const internalError = outcome('internal', 'exception', 'The server failed; nothing was changed')

/** 400: something that FHIR has and this server does not. */
export const notSupported = (text: string) =>
  new OperationOutcomeError(outcome('invalid', 'not-supported', text))
/** 400: something that is wrong by FHIR's own rules. */
export const invalid = (text: string) => new OperationOutcomeError(outcome('invalid', 'invalid', text))
/** 412: a condition that the request names does not hold. */
export const preconditionFails = (text: string) =>
  new OperationOutcomeError(outcome('precondition-failed', 'conflict', text))
/** 422: well formed, and yet not to be acted on. */
export const unprocessable = (text: string) =>
  new OperationOutcomeError(outcome('unprocessable', 'business-rule', text))

/** The HTTP status that goes with an outcome. */
export function statusOf(result: OperationOutcome): number {
  return STATUS[result.id as keyof typeof STATUS] ?? getStatus(result)
}
