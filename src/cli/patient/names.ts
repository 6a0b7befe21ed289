import { CARE_CLASSES, DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import { isGrantableKind, SENSITIVE_KINDS } from '../../domain/consent/sensitivities.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Party } from '../../patient/acts.ts'
import type { SandboxFile } from '../../sandbox/sandbox-file.ts'

export type Hospital = SandboxFile['hospitals'][number]

export const ALL_CLASSES = Object.keys(DATA_CLASSES).filter(isDataClass)
export const DEFAULT_CLASSES = CARE_CLASSES
export const ALL_KINDS = Object.keys(SENSITIVE_KINDS).filter(isGrantableKind)

/**
 * The hospital that a key (`hospital-2`), a member id (`0x…`) or an identifier (`system|value`) names.
 * @throws RangeError when there is none such.
 */
export function hospitalOf({ hospitals }: SandboxFile, id: string): Hospital {
  const found = hospitals.find(
    ({ key, member, identifier }) =>
      key === id || member.toLowerCase() === id.toLowerCase() || identifierText(identifier) === id,
  )
  if (found) return found
  throw new RangeError(
    `There is no hospital ${id} here. Known: ${hospitals.map(({ key }) => key).join(', ')}.`,
  )
}

/**
 * Whom `--to` names: a hospital as above, any other organisation by `system|value`, `group:NAME`, or `everyone`.
 * @throws RangeError when it is none of these.
 */
export function partyOf(sandbox: SandboxFile, id: string): Party {
  if (id === 'everyone') return { granteeType: 'Everyone', grantee: '' }
  if (id.startsWith('group:') && id.length > 'group:'.length) {
    return { granteeType: 'Group', grantee: id.slice('group:'.length) }
  }
  if (/^[^|]+\|[^|]+$/.test(id)) return { granteeType: 'Organization', grantee: id }
  return { granteeType: 'Organization', grantee: identifierText(hospitalOf(sandbox, id).identifier) }
}

/** A party as people call it. */
export function partyName({ hospitals }: SandboxFile, { granteeType, grantee }: Party): string {
  if (granteeType === 'Everyone') return 'everyone'
  if (granteeType === 'Group') return `the group ${grantee}`
  return hospitals.find(({ identifier }) => identifierText(identifier) === grantee)?.name ?? grantee
}

/** A comma-separated list, or `all`. */
export function listOf(text: string, all: readonly string[]): string[] {
  if (text === 'all') return [...all]
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
