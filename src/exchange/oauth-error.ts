import { ERROR_SYSTEM, ERRORS, type ErrorCode, isErrorCode } from '../domain/errors.ts'

/** The error answer of a token or registration endpoint (RFC 6749 §5.2, RFC 7591 §3.2.2). */
export type OAuthError = { error: string; error_description: string; error_uri: string }

/** Our codes in the words of OAuth 2, where these have one: RFC 6749 §5.2, RFC 9449 §5, RFC 7591 §3.2.2. */
const OAUTH_CODES: Partial<Record<ErrorCode, { error: string; status: number }>> = {
  'assertion-invalid': { error: 'invalid_client', status: 401 },
  'assertion-replayed': { error: 'invalid_client', status: 401 },
  'grant-type-unsupported': { error: 'unsupported_grant_type', status: 400 },
  'scope-insufficient': { error: 'invalid_scope', status: 400 },
  // What is asked for exceeds what the patient has granted, or is not there: one word for both, and one status at whatever
  // step it is refused (I11), where RFC 6749 would have 400.
  'not-available': { error: 'invalid_scope', status: 404 },
  'dpop-invalid': { error: 'invalid_dpop_proof', status: 400 },
  'dpop-replayed': { error: 'invalid_dpop_proof', status: 400 },
  // As UDAP has it for a B2B extension that is missing or wrong.
  'purpose-missing': { error: 'invalid_grant', status: 400 },
  'purpose-unknown': { error: 'invalid_grant', status: 400 },
  'user-missing': { error: 'invalid_grant', status: 400 },
  'client-metadata-invalid': { error: 'invalid_client_metadata', status: 400 },
  'token-missing': { error: 'invalid_token', status: 401 },
  'token-expired': { error: 'invalid_token', status: 401 },
  'token-invalid': { error: 'invalid_token', status: 401 },
}

/**
 * What a code is in OAuth 2, with its HTTP status. `error_uri` ends in the stable code, so that programs may tell causes
 * apart that OAuth calls by one name. What OAuth has no word for is `invalid_request`, or `server_error` from 500 up.
 */
export function toOAuthError(code: ErrorCode): { status: number; body: OAuthError } {
  const { status: own, public: text } = ERRORS[code]
  const other = own >= 500 ? 'server_error' : own === 429 ? 'temporarily_unavailable' : 'invalid_request'
  const { error, status } = OAUTH_CODES[code] ?? { error: other, status: own }
  return {
    status,
    // RFC 6749 allows no quotation mark and no backslash here; ours has neither.
    body: { error, error_description: text.replaceAll(/["\\]/g, "'"), error_uri: `${ERROR_SYSTEM}#${code}` },
  }
}

/** The stable code behind an answer in this form; undefined where there is none. */
export function codeOfOAuthError(body: unknown): ErrorCode | undefined {
  const { error_uri } = (body ?? {}) as { error_uri?: unknown }
  const code = typeof error_uri === 'string' ? error_uri.split('#')[1] : undefined
  return isErrorCode(code) ? code : undefined
}
