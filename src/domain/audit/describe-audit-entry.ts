/** Tells an audit entry in one plain English sentence, for the terminal and for the patient. */
import { DATA_CLASSES, isDataClass } from '../consent/data-classes.ts'
import { ANY_PURPOSE, purposeDisplay } from '../consent/purposes.ts'
import type { AuditEntry, AuditKind } from './audit-entry.ts'
import { recorderOf } from './audit-shapes.ts'
import { describeReason } from './reasons.ts'

type Teller = (entry: AuditEntry) => string

const custodian: Teller = (entry) => entry.custodian?.name ?? 'the hospital'
const requester: Teller = (entry) => entry.requester?.name ?? 'another organisation'

const SENTENCES: Readonly<Record<AuditKind, Teller>> = {
  query: (e) => `${who(e)} looked for records that other hospitals share about the patient${why(e)}`,
  list: (e) => `${custodian(e)} told ${who(e)} which records it may see${why(e)}`,
  intent: (e) => `${custodian(e)} decided to give ${record(e)} to ${who(e)}${why(e)}`,
  disclosure: (e) => `${custodian(e)} gave ${record(e)} to ${who(e)}${why(e)}`,
  receipt: (e) => `${who(e)} received ${record(e)} from ${custodian(e)}${why(e)} and verified it`,
  refusal: (e) => `${custodian(e)} refused ${what(e)} to ${who(e)}${why(e)}`,
  'consent-granted': (e) => `The patient allowed ${requester(e)} to see records of ${custodian(e)}${why(e)}`,
  'consent-revoked': (e) =>
    `The patient stopped ${requester(e)} from seeing records of ${custodian(e)}${why(e)}`,
  'consent-objected': (e) =>
    `The patient objected to ${requester(e)} seeing records of ${custodian(e)}${why(e)}`,
  'objection-withdrawn': (e) =>
    `The patient withdrew an objection against ${requester(e)} at ${custodian(e)}${why(e)}`,
  'consent-unchanged': (e) =>
    `A signed withdrawal reached ${custodian(e)}, but a newer consent stands, so nothing changed`,
  locked: (e) => `The patient locked all sharing from ${custodian(e)}`,
  unlocked: (e) => `The patient unlocked sharing from ${custodian(e)}`,
  bound: (e) => `The patient's key was bound at ${custodian(e)}`,
  'share-sent': (e) => `${custodian(e)} told ${requester(e)} where the records are that it may see${why(e)}`,
  'share-received': (e) =>
    `${requester(e)} learnt from ${custodian(e)} where the records are that it may see${why(e)}`,
  'request-sent': (e) => `${who(e)} asked the patient for access to records of ${custodian(e)}${why(e)}`,
  'request-received': (e) =>
    `${custodian(e)} received a request of ${requester(e)} for access to records${why(e)}`,
  'request-step': (e) =>
    `${e.user ? `${person(e)} at ${custodian(e)}` : 'The patient'} decided on a request of ${requester(e)} for access to records${why(e)}`,
  'request-closed': (e) =>
    `${custodian(e)} closed a request of ${requester(e)} for access to records${why(e)}`,
  'consent-approved': (e) =>
    `${e.user ? `${person(e)} at ` : ''}${custodian(e)} approved a consent of the patient for ${requester(e)}${why(e)}`,
  'approval-refused': (e) =>
    `${e.user ? `${person(e)} at ` : ''}${custodian(e)} did not approve a consent of the patient for ${requester(e)}${why(e)}`,
  'identity-event': (e) =>
    `${custodian(e)} is finding out whose records these are, and shares nothing meanwhile`,
  'identity-confirmed': (e) => `${deciding(e)} confirmed what happened to the identity of the patient`,
  'identity-rejected': (e) => `${deciding(e)} rejected what was said of the identity of the patient`,
  'identity-moved': (e) => `${custodian(e)} closed the handle of the patient`,
  alarm: (e) => `Alarm at ${observer(e)}${e.record ? ` about ${record(e)}` : ''}`,
  anchor: () => 'Something was written on the chain that this member cannot open',
  'log-read': (e) => `${e.user ? person(e) : 'Somebody'} read the audit trail of ${observer(e)}`,
  'consents-read': (e) => `${e.user ? person(e) : 'Somebody'} at ${custodian(e)} read the patient's consents`,
  'client-changed': (e) =>
    `${e.user ? person(e) : 'Somebody'} at ${custodian(e)} changed what programs may call its broker`,
  window: (e) => `${observer(e)} anchored a window of its audit trail on the chain`,
  'record-registered': (e) => `${custodian(e)} registered ${record(e)}`,
  'document-published': (e) =>
    `${e.user ? person(e) : 'Somebody'} at ${custodian(e)} added documents to the patient's record`,
  'own-record-read': (e) => `The patient read their own record at ${custodian(e)}`,
  'own-trail-read': (e) => `The patient read at ${custodian(e)} who has seen what about them`,
  'consents-consulted': (e) =>
    `${e.user ? person(e) : 'Somebody'} at ${custodian(e)} asked whether ${requester(e)} may see records of the patient${why(e)}`,
  'representative-changed': (e) => `Who may act for the patient at ${custodian(e)} changed`,
  recovery: (e) => `The patient is getting a new key at ${custodian(e)}`,
  'emergency-access': (e) =>
    e.patient
      ? `The patient decided on access in emergencies at ${custodian(e)}`
      : `${requester(e)} declared an emergency, in which it may ask for records without a consent`,
  governance: () => 'The council or the contracts of the network changed something',
  'hold-placed': (e) => `${person(e)} at ${custodian(e)} placed a legal hold on the audit trail`,
  'hold-lift-asked': (e) =>
    `${person(e)} at ${custodian(e)} asked that a legal hold on the audit trail be lifted`,
  'hold-lifted': (e) => `${person(e)} at ${custodian(e)} lifted a legal hold on the audit trail`,
  'trail-expired': (e) => `${custodian(e)} deleted lines of its audit trail that it need not keep any longer`,
  'case-opened': (e) => `The patient told ${custodian(e)} that something looks wrong`,
  'case-answered': (e) => `${deciding(e)} answered what the patient said looks wrong`,
  'case-withdrawn': (e) => `The patient took back what they told ${custodian(e)}`,
  'cases-read': (e) =>
    `${e.user ? person(e) : 'Somebody'} at ${custodian(e)} read what patients say looks wrong`,
  'staff-changed': (e) => `${custodian(e)} changed who may use its console`,
  'staff-signed-in': (e) => `${deciding(e)} signed in to the console`,
  'patient-looked-up': (e) => `${deciding(e)} looked the patient up in the console`,
  'handle-resolved': (e) =>
    e.outcome === '0'
      ? `${deciding(e)} found out whose handle this is`
      : `${deciding(e)} asked whose handle this is and was not told`,
  'member-changed': (e) =>
    `The membership of ${e.custodian?.name ?? e.requester?.name ?? 'an organisation'} changed`,
}

