/**
 * Every error that a caller can meet, in one table. What the caller is told (`public`) and what is written to the
 * log (`WayleaveError.detail` in errors.ts) are kept apart: the first says what to do next and never names a patient, a consent
 * or a record; the second never leaves the process. `docs/errors.md` is held equal to this table by a test.
 */
import type { OperationOutcome } from 'fhir/r4.js'

type Severity = OperationOutcome['issue'][number]['severity']
type IssueType = OperationOutcome['issue'][number]['code']

export type ErrorEntry = {
  /** HTTP status of the answer. */
  readonly status: number
  /** FHIR R4 IssueType (http://hl7.org/fhir/R4/valueset-issue-type.html). */
  readonly issue: IssueType
  readonly severity: Severity
  /** The sentence for the caller: what happened, then what to do next. */
  readonly public: string
  /** True when the same request, unchanged, may succeed later. */
  readonly retryable: boolean
}

const entry = (status: number, issue: IssueType, text: string, severity: Severity = 'error'): ErrorEntry => ({
  status,
  issue,
  severity,
  public: text,
  // what is worth repeating is exactly: come back later (429), this or a dependency is not able right now (503, 504)
  retryable: status === 429 || status === 503 || status === 504,
})

export const ERRORS = {
  // The one answer to whoever has no right to know (I11): unknown patient, no record, no consent, any refusal.
  'not-available': entry(
    404,
    'not-found',
    'Nothing is available for this request. If the patient expects you to see it, ask the patient to check their consent.',
  ),

  // What was sent cannot be read.
  'malformed-json': entry(
    400,
    'structure',
    'The body is not well-formed JSON. Correct it and send it again.',
  ),
  'duplicate-key': entry(400, 'structure', 'A JSON object names the same key twice. Send each key once.'),
  'number-not-exact': entry(
    400,
    'value',
    'A number cannot be held exactly in double precision. Send it with fewer digits or as a string.',
  ),
  'body-too-large': entry(
    413,
    'too-long',
    'The body is larger than this server accepts. Send it in smaller parts.',
  ),
  'too-deep': entry(400, 'structure', 'The JSON is nested too deeply. Send a flatter document.'),
  'request-invalid': entry(
    400,
    'invalid',
    'A parameter or field is missing or has the wrong form. Compare the request with the documentation.',
  ),
  'content-type-unsupported': entry(
    415,
    'not-supported',
    'This content type is not supported. Send application/fhir+json, application/json or the form type of the endpoint.',
  ),
  'not-acceptable': entry(406, 'not-supported', 'Only JSON is served here. Ask for application/fhir+json.'),
  'unsupported-parameter': entry(
    400,
    'not-supported',
    'A search parameter or modifier is not supported here. Remove it; /metadata lists those that are.',
  ),
  'id-invalid': entry(
    400,
    'value',
    'An id may hold 1 to 64 letters, digits, hyphens and dots only. Correct the id.',
  ),
  'not-found': entry(404, 'not-found', 'There is no such address on this server. Check the path.'),
  'method-not-allowed': entry(
    405,
    'not-supported',
    'This method is not allowed here. Use one named in the Allow header.',
  ),

  // Who the patient is said to be.
  'identifier-system-unknown': entry(
    400,
    'code-invalid',
    'The identifier system is not one that this server can check. Use the system of a supported national identifier.',
  ),
  'identifier-invalid': entry(
    400,
    'value',
    'The identifier fails the check of its system. Compare the number with the document it came from.',
  ),

  // Who asks, and why.
  'purpose-missing': entry(
    400,
    'required',
    'No purpose of use was given. Name one HL7 PurposeOfUse code in the hl7-b2b extension of the client assertion.',
  ),
  'purpose-unknown': entry(
    400,
    'code-invalid',
    'The purpose is not one HL7 v3 PurposeOfUse code. Name exactly one code of that hierarchy.',
  ),
  'user-missing': entry(
    400,
    'required',
    'The user or the role of the user was not given. Name both in the hl7-b2b extension of the client assertion.',
  ),
  'token-missing': entry(401, 'login', 'No access token was sent. Ask for one at the token endpoint first.'),
  'token-invalid': entry(401, 'login', 'The access token is not valid for this request. Ask for a new one.'),
  'token-expired': entry(401, 'expired', 'The access token has expired. Ask for a new one.'),
  'token-wrong-key': entry(
    401,
    'security',
    'The access token is bound to another key. Prove possession of the key that the token was issued to.',
  ),
  'dpop-invalid': entry(
    401,
    'security',
    'The DPoP proof is missing or does not fit this request. Sign a new proof.',
  ),
  'dpop-replayed': entry(
    401,
    'security',
    'This DPoP proof was used before. Sign a new proof for every request.',
  ),
  'assertion-invalid': entry(
    401,
    'login',
    'The client assertion is not valid. Check its key, issuer, audience, times and extensions.',
  ),
  'assertion-replayed': entry(
    401,
    'login',
    'This client assertion was used before. Sign a new one for every token.',
  ),
  'grant-type-unsupported': entry(
    400,
    'not-supported',
    'Only client_credentials with a private_key_jwt client assertion is supported here. Use that.',
  ),
  'scope-insufficient': entry(
    403,
    'forbidden',
    'The access token does not carry the scope needed. Ask for that scope.',
  ),
  'member-not-live': entry(
    403,
    'forbidden',
    'The organisation is not a live member of the network. Ask the governance council about its status.',
  ),
  'client-metadata-invalid': entry(
    400,
    'invalid',
    'What is said of the client breaks a rule: name, scope, and public keys as jwks or jwks_uri. Compare it with the documentation.',
  ),
  'client-unknown': entry(404, 'not-found', 'There is no such client here. List those that are registered.'),
  'client-fixed': entry(
    409,
    'business-rule',
    'This client stands in the configuration of the broker and is changed there only. Ask the operator.',
  ),
  'session-expired': entry(401, 'expired', 'The session has ended. Sign in again.'),
  'sign-in-refused': entry(
    403,
    'security',
    'The sign-in was not accepted. Try again; if you have no passkey here, ask for an invitation.',
  ),
  'cross-site-refused': entry(
    403,
    'security',
    'The request did not come from the console’s own pages. Open the console and do it there.',
  ),
  'role-insufficient': entry(
    403,
    'forbidden',
    'Your role at the console does not allow this. Ask somebody who has the compliance role.',
  ),
  'reference-unknown': entry(
    404,
    'not-found',
    'The reference is not known in this session. Look it up again.',
  ),
  'saved-search-unknown': entry(
    404,
    'not-found',
    'There is no such saved search of yours. List those that you have.',
  ),
  'staff-unknown': entry(
    404,
    'not-found',
    'There is no such person at the console. List those that there are.',
  ),
  'rate-limited': entry(429, 'throttled', 'Too many requests. Wait as long as the Retry-After header says.'),

  // What the patient signed.
  'signature-invalid': entry(
    400,
    'security',
    'The signature does not fit what was signed. Sign again and send that.',
  ),
  'signer-unknown': entry(
    403,
    'forbidden',
    'The signing key is not bound for this purpose. Sign with the key enrolled at this hospital, or enrol again.',
  ),
  'typed-data-invalid': entry(
    400,
    'structure',
    'The typed data is not one of the known kinds or breaks its rules. Build it from the published definitions.',
  ),
  'consent-body-missing': entry(
    422,
    'business-rule',
    'The terms name a FHIR Consent body that was not sent along. Send it with the signed act.',
  ),
  'consent-body-mismatch': entry(
    422,
    'business-rule',
    'The FHIR Consent body is not the one that the terms name. Send the body that was signed, unchanged.',
  ),
  'terms-unenforceable': entry(
    422,
    'business-rule',
    'The terms name something that cannot be enforced here. Use the published data classes, labels and purposes.',
  ),
  'consent-unenforceable': entry(
    422,
    'business-rule',
    'This Consent says something that cannot be enforced here, so nothing of it is filed. Change what is named and file it again.',
  ),
  'consent-unknown': entry(
    404,
    'not-found',
    'There is no such Consent here. Search by patient for those that are.',
  ),
  'wrong-chain': entry(
    400,
    'value',
    'The signed data names another chain. Sign for the chain of this network.',
  ),
  'wrong-contract': entry(
    400,
    'value',
    'The signed data names another contract. Sign for the contract address in use, as this server publishes it.',
  ),
  'deadline-passed': entry(
    409,
    'expired',
    'The deadline in the signed data has passed. Sign again with a new deadline.',
  ),
  'epoch-wrong': entry(
    409,
    'conflict',
    'The epoch has moved since this was signed, for example by a lock. Read the current state and sign again.',
  ),
  'version-wrong': entry(
    409,
    'conflict',
    'Another change came first, so the version is no longer the next one. Read the current state and sign again.',
  ),
  'handle-unknown': entry(
    404,
    'not-found',
    'This handle is not registered here. Check that you asked the right hospital.',
  ),
  'chain-rejected': entry(
    422,
    'processing',
    'The contract did not accept the change. Read the current state and sign again.',
  ),
  'relay-undeliverable': entry(
    502,
    'processing',
    'The signed message could not be passed on to the hospital concerned. Send it to that hospital or to the chain.',
  ),

  // The same call twice, and changes that cross.
  'version-conflict': entry(
    412,
    'conflict',
    'This changed since the version that If-Match names. Read it again, and decide again.',
  ),
  'idempotency-key-reused': entry(
    422,
    'business-rule',
    'This Idempotency-Key was used for another request. Use a new key for each request.',
  ),
  'idempotency-key-busy': entry(
    409,
    'lock-error',
    'The first request under this Idempotency-Key is not answered yet. Send it again in a few seconds.',
  ),

  // Changes of consents, told to programs.
  'subscription-invalid': entry(
    400,
    'invalid',
    'This Subscription cannot be kept: topic, rest-hook channel, or an endpoint that the operator has not listed. Compare it with the documentation.',
  ),
  'subscription-unknown': entry(
    404,
    'not-found',
    'There is no such Subscription of this program. Search for those that there are.',
  ),
  'event-unknown': entry(404, 'not-found', 'There is no such event here for this program. Check its id.'),

  // Enrolment.
  'contact-invalid': entry(
    400,
    'value',
    'This is neither a telephone number nor an e-mail address. Give the one that the hospital has of you.',
  ),
  'enrolment-code-wrong': entry(
    403,
    'login',
    'The one-time code is wrong, used or expired. Ask the hospital to send a new one.',
  ),
  'enrolment-needs-second-registrar': entry(
    409,
    'business-rule',
    'A second registrar must confirm this. Have a different registrar confirm it.',
  ),

  'patient-bound': entry(
    409,
    'business-rule',
    'A key is bound for this patient already. It is replaced by recovery only.',
  ),
  'key-taken': entry(
    409,
    'business-rule',
    'This key was bound at this hospital before. Enrol with the next key of the same words.',
  ),

  'recovery-pending': entry(
    409,
    'business-rule',
    'The key for these records is being replaced. Until that is over nothing is widened; to revoke, object and lock stays possible.',
  ),
  'recovery-not-open': entry(
    409,
    'business-rule',
    'The replacement of this key does not stand so that this could be done. Look at where it stands.',
  ),
  'not-within-bounds': entry(
    403,
    'forbidden',
    'This is outside of what the helper may do. Ask the patient to sign it, or to appoint the helper for it.',
  ),

  // What a patient says looks wrong.
  'case-unknown': entry(404, 'not-found', 'There is no such case here. List those that there are.'),
  'case-closed': entry(
    409,
    'conflict',
    'This case is closed. Open another one where something is left to say.',
  ),
  'case-limit': entry(
    409,
    'too-costly',
    'As many cases are open as may be. Withdraw one, or wait until the hospital has answered.',
  ),
  'origin-refused': entry(
    403,
    'security',
    'This page may not call here. Use the portal that this hospital has listed.',
  ),

  // Whose record it is.
  'identity-frozen': entry(
    409,
    'business-rule',
    'The hospital is finding out whose record this is, so nothing can be allowed meanwhile. Ask the hospital.',
  ),
  'handle-closed': entry(
    409,
    'business-rule',
    'The records went to a new handle, or nobody can sign for them any more. Ask the hospital to enrol again.',
  ),
  'audit-event-unknown': entry(
    404,
    'not-found',
    'There is no such line in the audit trail here, or it was deleted at the end of its retention. Search for it.',
  ),
  'hold-unknown': entry(404, 'not-found', 'There is no such legal hold here. List those that stand.'),
  'hold-lifted': entry(409, 'conflict', 'This legal hold was lifted before. List those that stand.'),
  'identity-event-unknown': entry(
    404,
    'not-found',
    'There is no such identity event here. List those that are open.',
  ),
  'identity-event-closed': entry(
    409,
    'conflict',
    'This identity event was decided before. List those that are open.',
  ),
  'second-person-needed': entry(
    409,
    'business-rule',
    'Another person must say the same before it counts. Have a different person do so.',
  ),
  'identity-unresolved': entry(
    409,
    'business-rule',
    'The FHIR server still says what is rejected, or records have changed hands since. Correct it there first.',
  ),

  // Whose handle it is.
  'resolution-reason': entry(
    400,
    'business-rule',
    'A reason of the published list is needed, and 10 to 200 characters that say more, without numbers or addresses of persons.',
  ),

  // Requests for access, and what waits for the custodian's approval.
  'member-unknown': entry(
    404,
    'not-found',
    'The organisation is not a member of this network that publishes keys. Check its identifier.',
  ),
  'report-unknown': entry(
    404,
    'not-found',
    'There is no such report, or no such patient for it. Check the name of the report and the id of the patient.',
  ),
  'task-unknown': entry(404, 'not-found', 'There is no such task here. Search for the tasks that are open.'),
  'task-closed': entry(
    409,
    'conflict',
    'This task was decided or closed before. Search for the tasks that are open.',
  ),
  'approval-refused': entry(
    409,
    'business-rule',
    'The hospital does not approve of this consent. Ask the hospital for its reason.',
  ),
  'access-request-invalid': entry(
    400,
    'invalid',
    'The request for access cannot be opened or is not meant for this member. Seal it to the key in the member profile.',
  ),

  // Documents that a HIS pushes.
  'document-invalid': entry(
    422,
    'invalid',
    'What was pushed lacks something that MHD requires, or cannot be kept. Nothing was stored; correct what is named.',
  ),
  'document-mismatch': entry(
    422,
    'value',
    'A document is not what its DocumentReference says: content type, size or hash. Nothing was stored; correct what is named.',
  ),
  'document-patient': entry(
    422,
    'not-found',
    'The documents are not of one patient of this hospital. Nothing was stored; name the patient as this hospital knows them.',
  ),
  'document-duplicate': entry(
    409,
    'duplicate',
    'A document with this masterIdentifier is stored already. Nothing was stored; look it up, or give the document its own.',
  ),
  'document-refused': entry(
    422,
    'processing',
    'The record system of this hospital did not take it. Nothing was stored; compare it with what that system accepts.',
  ),

  // Between two members.
  'share-invalid': entry(
    400,
    'invalid',
    'The share cannot be opened or is not meant for this member. Seal it to the key in the member profile.',
  ),
  'checkpoint-invalid': entry(
    400,
    'invalid',
    'None of these is a checkpoint that a member has signed. Sign it with a key of the member profile.',
  ),
  'receipt-invalid': entry(
    400,
    'invalid',
    'The receipt cannot be opened or is not meant for this member. Seal it to the key in the member profile.',
  ),
  'evidence-invalid': entry(
    400,
    'invalid',
    'The evidence, or the request for it, cannot be opened or is not meant for this member. Seal it to the key in the member profile.',
  ),
  'commitment-mismatch': entry(
    502,
    'security',
    'The record does not match its commitment on the chain and is withheld. An alarm was raised; contact the custodian.',
    'fatal',
  ),
  'response-invalid': entry(
    502,
    'security',
    'The answer of the other hospital could not be verified and is withheld. Contact that hospital.',
    'fatal',
  ),
  'address-refused': entry(
    502,
    'security',
    'The address of the other server is not one that this server may call. Have it corrected, or ask the operator to allow it.',
  ),
  'peer-untrusted': entry(
    502,
    'security',
    'The other hospital’s server did not prove to be the one it should be, so nothing was sent to it. Contact that hospital.',
    'fatal',
  ),
  'peer-unavailable': entry(504, 'timeout', 'The other hospital did not answer in time. Try again later.'),

  // Not able right now. None of these depends on which patient was asked for.
  'source-unavailable': entry(
    503,
    'transient',
    'The record system behind this server did not answer. Try again later.',
  ),
  'not-ready': entry(503, 'transient', 'This server is starting or stopping. Try again in a few seconds.'),
  'head-stale': entry(
    503,
    'transient',
    'Consent cannot be verified because the chain has not advanced. Nothing is released; try again shortly.',
  ),
  'chain-unavailable': entry(503, 'transient', 'The chain node did not answer. Try again shortly.'),
  'audit-unavailable': entry(
    503,
    'transient',
    'The audit store cannot be written, so nothing is released. Try again later.',
  ),
  'anchor-overdue': entry(
    503,
    'transient',
    'The audit trail could not be anchored in time, so nothing is released. Try again later.',
  ),
  internal: entry(
    500,
    'exception',
    'Something failed on this server. Report the diagnostics id to its operator.',
    'fatal',
  ),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS
