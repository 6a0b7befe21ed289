import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { errors as undici } from 'undici'
import { isReasonCode, type ReasonCode } from '../domain/audit/reasons.ts'
import { type ErrorCode, isErrorCode, WayleaveError } from '../domain/errors.ts'

/** What a log may say of something that was thrown: what kind, which code, where; never its words. */
export type ErrorDescription = {
  kind: string
  code?: string
  /** Why we refused, where our own error says so by a code. */
  reason?: ReasonCode | ErrorCode
  /** Places in our own files, the innermost first. */
  at?: string[]
  cause?: ErrorDescription
}

const ROOT = join(import.meta.dirname, '..', '..')
const MAX_CAUSES = 4
const MAX_PLACES = 6

/** The kinds of error that are told by name. Any other is an `Error`: a name can be given at run time. */
const KINDS: ReadonlySet<string> = new Set([
  ...['Error', 'TypeError', 'RangeError', 'SyntaxError', 'ReferenceError', 'URIError', 'EvalError'],
  ...['AggregateError', 'AssertionError', 'AbortError', 'TimeoutError', 'DOMException', 'WayleaveError'],
  ...['DatabaseError', 'FastifyError', 'NoResultError', 'FolderInUseError', 'ZodError', 'SystemError'],
  ...['JOSEError', 'JWSInvalid', 'JWTInvalid', 'JWEInvalid', 'JWEDecryptionFailed', 'JWTExpired'],
  ...['JWTClaimValidationFailed', 'JWSSignatureVerificationFailed', 'JOSEAlgNotAllowed', 'JWKInvalid'],
  ...Object.keys(undici),
])

/** Codes of the operating system, undici and ethers: lists that others keep, and that nobody can write into. */
const CODES: ReadonlySet<string> = new Set([
  ...Object.keys(constants.errno),
  ...['ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL', 'ERR_INVALID_ARG_TYPE', 'ERR_STREAM_PREMATURE_CLOSE'],
  ...['ERR_HTTP_HEADERS_SENT', 'ERR_INVALID_STATE', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_SOCKET'],
  ...['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_ABORTED', 'UND_ERR_DESTROYED'],
  ...['UND_ERR_CLOSED', 'UND_ERR_INVALID_ARG', 'UND_ERR_RESPONSE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
  ...['CALL_EXCEPTION', 'NETWORK_ERROR', 'SERVER_ERROR', 'TIMEOUT', 'UNKNOWN_ERROR', 'BAD_DATA'],
  ...['NONCE_EXPIRED', 'REPLACEMENT_UNDERPRICED', 'INSUFFICIENT_FUNDS', 'TRANSACTION_REPLACED', 'CANCELLED'],
  ...['UNSUPPORTED_OPERATION', 'INVALID_ARGUMENT', 'NOT_IMPLEMENTED', 'BUFFER_OVERRUN', 'NUMERIC_FAULT'],
])

/** Classes of SQLSTATE (SQL:2016, PostgreSQL appendix A). Of five characters only these two are told: a code can be a postcode. */
const SQL_CLASS = /^(?:0[0-9A-Z]|2[0-8BDF]|3[48BDF]|4[024]|5[3-8]|F0|HV|P0|XX)[0-9A-Z]{3}$/

/** Whatever was thrown, as a log may tell it. Never throws, whatever it is handed. */
export function describeError(thrown: unknown): ErrorDescription {
  return describe(thrown, 0)
}

function describe(thrown: unknown, depth: number): ErrorDescription {
  if (!(thrown instanceof Error)) return { kind: thrown === null ? 'null' : typeof thrown }
  const name = read(thrown, 'name')
  const code = codeOf(read(thrown, 'code'))
  const detail = thrown instanceof WayleaveError ? read(thrown, 'detail') : undefined
  const at = placesOf(read(thrown, 'stack'))
  const cause = depth < MAX_CAUSES ? read(thrown, 'cause') : undefined
  return {
    kind: typeof name === 'string' && KINDS.has(name) ? name : 'Error',
    ...(code === undefined ? {} : { code }),
    // A detail is free text; it is told only where all of it is a code.
    ...(isReasonCode(detail) || isErrorCode(detail) ? { reason: detail } : {}),
    ...(at.length > 0 ? { at } : {}),
    ...(cause === undefined ? {} : { cause: describe(cause, depth + 1) }),
  }
}

function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function codeOf(code: unknown): string | undefined {
  if (typeof code !== 'string') return undefined
  if (isErrorCode(code) || isReasonCode(code) || CODES.has(code)) return code
  return SQL_CLASS.test(code) ? `SQLSTATE ${code.slice(0, 2)}` : undefined
}

/** Frames that lie in files which are there: a message with line breaks can look like a frame, and name anything. */
function placesOf(stack: unknown): string[] {
  if (typeof stack !== 'string') return []
  const places: string[] = []
  for (const line of stack.split('\n')) {
    if (places.length === MAX_PLACES) break
    const found = /^ {4}at .*?((?:src|bin|scripts)\/[\w./-]{1,120}\.(?:ts|mjs)):(\d{1,4}):(\d{1,3})\)?$/.exec(
      line,
    )
    const [, file = '', row, column] = found ?? []
    if (file !== '' && !file.includes('..') && existsSync(join(ROOT, file)))
      places.push(`${file}:${row}:${column}`)
  }
  return places
}
