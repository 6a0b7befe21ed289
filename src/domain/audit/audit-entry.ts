/** One line of a member's audit trail, before it is dressed as a FHIR AuditEvent or told in a sentence. */
import type { ReasonCode } from './reasons.ts'

export const AUDIT_KINDS = [
  'query',
  'list',
  'intent',
  'disclosure',
  'receipt',
  'refusal',
  'consent-granted',
  'consent-revoked',
  'consent-objected',
  'objection-withdrawn',
  'consent-unchanged',
  'locked',
  'unlocked',
  'bound',
  'share-sent',
  'share-received',
  'request-sent',
  'request-received',
  'request-step',
  'request-closed',
  'consent-approved',
  'approval-refused',
  'identity-event',
  'identity-confirmed',
  'identity-rejected',
  'identity-moved',
  'alarm',
  'anchor',
  'log-read',
  'consents-read',
  'client-changed',
  'window',
  'record-registered',
  'member-changed',
  'document-published',
  'own-record-read',
  'handle-resolved',
  'own-trail-read',
  'consents-consulted',
  'representative-changed',
  'recovery',
  'emergency-access',
  'governance',
  'hold-placed',
  'hold-lift-asked',
  'hold-lifted',
  'trail-expired',
  'case-opened',
  'case-answered',
  'case-withdrawn',
  'cases-read',
  'staff-changed',
  'staff-signed-in',
  'patient-looked-up',
] as const

export type AuditKind = (typeof AUDIT_KINDS)[number]

/** A clinical organisation, never the software that acts for it. */
export type AuditParty = {
  /** Member id: keccak256 of `system|value`, 0x-hex. */
  readonly id: string
  readonly name: string
  readonly identifier?: { readonly system: string; readonly value: string }
}

export type AuditEntry = {
  readonly id: string
  /** FHIR instant. */
  readonly recorded: string
  readonly kind: AuditKind
  /** AuditEvent.outcome: 0 success, 4 minor, 8 serious, 12 major failure. */
  readonly outcome: '0' | '4' | '8' | '12'
  /** Present where this member knows why: its own decision, or an alarm of its own. */
  readonly reason?: ReasonCode | (string & {})
  /** Whose trail this is, where it is not the party that usually writes such an entry. */
  readonly recordedBy?: 'custodian' | 'requester'
  readonly custodian?: AuditParty
  readonly requester?: AuditParty
  readonly user?: { readonly id: string; readonly name?: string; readonly role?: string }
  /** Who signed where the patient did not: a helper, by keccak256 of the key, and what the patient calls them. */
  readonly helper?: { readonly id: string; readonly name?: string }
  /** The requester's application, by its client id. */
  readonly client?: { readonly id: string }
  readonly patient?: {
    readonly identifier?: { readonly system: string; readonly value: string }
    /** `Patient/ID` at the member that keeps this trail. */
    readonly reference?: string
  }
  /** What was asked for, where a query was no search for DocumentReferences. */
  readonly operation?: string
  /** v3 PurposeOfUse code. */
  readonly purpose?: string
  readonly record?: {
    readonly id: string
    readonly resourceType?: string
    readonly dataClass?: string
    /** SHA-256 of the bytes handed on, hex. */
    readonly hash?: string
  }
  /** Reference of the Consent that decided. */
  readonly policy?: string
  readonly chain?: { readonly block: number; readonly transaction: string; readonly logIndex: number }
  /** The random name of one exchange between two members, in the books of both. */
  readonly exchange?: string
  /** `Task/ID`: the request for access that this is a step of. */
  readonly request?: string
  /** Of which it was found out whose it is, 0x-hex. */
  readonly handle?: string
  /** A few words for the reader; never a clinical content. */
  readonly note?: string
}
