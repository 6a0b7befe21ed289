/**
 * Why a decision refused, or why something was noted: the words that the custodian's staff and the patient read.
 * A requester never sees a reason; it gets the single answer `not-available` (I11).
 */
export const REASONS = {
  // what the chain says about consent
  'no-consent': 'The patient has given no consent that covers this request.',
  'not-yet-valid': 'The consent does not start until a later day.',
  expired: 'The consent has ended by its date.',
  revoked: 'The patient has withdrawn the consent.',
  'revocation-pending':
    'The patient has signed a withdrawal, which counts although the chain does not show it yet.',
  objection: 'The patient objects to this sharing.',
  'objection-pending':
    'The patient has signed an objection, which counts although the chain does not show it yet.',
  locked: 'The patient has locked all sharing from this hospital.',
  'lock-pending': 'The patient has signed a lock, which counts although the chain does not show it yet.',
  'wrong-purpose': 'The consent was given for another purpose.',
  'superseded-policy': 'The consent was replaced by a newer version.',

  // whose record it is
  'identity-frozen':
    'The hospital is finding out whose record this is, so nothing is shared and no consent counts meanwhile.',
  'handle-closed':
    'The records went to a new handle, or nobody can sign for them any more, so this consent counts no longer.',

  // what the terms say
  'terms-missing': 'The details of the consent are not at hand, so it cannot be applied.',
  'terms-mismatch': 'The details of the consent do not match what the patient signed.',
  'terms-unenforceable': 'The consent contains a condition that this hospital cannot enforce.',
  'class-not-covered': 'The consent does not cover this kind of record.',
  'sensitivity-not-covered': 'The consent does not cover information of this sensitive kind.',
  'provision-denies': 'The consent keeps this very record back.',
  'provision-silent': 'The consent is about other records of this kind, not about this one.',
  'content-unknown': 'The consent is about single records, and of this one too little is known to tell.',
  'needs-approval':
    'The patient asked that the hospital approves each use, and it has not approved this one.',
  unconfirmed:
    'The consent was given shortly before the patient got a new key, and has not been confirmed since.',

  // who asks
  'member-not-live': 'The organisation that asked is not a live member of the network.',
  'grantee-generation':
    'The organisation was admitted anew after the consent was given, so the consent no longer reaches it.',
  'group-joined-later': 'The organisation joined the group after the consent was given.',
  'purpose-unknown': 'The purpose that was stated is not known.',

  // what was asked for
  'patient-unknown': 'No such patient is registered here.',
  'record-unknown': 'No such record is registered here.',
  'handle-unbound': 'The patient has not enrolled here, so no consent can exist.',
  'labels-raised':
    'The record has since been found to hold sensitive information that the consent does not cover.',
  'about-another': 'The record is about another patient as well, or says so in a part of it.',
  'record-unreadable': 'A version of a record cannot be read in one way only, so it was not registered.',
  'record-changed': 'The record has changed since it was registered, so it was not handed on.',
  'record-gone': 'The record has been deleted or withdrawn at the hospital.',
  'token-mismatch': 'The permission to fetch was issued for another record or another requester.',
  replayed: 'The request had been made before, word for word.',

  // what could not be established: fail closed
  'head-stale': 'Consent could not be checked because the chain had not advanced recently.',
  'chain-unavailable': 'Consent could not be checked because the chain could not be read.',
  'view-contradicted':
    'Nothing is handed out while most other organisations hold another chain than this hospital’s node shows.',
  'anchor-overdue': 'Nothing is handed out while the audit trail cannot be anchored on the chain.',
  'audit-unavailable': 'Nothing is handed out while the audit trail cannot be written.',
  'source-unavailable': 'The record system of the hospital did not answer.',
  'commitment-mismatch': 'The record received does not match its commitment on the chain.',
  'signature-invalid': 'A signature did not verify.',
  'response-invalid': 'The answer of the other hospital broke the protocol.',
  'receipt-mismatch': 'Another hospital has a receipt for something that was not given to it, or not so.',
  'address-refused': 'The address that the other hospital publishes is not one that may be called.',
  'split-view':
    'Another organisation holds another chain, or other events on it, than this hospital’s node shows.',
  'checkpoint-contradiction': 'An organisation has signed two things of the chain that cannot both be true.',
  'chain-rewritten':
    'The chain has another history than this hospital has signed for, deeper than any that may change.',
  'peer-untrusted': 'The server of the other hospital showed another key than the hospital publishes.',

  // who signs in at the console
  'passkey-copied':
    'The passkey was used with a count that it had passed before, so there may be a copy of it.',

  // why somebody found out whose handle it is
  'asked-by-patient': 'The patient asked the hospital to find it out.',
  'asked-by-court': 'A court has asked for it.',
  'asked-by-authority': 'An authority that may ask for it has asked.',
  'misuse-inquiry': 'The hospital looks into whether records were misused.',
  'books-inquiry': 'The hospital looks into why its books and the chain, or another member, do not agree.',
} as const satisfies Record<string, string>

export type ReasonCode = keyof typeof REASONS

export const isReasonCode = (value: unknown): value is ReasonCode =>
  typeof value === 'string' && Object.hasOwn(REASONS, value)

/** The plain sentence for a reason; an unknown code is shown as itself rather than hidden. */
export const describeReason = (code: string): string =>
  isReasonCode(code) ? REASONS[code] : `Reason: ${code}.`
