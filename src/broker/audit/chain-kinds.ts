import type { AuditKind } from '../../domain/audit/audit-entry.ts'
import type { IndexedEvent } from '../../indexer/index.ts'

/** What an event of the chain becomes in the trail of a member that is a party to it. */
export const CHAIN_KINDS: Readonly<Partial<Record<string, AuditKind>>> = {
  ConsentGranted: 'consent-granted',
  ConsentRevoked: 'consent-revoked',
  ConsentObjected: 'consent-objected',
  ObjectionWithdrawn: 'objection-withdrawn',
  ConsentUnchanged: 'consent-unchanged',
  HandleBound: 'bound',
  HandleLocked: 'locked',
  HandleUnlocked: 'unlocked',
  WindowAnchored: 'window',
  MemberAdmitted: 'member-changed',
  MemberSuspended: 'member-changed',
  MemberReinstated: 'member-changed',
  MemberRemoved: 'member-changed',
  RequestClosed: 'request-closed',
  RequestLapsed: 'request-closed',
}

/** The id of an event's line in the trail, in every replay. */
export const lineIdOf = ({ transaction, logIndex }: Pick<IndexedEvent, 'transaction' | 'logIndex'>): string =>
  `${transaction.slice(2, 34)}-${logIndex}`
