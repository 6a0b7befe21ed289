import type { OwnConsents } from '../domain/consent/own-consents.ts'
import type { Hex } from '../domain/hex.ts'

/**
 * What this device has signed and sent since it was started, where neither chain nor custodian may show it yet. An "up
 * to" must pass everything signed; a widening act must wait for everything sent.
 */
export type OwnActs = {
  /** A version that a signed act can yield in a slot, sent or not. */
  signedVersion(slot: Hex, yields: number): void
  /** The highest of them, 0 for none. */
  highestVersion(slot: Hex): number
  signedLock(upToEpoch: number): void
  /** The highest "up to" of locks signed here, -1 for none. */
  highestLock(): number
  /** What the chain will show once an act that was sent is mined. */
  sent(expects: { slot?: Hex; version?: number; epoch?: number; unlocked?: boolean }): void
  /** Whether all acts that a widening act in this slot must come after are mined. */
  isSettled(state: OwnConsents, slot?: Hex): boolean
  /** An act that was sent may never be mined: stop waiting for it. */
  giveUp(): void
}

export function createOwnActs(): OwnActs {
  const versions = new Map<Hex, number>()
  const awaited = new Map<Hex, number>()
  let lock = -1
  let awaitedEpoch = 0
  let awaitsUnlocking = false

  return {
    signedVersion(slot, yields) {
      versions.set(slot, Math.max(versions.get(slot) ?? 0, yields))
    },
    highestVersion: (slot) => versions.get(slot) ?? 0,
    signedLock(upToEpoch) {
      lock = Math.max(lock, upToEpoch)
    },
    highestLock: () => lock,

    sent({ slot, version = 0, epoch = 0, unlocked }) {
      if (slot) awaited.set(slot, Math.max(awaited.get(slot) ?? 0, version))
      awaitedEpoch = Math.max(awaitedEpoch, epoch)
      if (epoch > 0) awaitsUnlocking = false
      if (unlocked) awaitsUnlocking = true
    },

    isSettled(state, slot) {
      if (state.lockSignedUpTo >= state.epoch || awaitedEpoch > state.epoch) return false
      if (awaitsUnlocking && state.locked) return false
      if (!slot) return true
      const known = state.consents.find(({ scopeHash }) => scopeHash === slot)
      const version = known?.version ?? 0
      return (known?.signedUpTo ?? -1) < version && (awaited.get(slot) ?? 0) <= version
    },

    giveUp() {
      awaited.clear()
      awaitedEpoch = 0
      awaitsUnlocking = false
    },
  }
}
