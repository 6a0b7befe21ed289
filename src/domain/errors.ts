/** How an error of the table is thrown, recognised and told to a caller. */
import type { OperationOutcome } from 'fhir/r4.js'
import { ERRORS, type ErrorCode } from './error-table.ts'

export { ERRORS, type ErrorCode, type ErrorEntry } from './error-table.ts'

/** The CodeSystem whose codes are the keys of {@link ERRORS}. */
export const ERROR_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/error'

/** True when `value` is a code of the table. */
export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERRORS, value)

/** What is wrong in what a caller sent: where, as a FHIRPath from the resource, and why. */
export type Problem = { readonly path: string; readonly reason: string }

/** As many as help; who sends thousands of faults is told of the first. */
const MAX_PROBLEMS = 50

/**
 * The one error class. `message` is the public sentence, so that a stray serialisation tells nothing more;
 * `detail` is for the log of this process only, and never holds a caller's own words: they may name a patient.
 */
export class WayleaveError extends Error {
  override readonly name = 'WayleaveError'
  readonly code: ErrorCode
  /** Internal; never sent to a caller. */
  readonly detail: string | undefined
  readonly retryable: boolean
  /** What is wrong where, in what the caller sent; told to the caller, never logged. */
  readonly problems: readonly Problem[]

  constructor(code: ErrorCode, detail?: string, cause?: unknown, problems: readonly Problem[] = []) {
    super(ERRORS[code].public, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    this.retryable = ERRORS[code].retryable
    this.problems = problems
  }
}

/** `throw wayleaveError('token-expired', 'exp 12 s ago')`; `cause` is kept on the error for the log. */
export const wayleaveError = (code: ErrorCode, detail?: string, cause?: unknown): WayleaveError =>
  new WayleaveError(code, detail, cause)

/** An error that says, for each thing that is wrong, where it is (a FHIRPath) and why. */
export const problemsError = (code: ErrorCode, problems: readonly Problem[]): WayleaveError =>
  new WayleaveError(code, `${problems.length} problems`, undefined, problems)

/** The code of any thrown value; whatever is not ours counts as `internal`. */
export const errorCodeOf = (thrown: unknown): ErrorCode =>
  thrown instanceof WayleaveError ? thrown.code : 'internal'

/**
 * The FHIR R4 OperationOutcome for a code, with one issue whose `details.coding` carries the stable code, or one for each
 * problem, whose `expression` says where it is.
 * `diagnosticsId` is the request id that the log has, too; nothing else of the request goes in, so that two
 * refusals differ in that id only (I11).
 */
export function toOperationOutcome(
  code: ErrorCode,
  diagnosticsId?: string,
  problems: readonly Problem[] = [],
): OperationOutcome {
  const { severity, issue, public: text } = ERRORS[code]
  const one = {
    severity,
    code: issue,
    details: { coding: [{ system: ERROR_SYSTEM, code }], text },
    ...(diagnosticsId === undefined ? {} : { diagnostics: diagnosticsId }),
  }
  const told = problems.slice(0, MAX_PROBLEMS).map(({ path, reason }) => ({
    ...one,
    details: { ...one.details, text: `${text} ${reason.slice(0, 200)}` },
    expression: [path.slice(0, 200)],
  }))
  return { resourceType: 'OperationOutcome', issue: told.length > 0 ? told : [one] }
}
