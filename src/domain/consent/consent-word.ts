import type { Hex } from '../hex.ts'

/** The packed word that the ConsentRegistry keeps for one (handle, scope); layout as in contracts/consent/ConsentWord.sol. */
export type ConsentWord = {
  state: 'silent' | 'permit' | 'objection'
  /** Low 160 bits of the terms' hash, as 20 bytes. */
  terms: Hex
  /** Block time, seconds. */
  minedAt: number
  version: number
  /** Days since 1970-01-01, UTC, both included. */
  fromDay: number
  untilDay: number
  flags: ConsentFlags
}

/** The flags that a patient signs, from the lowest bit. */
export const SIGNED_FLAGS = ['snapshotOnly', 'mayBeReferredOn', 'needsApproval', 'laterMembersToo'] as const
export type SignedFlags = Record<(typeof SIGNED_FLAGS)[number], boolean>

/** `approved` is set by the contract, never signed: the custodian's approval came with the grant. */
export type ConsentFlags = SignedFlags & { approved?: true }

const STATES = ['silent', 'permit', 'objection'] as const

const bits = (word: bigint, from: number, width: number) =>
  (word >> BigInt(from)) & ((1n << BigInt(width)) - 1n)

/** @throws RangeError when the bits for state or flags hold a value that no contract of ours writes (I3). */
export function readConsentWord(word: bigint): ConsentWord {
  const state = STATES[Number(bits(word, 254, 2))]
  if (bits(word, 253, 1) !== 0n) throw new RangeError('A consent word with an unknown flag')
  if (!state) throw new RangeError('A consent word with an unknown state')
  return {
    state,
    terms: `0x${bits(word, 0, 160).toString(16).padStart(40, '0')}`,
    minedAt: Number(bits(word, 160, 32)),
    version: Number(bits(word, 192, 24)),
    untilDay: Number(bits(word, 216, 16)),
    fromDay: Number(bits(word, 232, 16)),
    flags: readFlags(Number(bits(word, 248, 6))),
  }
}

export function readFlags(flags: number): ConsentFlags {
  return {
    snapshotOnly: (flags & 1) !== 0,
    mayBeReferredOn: (flags & 2) !== 0,
    needsApproval: (flags & 4) !== 0,
    laterMembersToo: (flags & 8) !== 0,
    ...((flags & 16) === 0 ? {} : { approved: true as const }),
  }
}

/** What of a terms' hash the word keeps: its low 160 bits, 20 bytes. */
export function termsKey(termsHash: Hex): Hex {
  return `0x${termsHash.slice(-40).toLowerCase()}`
}

/** The word that the PatientRegistry keeps for one handle; layout as in contracts/patients/HandleWord.sol. */
export type HandleWord = {
  locked: boolean
  breakGlassOff: boolean
  /** Of the break-glass switch; it only rises. */
  breakGlassVersion: number
  /** 0 none, 1 pending, 2 vetoed, 3 pending after a veto was overridden, 4 led by a registry before this one. */
  recovery: number
  epoch: number
  /** After a recovery: permits mined in these seconds, both included, wait for the patient to sign them anew. */
  suspended?: { from: number; until: number }
}

/** While a recovery is pending neither key widens. */
export const isRecovering = ({ recovery }: Pick<HandleWord, 'recovery'>): boolean =>
  recovery !== 0 && recovery !== 2

export function readHandleWord(word: bigint): HandleWord {
  const recoveredAt = Number(bits(word, 64, 32))
  const suspended = { from: Number(bits(word, 96, 32)), until: recoveredAt }
  return {
    locked: bits(word, 0, 1) === 1n,
    breakGlassOff: bits(word, 1, 1) === 1n,
    breakGlassVersion: Number(bits(word, 16, 16)),
    recovery: Number(bits(word, 8, 8)),
    epoch: Number(bits(word, 32, 32)),
    ...(recoveredAt === 0 ? {} : { suspended }),
  }
}
