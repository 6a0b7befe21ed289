import type { AuditEntry, AuditParty } from '../../domain/audit/audit-entry.ts'
import { recorderOf } from '../../domain/audit/audit-shapes.ts'
import { describeReason } from '../../domain/audit/reasons.ts'
import { DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import { ANY_PURPOSE, purposeDisplay } from '../../domain/consent/purposes.ts'
import type { Column } from '../../domain/reports/report.ts'

const UNKNOWN_PARTY = 'not known'

/** Whether an entry tells of what this hospital did as custodian; else of what it met as the one that asked. */
export function isCustodians(entry: AuditEntry, self: AuditParty): boolean {
  const [gives, asks] = [entry.custodian?.id === self.id, entry.requester?.id === self.id]
  return gives === asks ? recorderOf(entry)?.id === entry.custodian?.id : gives
}

/** The other side of what an entry tells. */
export const otherParty = (entry: AuditEntry, self: AuditParty): AuditParty | undefined =>
  isCustodians(entry, self) ? entry.requester : entry.custodian

export const nameOf = (party: AuditParty | undefined): string => party?.name ?? UNKNOWN_PARTY

export const identifierOf = (party: AuditParty | undefined): string | null =>
  party?.identifier ? `${party.identifier.system}|${party.identifier.value}` : null

/** The kind of data, in words: never what it says. */
export function dataOf({ record }: AuditEntry): string | null {
  if (record === undefined) return null
  const kind = isDataClass(record.dataClass) ? DATA_CLASSES[record.dataClass].label : record.dataClass
  return [kind, record.resourceType && `(${record.resourceType})`].filter(Boolean).join(' ') || 'A record'
}

export const purposeOf = ({ purpose }: AuditEntry): string | null =>
  purpose === undefined
    ? null
    : purpose === ANY_PURPOSE
      ? 'any purpose'
      : `${purposeDisplay(purpose)} (${purpose})`

export const reasonOf = ({ reason }: AuditEntry): string | null =>
  reason === undefined ? null : describeReason(reason)

export const personOf = ({ user }: AuditEntry): string | null => user?.name ?? user?.id ?? null

export const text = (key: string, title: string): Column => ({ key, title, kind: 'text' })
export const code = (key: string, title: string): Column => ({
  ...{ key, title, kind: 'text' },
  detail: 'code',
})
/** What other columns say as well, or nearly. */
export const more = (column: Column): Column => ({ ...column, detail: 'more' })
export const count = (key: string, title: string): Column => ({ key, title, kind: 'count' })
export const instant = (key: string, title: string): Column => ({ key, title, kind: 'instant' })
export const length = (key: string, title: string): Column => ({ key, title, kind: 'ms' })
