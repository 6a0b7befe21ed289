import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries } from '../../indexer/index.ts'

/** A member as the audit trail names it: by its published profile, or by its id alone. */
export async function partyOf(index: IndexQueries, member: Hex): Promise<AuditParty> {
  const profile = await index.profile(member)
  return profile
    ? { id: member, name: profile.name, identifier: profile.identifier }
    : { id: member, name: member }
}
