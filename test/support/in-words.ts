import { SIGNED_FLAGS, type SignedFlags } from '../../src/domain/consent/consent-word.ts'
import { dateOfDay } from '../../src/domain/days.ts'

/** No flag set. */
export const NO_FLAGS: SignedFlags = {
  snapshotOnly: false,
  mayBeReferredOn: false,
  needsApproval: false,
  laterMembersToo: false,
}

/** Days and flag bits as the contract keeps them, in the words that are signed. */
export function inWords<T extends object>(
  struct: T & { fromDay: number; untilDay: number; flags: number },
): Omit<T, 'fromDay' | 'untilDay' | 'flags'> & { from: string; until: string } & SignedFlags {
  const { fromDay, untilDay, flags, ...rest } = struct
  const words = Object.fromEntries(SIGNED_FLAGS.map((flag, i) => [flag, ((flags >> i) & 1) === 1]))
  return { ...rest, from: dateOfDay(fromDay), until: dateOfDay(untilDay), ...(words as SignedFlags) }
}

/** Of a patient who has never touched the switch of emergency access. */
export const NO_SWITCH = { off: false, version: 0, signedUpTo: -1 }
