/**
 * Every sentence that a process of ours writes to its log. A log entry has one of these and nothing else in its `msg`, so
 * that no sentence can be made of what a caller sent or a server answered. `docs/operate.md` says which call for action.
 */
export const LOG_MESSAGES = [
  // the process
  'the start takes long',
  'the broker serves',
  'the broker cannot start',
  'the broker drains: it is no longer ready',
  'the broker refuses new requests and lets those under way end',
  'requests under way were cut off at the end of the drain',
  'the broker has stopped',
  'a second signal ends the process at once',
  'the process fails',
  'the runtime warns',
  'the key file is not encrypted',
  'the certificates were read anew',
  'the certificates could not be read; the former ones stay',

  // the console
  'the console is off: its pages are not built',

  // requests
  'a request failed',
  'a request was refused',
  'a request was answered',
  'the operator’s listener failed',

  // the chain
  'the chain was reorganised; the index follows',
  'the chain was reorganised deeper than it may be',
  'the index is being built',
  'the index has caught up with the chain',
  'indexing stopped short; it goes on with the next head',
  'a contract refused a transaction',
  'a veto could not be overridden',
  'recoveries wait for the chain',
  'the chain cannot be reached; the outbox waits',
  'the chain refused a window; its entries go into the next one',
  'the window stays open',
  'the audit trail waits for the next block',
  'the chain is not the same for all members',
  'a member has shown no checkpoint for long',
  'checkpoints could not be compared; it is tried again',
  'the audit trail is filed at the next turn',
  'lines of the audit trail wait to be pushed',
  'lines of the audit trail were deleted at the end of their retention',
  'old lines of the audit trail stay until the next turn',

  // records
  'no hook could be set; the history is read by the clock',
  'the FHIR server could not be followed; it is tried again',
  'the history is being read',
  'the history has been read',
  'the history of the FHIR server leads in a circle; it is read anew',
  'FHIR server, books and chain were compared',
  'FHIR server, books and chain could not be compared',
  'the FHIR server did not answer',
  'the FHIR server failed',
  'entries wait to be batched',
  'a version cannot be committed to and is not registered',
  'a record is no longer what was registered',

  // other members
  'a member refused a message',
  'a member must not be called; its messages wait',
  'the outbox waits',
  'receipts wait',
  'checkpoints wait',
  'shares wait',
  'requests that are due wait',
  'a custodian did not list',
  'a list did not verify; none of it is shown',
  'an answer did not verify; nothing is handed on',
  'a content broke off',
  'a receipt does not match what was disclosed',
  'audit trail, chain and other members were compared',
  'audit trail, chain and other members do not agree',
  'audit trail, chain and other members could not be compared',

  // programs of this hospital, and its records office
  'a webhook did not take its events',
  'events wait for the next turn',
  'entries wait to be moved to a new handle',

  // patients
  'a message to a patient waits for its gateway',
  'a message to a patient was not taken in time',
  'messages to patients wait for the next turn',
  'requests for enrolment wait for the next turn',
  'notices wait for the next turn',

  // in place of a sentence that is not in this list
  'an entry whose message is not in the list',
] as const

export type LogMessage = (typeof LOG_MESSAGES)[number]

/** What a broker does while it starts, as an entry names it. */
export const START_STEPS = [
  'the beginning',
  'its tables',
  'its side of the chain',
  'its port',
  'the hook at the FHIR server',
  'the index, which catches up with the chain',
  'its profile',
  'the window that the last stop left open',
] as const
