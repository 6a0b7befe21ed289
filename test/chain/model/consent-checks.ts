import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { hashes } from './digests.ts'
import { KIND, LAST_VERSION, type Rights, today } from './handle-words.ts'
import { refuse } from './outcome.ts'

const MAX_PERIOD_DAYS = 3653

/** A leaf of a tree over scopes, and the root over two. */
export const leafOf = (scope: Hex): Hex => hashes.of(hashes.of(scope))
export const rootOf = (a: Hex, b: Hex): Hex => (a < b ? hashes.of(a, b) : hashes.of(b, a))

/** A delegate keeps within the days and flags that it was given. */
export function checkDelegate(
  rights: Rights,
  signer: Hex,
  word: Record<'fromDay' | 'untilDay' | 'flags', number>,
  now: number,
): void {
  if (rights.kind !== KIND.delegate) return
  const { fromDay, untilDay } = word
  if (untilDay - Math.min(fromDay, today(now)) > rights.longestDays)
    refuse('ConsentDelegatePeriodTooLong', signer, fromDay, untilDay, rights.longestDays)
  const flags = word.flags & 15
  if ((flags & ~rights.flags) !== 0) refuse('ConsentDelegateFlags', signer, flags, rights.flags)
}

export function checkScope({ scopes }: Rights, signer: Hex, scope: Hex, proof: Hex[]): void {
  if (scopes === ZERO_32) return
  if (proof.reduce(rootOf, leafOf(scope)) !== scopes) refuse('ConsentDelegateScope', signer, scope, scopes)
}

export function checkDeadline(handle: Hex, deadline: number, now: number): void {
  if (deadline < now) refuse('ConsentDeadlinePassed', handle, deadline, now)
}

export function checkPeriod(fromDay: number, untilDay: number, now: number): void {
  if (fromDay > untilDay) refuse('ConsentPeriodInverted', fromDay, untilDay)
  if (untilDay - fromDay > MAX_PERIOD_DAYS) refuse('ConsentPeriodTooLong', fromDay, untilDay, MAX_PERIOD_DAYS)
  if (untilDay < today(now)) refuse('ConsentPeriodOver', untilDay, today(now))
}

export function checkHasNext(handle: Hex, scope: Hex, version: number): void {
  if (version === LAST_VERSION) refuse('ConsentVersionExhausted', handle, scope, version)
}
