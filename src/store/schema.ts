import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { IdentityKind } from '../domain/identity/identity-events.ts'

/**
 * The tables of one broker. Whatever names a person or a record is sealed with the patient's key (`sealed`) or found by
 * a keyed hash (`…_lookup`), so that destroying the patient key unlinks handle, pointers and person (design §3).
 * Times are ISO 8601 instants in UTC, written by the broker's clock.
 */
export type BrokerTables = {
  patients: {
    id: string
    /** The patient key, wrapped by the hospital's key-encryption key. */
    wrapped_key: Uint8Array
    /** PatientSecrets, sealed with the patient key. */
    sealed: Uint8Array
    handle_lookup: string
    fhir_lookup: string
    /** keccak256 of the bound signer, as on the chain; null until enrolled. */
    signer_hash: string | null
    /** The last day of a guardian whose key that is, in days since 1970-01-01 UTC; null where it is the patient's own. */
    guardian_until: number | null
    /** Which compartment keys of the current number were handed out to whom; who may have none any more changes it. */
    opened: JSONColumnType<string[]>
    /** Its handle is closed: the patient's entries went to a new one, or nobody can sign any more. */
    closed: 'moved' | 'ended' | null
    created_at: string
  }
  patient_identifiers: { lookup: string; patient_id: string }
  scopes: { scope_hash: string; patient_id: string; sealed: Uint8Array }
  terms: { patient_id: string; terms_key: string; sealed: Uint8Array }
  /** Signed acts of a patient, kept before they are acknowledged; a restriction counts from here on (I5). */
  acts: {
    digest: string
    patient_id: string
    act: string
    scope_hash: string | null
    up_to: number | null
    terms_key: string | null
    sealed: Uint8Array
    received_at: string
  }
  records: {
    tag: string
    /** The order in which entries were written. */
    seq: Generated<number>
    patient_id: string
    key_number: number
    compartment: string
    position: number
    kind: string
    commitment: string
    pointer: Uint8Array
    /** Keyed hashes of type/id and of type/id/version; null for entries that name no version. */
    record_lookup: string | null
    version_lookup: string | null
    /** StoredRecord, sealed with the patient key. */
    sealed: Uint8Array
    /** The outbox row that carries it to the chain; null until batched. */
    outbox_id: number | null
    created_at: string
  }
  compartments: { patient_id: string; key_number: number; compartment: string; next: number }
  /** How far the FHIR history is read: `fhir`, and `fhir-far` at the last reading that looked for late commits. */
  feed: { name: string; since: string }
  /** Stretches of the FHIR history that are read page by page, from the newest version back to an instant. */
  feed_gaps: {
    id: Generated<number>
    /** The oldest instant that belongs to it; null: the beginning. */
    since: string | null
    /** The server's link to the next page; null: begin again with the newest version. */
    next: string | null
    versions_read: number
    /** As the server counts them; null where it does not. */
    versions_in_all: number | null
    begun_at: string
  }
  /** Versions that the comparison under way has seen at the FHIR server; emptied when it ends. */
  reconciled: { version_lookup: string }
  chain_outbox: {
    id: Generated<number>
    dedupe_key: string
    contract: string
    data: string
    status: 'pending' | 'sent' | 'mined' | 'failed'
    tx_hash: string | null
    block: number | null
    attempts: number
    error: string | null
    created_at: string
  }
  /** What this member asked of patients elsewhere, by its commitment on the chain. */
  requests_sent: {
    commitment: string
    custodian: string
    /** Block time in seconds. */
    deadline: number
    /** SentRequest, sealed with the store key. */
    sealed: Uint8Array
    created_at: string
  }
  /** What others ask of this member's patients. Of anybody else no more is kept than what it takes to close alike. */
  requests_received: {
    commitment: string
    requester: string
    patient_id: string | null
    deadline: number
    /** AccessRequest, sealed with the patient's key; null where it is of nobody here. */
    sealed: Uint8Array | null
    /** The commitment's inner hash, in the request's place. */
    inner_hash: string | null
    /** The custodian's own word, given before or after the patient's. */
    decision: 'approved' | 'rejected' | null
    decided_by: string | null
    patient_refused: boolean
    /** Digest of the patient's grant in answer. */
    answer: string | null
    /** Outcome and its salt, sealed with the store key; null until closed. */
    outcome: Uint8Array | null
    created_at: string
  }
  /** Grants that count only with the custodian's approval, by the digest of the act. */
  approvals: {
    digest: string
    patient_id: string
    scope_hash: string
    version: number
    epoch: number
    /** Block time in seconds. */
    deadline: number
    status: 'waiting' | 'approved' | 'rejected'
    decided_by: string | null
    created_at: string
  }
  /** What a hospital's program filed for a patient to sign, by the Consent's id: one for each slot. */
  proposals: {
    consent_id: string
    patient_id: string
    effect: 'permit' | 'deny' | 'end'
    /** FiledWish, sealed with the patient's key. */
    sealed: Uint8Array
    created_at: string
  }
  shares_sent: {
    patient_id: string
    grantee: string
    scope_hash: string
    reference: string
    sequence: number
    digest: string
  }
  exchange_outbox: {
    id: Generated<number>
    member: string
    path: string
    body: string
    /** The own patient whom it is about, where it has to be taken back when that one's identity is in doubt. */
    about: string | null
    /** The own key that signed it, by its kid: with another one it is said anew. Null where somebody else signed it, or before. */
    signed_by: string | null
    attempts: number
    next_at: string
    delivered_at: string | null
  }
  shares_received: {
    id: string
    custodian: string
    reference: string
    sequence: number
    ended: boolean
    /** ReceivedShare, sealed with the store key. */
    sealed: Uint8Array
  }
  share_identifiers: { lookup: string; share_id: string }
  received_records: { record_id: string; share_id: string; tag: string; sealed: Uint8Array }
  /** What went to other members, and what came from them, by the exchange's random name. */
  exchanges: {
    id: string
    side: 'custodian' | 'requester'
    peer: string
    at: string
    /** KeptExchange, sealed with the store key. */
    sealed: Uint8Array
    /** `refused`: received here, and the custodian has no such exchange in its books. */
    state: 'open' | 'matched' | 'refused'
    /** At a custodian: the receipt that names it. */
    receipt: string | null
  }
  /** Receipts of other members, as they came, sealed once more with the store key. */
  receipts: { digest: string; peer: string; at: string; sealed: Uint8Array }
  /** Programs that were registered while the broker ran; those of the configuration are not here. */
  clients: {
    client_id: string
    name: string
    /** JSON list. */
    scopes: string
    /** A JSON Web Key Set of public keys, or null where the client publishes its own at `jwks_uri`. */
    jwks: string | null
    jwks_uri: string | null
    registered_by: string
    created_at: string
    /** Set once; the row stays, so that the id is never another's. */
    removed_at: string | null
  }
  /** Calls sent under an `Idempotency-Key`: keyed hashes of caller and key, and of the request. */
  idempotency: {
    key: string
    request: string
    /** StoredAnswer, sealed with the store key; null while the request is under way. */
    answer: Uint8Array | null
    started_at: string
    expires_at: string
  }
  /** Changes of consents, in the order in which they are told. */
  events: {
    seq: Generated<number>
    id: string
    change: string
    /** `own` for this hospital's patients, `received` for what others share with it. */
    side: string
    at: string
    /** EventSubject, sealed with the store key. */
    sealed: Uint8Array
  }
  /** Webhooks of the hospital's programs, with how far each has been told. */
  subscriptions: {
    id: string
    client_id: string
    /** Of what it hears: changes of consents, or lines of the trail. */
    topic: Generated<'consent' | 'audit'>
    endpoint: string
    reason: string
    /** The last event that it has, or need not have. */
    cursor: number
    /** How many events it was told. */
    sent: number
    status: 'requested' | 'active' | 'off'
    attempts: number
    next_at: string
    created_at: string
  }
  replay: { key: string; expires_at: string }
  /** `signer_hash` is keccak256 of the key that signed in, and what it may is asked anew with each request. */
  sessions: { token_hash: string; patient_id: string; expires_at: string; signer_hash: string }
  /** Keys other than the owner's that sign for a handle, as the chain's events say: where to look, not what is allowed. */
  patient_signers: { patient_id: string; signer_hash: string; kind: 'candidate' | 'delegate' }
  /** What came along with the appointment of a helper: name, scopes and bounds, sealed with the patient key. */
  delegations: {
    patient_id: string
    delegate: string
    version: number
    sealed: Uint8Array
    created_at: string
  }
  /** What the desk has begun to give a patient another key. */
  recoveries: {
    id: string
    patient_id: string
    /** Whether it overrides a veto. */
    overrides: boolean
    /** The last day of a guardian who takes over, YYYY-MM-DD; null where the patient does. */
    guardian_until: string | null
    /** RecoveryProof, sealed with the patient key: what the guardian has shown. */
    sealed: Uint8Array | null
    code_hash: string
    first_registrar: string
    second_registrar: string | null
    attempts: number
    used: boolean
    expires_at: string
    /** What the new key has signed, once it has: the attempt, its hash, and for an override the calldata of both registrars. */
    attempt: number | null
    new_signer: string | null
    calldata: string | null
    created_at: string
  }
  challenges: { nonce_hash: string; signer: string; expires_at: string }
  enrolments: {
    id: string
    patient_id: string
    /** As of `recoveries`: the last day of a guardian who signs for the patient. */
    guardian_until: string | null
    started_by: Generated<'registrar' | 'patient'>
    /** Null until the code is drawn: where the patient asked, by the second confirmation. */
    code_hash: string | null
    first_registrar: string | null
    second_registrar: string | null
    rejected_by: string | null
    /** EnrolmentBody, sealed with the patient's key; null where it is from before there was one. */
    sealed: Uint8Array | null
    attempts: number
    used: boolean
    expires_at: string
    created_at: Generated<string>
  }
  /** What strangers asked: to be enrolled. Kept for a day, for the limit; of whom they said they are, until it is looked up. */
  enrolment_requests: {
    id: string
    identifier_lookup: string
    /** EnrolmentRequest, sealed with the store key; null once it was looked up. */
    sealed: Uint8Array | null
    attempts: number
    next_at: string
    created_at: string
  }
  /** Messages to patients' contact points that no gateway has taken yet. */
  messages: {
    id: string
    patient_id: string
    kind: 'enrolment-code' | 'enrolled-already' | 'changed'
    /** ContactMessage, sealed with the patient's key. */
    sealed: Uint8Array
    attempts: number
    next_at: string
    /** Not sent any more after this. */
    expires_at: string
    created_at: string
  }
  patient_preferences: {
    patient_id: string
    channel: 'none' | 'contact'
    language: string | null
    /** When the last message said that something changed. */
    told_at: string | null
  }
  /** What a patient is to know. Made of the trail once, and kept when the trail's line is gone. */
  notices: {
    id: string
    seq: Generated<number>
    patient_id: string
    /** A keyed hash of what it is about, so that nothing is told twice. */
    source: string
    /** NoticeBody, sealed with the patient's key. */
    sealed: Uint8Array
    read: boolean
    created_at: string
  }
  /** What a patient says looks wrong, and what the hospital answers. */
  cases: {
    id: string
    patient_id: string
    state: 'open' | 'answered' | 'closed'
    /** CaseBody, sealed with the patient's key. */
    sealed: Uint8Array
    created_at: string
    changed_at: string
  }
  access_log: {
    seq: Generated<number>
    at: string
    /** Salt and body are null once they were deleted; the leaf stays, since proofs of its neighbours need it. */
    salt: Uint8Array | null
    leaf: string
    window_number: number | null
    patient_lookup: string | null
    sealed: Uint8Array | null
  }
  /** `padding` is the window's random leaf: with it and the entries' leaves, anybody can be shown a proof of one entry. */
  windows: {
    number: number
    from_time: number
    until_time: number
    root: string
    padding: string
    outbox_id: number
    /** When the oldest of its entries was recorded; null in an empty window. */
    oldest: string | null
  }
  /** Something happened to the identity of patients; until it is decided on, nothing of theirs is shared or widened. */
  identity_events: {
    id: string
    /** The gravest of its changes. */
    kind: IdentityKind
    /** `confirmed`: decided, and entries are on their way to new handles. */
    status: 'open' | 'confirmed' | 'done' | 'rejected'
    /** The last entry (`records.seq`) before it. */
    records_from: number
    /** What the first person has said; the second has to say the same. */
    word: 'confirm' | 'reject' | null
    first_person: string | null
    second_person: string | null
    /** EventBody, sealed with the store key. */
    sealed: Uint8Array
    created_at: string
    closed_at: string | null
  }
  identity_event_patients: { event_id: string; patient_id: string }
  audit_events: {
    id: string
    seq: Generated<number>
    recorded: string
    kind: string
    patient_lookup: string | null
    /** Chain-derived rows carry their place, so that a reorganisation can take them back. */
    block: number | null
    sealed: Uint8Array
    /** Its number in the order in which the trail is told; null until it is filed. */
    place: ColumnType<number | null, number | null | undefined, number | null>
    /** Keyed hashes of what it is searched by; null until it is filed. */
    terms: ColumnType<string[] | null, string | null | undefined, string | null>
  }
  /** How far the trail is filed, and how far each sink has it. */
  audit_marks: {
    name: string
    place: number
    /** Until then a process of this broker is at it. */
    busy_until: string
  }
  /** Legal holds: what they cover is not deleted, however old. */
  audit_holds: {
    id: string
    /** Instants, inclusive and exclusive; null: open. */
    from_at: string | null
    until_at: string | null
    /** Whether it covers all of the trail; otherwise the patients of audit_hold_patients. */
    everybody: boolean
    /** HoldBody, sealed with the store key. */
    sealed: Uint8Array
    placed_by: string
    placed_at: string
    /** The first of the two persons that it takes to lift it. */
    lift_asked_by: string | null
    lifted_by: string | null
    lifted_at: string | null
  }
  audit_hold_patients: { hold_id: string; lookup: string }
  /** Who may use the console; name sealed with the store key. Those who were removed stay, since the trail names them. */
  console_people: {
    id: string
    role: 'auditor' | 'compliance'
    /** By which a passkey names its owner (WebAuthn `user.id`), base64url. */
    user_handle: string
    sealed: Uint8Array
    invited_at: string
    removed_at: string | null
  }
  /** Codes by which a passkey may be made, once. */
  console_invitations: { code_hash: string; person_id: string; expires_at: string }
  /** `id` and `public_key` (COSE) as WebAuthn has them; `counter`: how often it had been used when it was used last. */
  console_passkeys: {
    id: string
    person_id: string
    public_key: Uint8Array
    counter: number
    made_at: string
  }
  /** What a passkey is to sign next; each once. */
  console_challenges: { hash: string; person_id: string | null; expires_at: string }
  console_sessions: { token_hash: string; person_id: string; idle_at: string; ends_at: string }
  /** What the pages of one session call a person, a consent, a request or an organisation; ends with it. */
  console_references: { session: string; reference: string; sealed: Uint8Array }
  console_searches: { id: string; person_id: string; sealed: Uint8Array; saved_at: string }
  projection: { name: string; block: number; log_index: number }
  /** Checkpoints of members, this one and the others, by what they say; evidence, and never deleted. */
  checkpoints: {
    member: string
    block: number
    /** SHA-256 of what it says, without its time: two of one member and block contradict each other. */
    digest: string
    jws: string
    /** The public key that it was verified with; JSON. */
    jwk: string
    /** `own`; `rewritten`: own, and the chain has another history since; else how it compares, see checkpoint.ts. */
    verdict: 'own' | 'rewritten' | 'agrees' | 'other-view' | 'split'
    /** When it was signed or taken. */
    at: string
  }
  /** Ids of entries that a comparison of log and chain has met; removed when it ends. */
  compared_entries: { run: string; id: string; at: string }
  /** Who asked whose a handle is, and when: for the limit alone, a day long. The access log has what was asked and why. */
  resolutions: { id: string; at: string; client_id: string; person_lookup: string }
}

/** The chain-derived index: blocks seen and the events of our contracts in total order (I10). */
export type IndexTables = {
  blocks: { number: number; hash: string; parent: string; time: number }
  /** First blocks of reorganisations that those who listen have not all followed yet; empty most of the time. */
  forks: { block: number }
  /** How many rows there are up to every hundredth block, and the running hash over them. */
  row_hashes: { block: number; rows: number; hash: string }
  events: {
    block: number
    log_index: number
    transaction: string
    contract: string
    name: string
    /** The first two indexed arguments, for look-ups; empty text where there is none. */
    key1: string
    key2: string
    /** Canonical JSON of all arguments, integers as decimal text. */
    args: string
  }
}
