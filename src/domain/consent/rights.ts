import type { ActName } from './typed-data.ts'

/** What a delegate may do, from the lowest bit of `acts`; layout as in contracts/patients/Rights.sol. */
export const DELEGATE_ACTS = [
  'mayGrant',
  'mayRevoke',
  'mayObject',
  'mayWithdrawObjections',
  'mayLock',
  'mayUnlock',
] as const
export type DelegateAct = (typeof DELEGATE_ACTS)[number]

const KINDS = ['none', 'owner', 'delegate', 'guardian', 'candidate'] as const

/** What a signer is to a handle. A candidate is the new key of a recovery that is pending. */
export type SignerKind = (typeof KINDS)[number]

/** A signer's rights on a handle, as the PatientRegistry packs them. */
export type Rights = {
  kind: SignerKind
  may: Record<DelegateAct, boolean>
  /** The flags that a delegate's grants may carry, as bits. */
  flags: number
  /** The longest period that a delegate may grant, in days. */
  longestDays: number
  /** Last day of a delegate or guardian, in days since 1970-01-01 UTC; 0 for an owner. */
  untilDay: number
  /** Of the delegation; it only rises. */
  version: number
  /** Whether a delegate may widen some scopes only. */
  scoped: boolean
}

const bits = (word: bigint, from: number, width: number) =>
  Number((word >> BigInt(from)) & ((1n << BigInt(width)) - 1n))

/** @throws RangeError when the kind or the acts hold what no contract of ours writes (I3). */
export function readRights(word: bigint): Rights {
  const kind = KINDS[bits(word, 0, 8)]
  const acts = bits(word, 8, 8)
  if (!kind) throw new RangeError('rights of an unknown kind')
  if (acts >= 1 << DELEGATE_ACTS.length) throw new RangeError('rights to unknown acts')
  return {
    kind,
    may: Object.fromEntries(DELEGATE_ACTS.map((name, i) => [name, (acts & (1 << i)) !== 0])) as Rights['may'],
    flags: bits(word, 16, 8),
    longestDays: bits(word, 24, 16),
    untilDay: bits(word, 40, 16),
    version: bits(word, 56, 24),
    scoped: bits(word, 112, 1) === 1,
  }
}

/** What a delegate must be allowed to sign an act; an act that is not here is the owner's or guardian's alone. */
const NEEDED: Readonly<Partial<Record<ActName, DelegateAct>>> = {
  Grant: 'mayGrant',
  Renewal: 'mayGrant',
  Revocation: 'mayRevoke',
  RevocationList: 'mayRevoke',
  Objection: 'mayObject',
  Withdrawal: 'mayWithdrawObjections',
  Lock: 'mayLock',
  Unlock: 'mayUnlock',
}

/** What both keys may while a recovery is pending: revoke, object and lock. */
const IN_RECOVERY: ReadonlySet<ActName> = new Set(['Revocation', 'RevocationList', 'Objection', 'Lock'])

/**
 * Whether rights hold an act on a day, as `SignerRights` in contracts/patients/Rights.sol says it. The state of the handle
 * (locked, a recovery pending) is the caller's to look at.
 */
export function mayAct(rights: Rights, act: ActName, today: number, isOwnEnd = false): boolean {
  switch (rights.kind) {
    case 'none':
      return false
    case 'owner':
      return true
    case 'guardian':
      return rights.untilDay >= today
    case 'candidate':
      return IN_RECOVERY.has(act)
    case 'delegate': {
      // A delegate may always end its own delegation.
      if (act === 'DelegationEnd') return isOwnEnd
      const needed = NEEDED[act]
      return needed !== undefined && rights.may[needed] && rights.untilDay >= today
    }
  }
}
