/** How an error of the table is thrown, recognised and told to a caller. */
import type { OperationOutcome } from 'fhir/r4.js'
import { ERRORS, type ErrorCode } from './error-table.ts'

export { ERRORS, type ErrorCode, type ErrorEntry } from './error-table.ts'

/** The CodeSystem whose codes are the keys of {@link ERRORS}. */
export const ERROR_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/error'

/** True when `value` is a code of the table. */
export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERRORS, value)

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

  constructor(code: ErrorCode, detail?: string, cause?: unknown) {
    super(ERRORS[code].public, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    this.retryable = ERRORS[code].retryable
  }
}

/** `throw wayleaveError('token-expired', 'exp 12 s ago')`; `cause` is kept on the error for the log. */
export const wayleaveError = (code: ErrorCode, detail?: string, cause?: unknown): WayleaveError =>
  new WayleaveError(code, detail, cause)

/** The code of any thrown value; whatever is not ours counts as `internal`. */
export const errorCodeOf = (thrown: unknown): ErrorCode =>
  thrown instanceof WayleaveError ? thrown.code : 'internal'

/**
 * The FHIR R4 OperationOutcome for a code, with one issue whose `details.coding` carries the stable code.
 * `diagnosticsId` is the request id that the log has, too; nothing else of the request goes in, so that two
 * refusals differ in that id only (I11).
 */
export function toOperationOutcome(code: ErrorCode, diagnosticsId?: string): OperationOutcome {
  const { severity, issue, public: text } = ERRORS[code]
  return {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity,
        code: issue,
        details: { coding: [{ system: ERROR_SYSTEM, code }], text },
        ...(diagnosticsId === undefined ? {} : { diagnostics: diagnosticsId }),
      },
    ],
  }
}
