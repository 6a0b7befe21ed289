import type { Hex } from '../../../src/domain/hex.ts'
import {
  BLANK,
  type ConsentsDeps,
  type ConsentsModel,
  createConsentsModel,
  MAX_LIST,
  OBJECTION,
  pack,
  SILENT,
  type Word,
} from './consents.ts'
import { type Event, refuse } from './outcome.ts'

/** Consents taken over from an earlier contract, as ConsentSuccessor should keep them. */
export function createSuccessorModel(
  deps: Omit<ConsentsDeps, 'line'>,
  predecessor: { model: ConsentsModel; digest: (structHash: Hex) => Hex },
) {
  const { model: old, digest } = predecessor
  const model = createConsentsModel({ ...deps, line: { wordOf: old.stateOf, digests: [digest] } })

  /** What a slot holds after it was adopted; nothing where nothing was ever written. */
  function adopted(handle: Hex, scope: Hex, now: number): Word | undefined {
    const [own, theirs] = [model.ownWordOf(handle, scope), old.stateOf(handle, scope)]
    if (!own) return theirs.version === 0 ? undefined : theirs
    if (theirs.version <= own.version || own.state === OBJECTION) return own
    if (theirs.state === OBJECTION) return theirs
    return own.state === SILENT ? own : { ...BLANK, version: theirs.version, minedAt: now }
  }
  function adopt(handle: Hex, scope: Hex, now: number): Event[] {
    const word = adopted(handle, scope, now)
    if (!word || word === model.ownWordOf(handle, scope)) return []
    model.write(handle, scope, word)
    return [['ConsentAdopted', handle, scope, pack(word)]]
  }
  function checkList(length: number): void {
    if (length > MAX_LIST) refuse('ConsentListTooLong', length, MAX_LIST)
  }

  return {
    ...model,
    adopt(now: number, handle: Hex, scopes: Hex[]): Event[] {
      checkList(scopes.length)
      return scopes.flatMap((scope) => adopt(handle, scope, now))
    },
    /** Only those under a permit that is the same there and here. */
    adoptReferrals(now: number, handle: Hex, scope: Hex, referrals: Hex[]): Event[] {
      checkList(referrals.length)
      const own = adopted(handle, scope, now)
      const [here, there] = [own ? pack(own) : 0n, old.wordOf(handle, scope)]
      if (here !== there) refuse('ConsentSlotDiffers', handle, scope, here, there)
      const events = adopt(handle, scope, now)
      for (const referral of referrals) {
        const anchored = old.anchored(handle, scope, referral)
        if (!anchored || model.anchored(handle, scope, referral)) continue
        model.anchor(handle, scope, referral, anchored)
        const { untilDay, parentVersion } = anchored
        events.push(['ReferralAnchored', handle, scope, referral, untilDay, parentVersion])
      }
      return events
    },
  }
}

export type SuccessorModel = ReturnType<typeof createSuccessorModel>