/** One sentence with a full stop; where a reason or a note is known, it follows in a second. */
export function describeAuditEntry(entry: AuditEntry): string {
  const sentence = `${capital(SENTENCES[entry.kind](entry))}.`
  const reason = entry.reason === undefined ? undefined : describeReason(entry.reason)
  const failed = entry.outcome !== '0' && entry.kind !== 'refusal' && entry.kind !== 'alarm'
  return [sentence, failed ? 'It did not succeed.' : undefined, reason, entry.note].filter(Boolean).join(' ')
}

const observer: Teller = (e) => recorderOf(e)?.name ?? 'a member'

const deciding: Teller = (e) => `${e.user ? `${person(e)} at ` : ''}${custodian(e)}`

function who(entry: AuditEntry): string {
  return entry.user === undefined ? requester(entry) : `${person(entry)} at ${requester(entry)}`
}

function person({ user }: AuditEntry): string {
  if (user === undefined) return 'somebody'
  const name = user.name ?? `user ${user.id}`
  return user.role === undefined ? name : `${name} (${user.role})`
}

function why({ purpose }: AuditEntry): string {
  if (purpose === undefined) return ''
  return purpose === ANY_PURPOSE ? ' for any purpose' : ` for ${purposeDisplay(purpose)}`
}

/** A record by what it is to the patient: its class, not its id. */
function record({ record: named }: AuditEntry): string {
  const { dataClass, resourceType } = named ?? {}
  if (isDataClass(dataClass)) return `a record (${DATA_CLASSES[dataClass].label.toLowerCase()})`
  return resourceType === undefined ? 'a record' : `a record (${resourceType})`
}

const what: Teller = (e) => (e.record === undefined ? 'a request' : record(e))

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
