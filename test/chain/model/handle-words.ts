import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'

export const KIND = { none: 0, owner: 1, delegate: 2, guardian: 3, candidate: 4 } as const
export const RECOVERY = { none: 0, pending: 1, vetoed: 2, overriding: 3 } as const
export const ACT = { grant: 1, revoke: 2, object: 4, withdraw: 8, lock: 16, unlock: 32 } as const

export type Rights = Record<
  'kind' | 'acts' | 'flags' | 'longestDays' | 'untilDay' | 'version' | 'generation',
  number
> & { scopes: Hex }
export type Handle = { custodian: Hex; master: Hex; locked: boolean; off: boolean } & Record<
  'recovery' | 'switchVersion' | 'epoch' | 'recoveredAt' | 'suspectFrom' | 'generation',
  number
>
export type Recovery = { newSigner: Hex } & Record<'startedAt' | 'readyAt' | 'attempt' | 'untilDay', number>
/** Who sends, and at which block time. */
export type At = { sender: string; now: number }

export const LAST_VERSION = 2 ** 24 - 1
export const DAY = 86_400
export const NOBODY: Rights = {
  ...{ kind: KIND.none, acts: 0, flags: 0, longestDays: 0, untilDay: 0, version: 0, generation: 0 },
  scopes: ZERO_32,
}
export const UNBOUND: Handle = {
  ...{ custodian: ZERO_32, master: ZERO_32, locked: false, off: false },
  ...{ recovery: RECOVERY.none, switchVersion: 0, epoch: 0, recoveredAt: 0, suspectFrom: 0, generation: 0 },
}

export const today = (now: number) => Math.floor(now / DAY)

/** The last day of a day's quarter. */
export function quarterEnd(day: number): number {
  const date = new Date(day * DAY * 1000)
  return Date.UTC(date.getUTCFullYear(), 3 * Math.floor(date.getUTCMonth() / 3) + 3, 1) / (DAY * 1000) - 1
}

const at = (value: number, bit: number) => BigInt(value) << BigInt(bit)

/** In bits, as contracts/patients/HandleWord.sol lays it out. */
export function packHandle(h: Handle): bigint {
  const low = at(Number(h.locked), 0) | at(Number(h.off), 1) | at(h.recovery, 8) | at(h.switchVersion, 16)
  return low | at(h.epoch, 32) | at(h.recoveredAt, 64) | at(h.suspectFrom, 96) | at(h.generation, 128)
}

/** In bits, as contracts/patients/Rights.sol lays it out. */
export function packRights(r: Rights): bigint {
  const low = at(r.kind, 0) | at(r.acts, 8) | at(r.flags, 16) | at(r.longestDays, 24) | at(r.untilDay, 40)
  const scoped = r.scopes === ZERO_32 ? 0 : 1
  return low | at(r.version, 56) | at(r.generation, 80) | at(scoped, 112)
}
