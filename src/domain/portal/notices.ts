import type { AuditEntry, AuditParty } from '../audit/audit-entry.ts'

/** What a patient is to know without looking for it. */
export const NOTICE_KINDS = [
  /** Somebody opened records for the first time under a consent. */
  'first-access',
  /** Somebody tried to and was refused; told once a day for one party, purpose and reason. */
  'access-refused',
  /** Records went out in an emergency, without a consent. */
  'emergency-access',
  /** Access in emergencies was allowed or excluded. */
  'emergency-setting',
  'request-waiting',
  'proposal-waiting',
  /** A consent ends within {@link ENDING_WITHIN_DAYS} days. */
  'consent-ending',
  'identity-frozen',
  'case-answered',
  'key-bound',
  /** A new key is being put in place of the old one: which step, `event` says. */
  'recovery',
  'representative-changed',
] as const

export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** Days before its end at which a consent is said to end. */
export const ENDING_WITHIN_DAYS = 14

/** Plain facts: codes and parties, which a portal words. */
export type NoticeBody = {
  kind: NoticeKind
  /** FHIR instant: when it happened. */
  at: string
  /** The organisation that it is about. */
  party?: AuditParty
  /** v3 PurposeOfUse code. */
  purpose?: string
  /** Why it was refused, as docs/errors.md has it. */
  reason?: string
  /** YYYY-MM-DD, included: until when a consent lasts. */
  until?: string
  /** The consent's party, where it need not be an organisation: `granteeType` and `grantee` of its scope. */
  grantee?: { granteeType: string; grantee: string }
  /** Name of the contract's event: which step of a recovery, or what of a representative. */
  event?: string
  /** Id of what it is about: an entry of the history, a proposal, or a case. */
  about?: string
}

export type OwnNotice = NoticeBody & { id: string; read: boolean }

/** A page of notices, newest first. `next` goes into `before` of the next call. */
export type OwnNotices = { notices: OwnNotice[]; unread: number; next?: string }

/** On which way, beside the portal, a patient is told that something changed. */
export type OwnPreferences = { channel: 'none' | 'contact'; language?: 'en' | 'nl' | 'es' | 'ar' }

/** What of an entry of the trail is a notice, and by what it is told apart from others; undefined for what is none. */
export function noticeOf(entry: AuditEntry): { source: string; body: NoticeBody } | undefined {
  const { id, kind, recorded: at, requester: party, purpose, reason, policy, note } = entry
  const common = { at, ...(party ? { party } : {}), ...(purpose ? { purpose } : {}), about: id }
  const day = at.slice(0, 10)
  switch (kind) {
    case 'disclosure':
      return purpose === 'BTG'
        ? {
            source: `emergency|${party?.id}|${day}`,
            body: { kind: 'emergency-access', ...common },
          }
        : { source: `first|${party?.id}|${policy}`, body: { kind: 'first-access', ...common } }
    case 'refusal':
      return {
        source: `refused|${party?.id}|${purpose}|${reason}|${day}`,
        body: { kind: 'access-refused', ...common, ...(reason ? { reason } : {}) },
      }
    case 'request-received':
      return { source: `entry|${id}`, body: { kind: 'request-waiting', ...common } }
    case 'identity-event':
      return { source: `frozen|${day}`, body: { kind: 'identity-frozen', at, about: id } }
    case 'bound':
      return { source: `entry|${id}`, body: { kind: 'key-bound', at, about: id } }
    case 'recovery':
    case 'representative-changed':
    case 'emergency-access':
      return {
        source: `entry|${id}`,
        body: {
          ...{ kind: kind === 'emergency-access' ? 'emergency-setting' : kind, at, about: id },
          ...(note ? { event: note } : {}),
        },
      }
    default:
      return undefined
  }
}

/** Kinds of entries of which {@link noticeOf} makes one. */
export const NOTICED_KINDS: readonly AuditEntry['kind'][] = [
  ...(['disclosure', 'refusal', 'request-received', 'identity-event', 'bound'] as const),
  ...(['recovery', 'representative-changed', 'emergency-access'] as const),
]
