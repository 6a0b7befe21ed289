import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { type Delegation, type Digests, hashes } from './digests.ts'
import {
  ACT,
  type At,
  DAY,
  type Handle,
  KIND,
  LAST_VERSION,
  NOBODY,
  packHandle,
  packRights,
  quarterEnd,
  RECOVERY,
  type Recovery,
  type Rights,
  today,
  UNBOUND,
} from './handle-words.ts'
import type { Signed } from './keys.ts'
import type { MembersModel } from './members.ts'
import { type Event, entry, refuse } from './outcome.ts'
import type { Signers } from './signatures.ts'

const LAST_EPOCH = 2 ** 32 - 1
const LAST_SWITCH = 2 ** 16 - 1
const ROLE_REGISTRAR = 4
const WIDENING = ACT.grant | ACT.withdraw | ACT.unlock

/** Handles, who signs for them, and their recovery, as PatientRegistry should keep them. */
export function createPatientsModel(members: MembersModel, signers: Signers, digests: Digests) {
  const handles = new Map<Hex, Handle>()
  const rights = new Map<Hex, Map<Hex, Rights>>()
  const recoveries = new Map<Hex, Recovery>()
  const overrides = new Map<Hex, { proof: Hex; registrar: string }>()

  const handleOf = (handle: Hex): Handle => handles.get(handle) ?? UNBOUND
  const change = (handle: Hex, more: Partial<Handle>) => handles.set(handle, { ...handleOf(handle), ...more })
  const isRecovering = ({ recovery }: Handle) =>
    recovery === RECOVERY.pending || recovery === RECOVERY.overriding
  const stored = (handle: Hex, signer: Hex): Rights => rights.get(handle)?.get(signer) ?? NOBODY
  const store = (handle: Hex, signer: Hex, given: Partial<Rights>) =>
    entry(rights, handle, () => new Map()).set(signer, { ...NOBODY, ...given })
  const recoveryOf = (handle: Hex): Recovery =>
    recoveries.get(handle) ?? { newSigner: ZERO_32, startedAt: 0, readyAt: 0, attempt: 0, untilDay: 0 }

  function rightsOf(handle: Hex, signer: Hex): Rights {
    const bound = handleOf(handle)
    const given = stored(handle, signer)
    if (given.generation === bound.generation && given.kind !== KIND.none) return given
    const candidate = isRecovering(bound) && recoveryOf(handle).newSigner === signer
    return { ...NOBODY, kind: candidate ? KIND.candidate : KIND.none }
  }

  function requireNarrowing(given: Rights, handle: Hex, signer: Hex, act: number, now: number): void {
    if (given.kind === KIND.owner || given.kind === KIND.candidate) return
    if (given.untilDay < today(now)) refuse('SignerEnded', handle, signer, given.untilDay, today(now))
    if (given.kind === KIND.delegate && (given.acts & act) === 0)
      refuse('SignerActNotAllowed', handle, signer, act, given.acts)
  }
  function requireAct(given: Rights, handle: Hex, signer: Hex, act: number, now: number): void {
    if ((act & WIDENING) !== 0 && isRecovering(handleOf(handle))) refuse('SignerRecoveryPending', handle)
    requireNarrowing(given, handle, signer, act, now)
  }
  const signedAt = (signed: Signed, structHash: Hex) =>
    signers.requireSigned(signed, digests.patients(structHash))
  function requireSignedAct(handle: Hex, act: number, structHash: Hex, signed: Signed, now: number): Hex {
    const signer = signedAt(signed, structHash)
    const given = rightsOf(handle, signer)
    if (given.kind === KIND.none) refuse('PatientSignerNotOwner', handle, signer)
    requireAct(given, handle, signer, act, now)
    return signer
  }
  function checkMaster(handle: Hex, signer: Hex, now: number): Hex {
    const given = rightsOf(handle, signer)
    if (given.kind !== KIND.owner && given.kind !== KIND.guardian)
      refuse('PatientSignerNotOwner', handle, signer)
    requireAct(given, handle, signer, 0, now)
    return signer
  }
  function requireNoMaster(handle: Hex, signer: Hex, now: number): void {
    const given = stored(handle, signer)
    if (given.generation !== handleOf(handle).generation) return
    const guards = given.kind === KIND.guardian && given.untilDay >= today(now)
    if (given.kind === KIND.owner || guards) refuse('PatientSignerBound', handle, signer)
  }
  function checkDeadline(handle: Hex, deadline: number, now: number): void {
    if (deadline < now) refuse('PatientDeadlinePassed', handle, deadline, now)
  }
  function checkEpoch(handle: Hex, epoch: number): void {
    const expected = handleOf(handle).epoch
    if (epoch !== expected) refuse('PatientEpochMismatch', handle, epoch, expected)
  }
  function checkVersion(handle: Hex, version: number, current: number, last: number): void {
    if (version !== current + 1) refuse('PatientVersionMismatch', handle, version, current + 1)
    if (version === last) refuse('PatientVersionExhausted', handle, version)
  }
  function requireWidening(handle: Hex, epoch: number, deadline: number, now: number): void {
    checkDeadline(handle, deadline, now)
    const bound = handleOf(handle)
    if (bound.locked) refuse('PatientHandleLocked', handle)
    if (isRecovering(bound)) refuse('SignerRecoveryPending', handle)
    checkEpoch(handle, epoch)
  }
  function checkGuardianEnd(untilDay: number, now: number): void {
    if (untilDay < today(now)) refuse('PatientEndPassed', untilDay, today(now))
    if (untilDay !== quarterEnd(untilDay)) refuse('PatientEndNotRounded', untilDay, quarterEnd(untilDay))
  }
  function requireUnbound({ sender, now }: At, handle: Hex, deadline: number): Hex {
    const custodian = members.requireRole(sender, ROLE_REGISTRAR)
    checkDeadline(handle, deadline, now)
    const bound = handles.get(handle)
    if (bound) refuse('PatientHandleBound', handle, bound.custodian)
    return custodian
  }
  function requireCustodian(sender: string, handle: Hex): Hex {
    const member = members.requireRole(sender, ROLE_REGISTRAR)
    if (handleOf(handle).custodian !== member) refuse('PatientNotCustodian', handle, member)
    return member
  }
  function requireState(handle: Hex, ...wanted: number[]): void {
    const { recovery } = handleOf(handle)
    if (!wanted.includes(recovery)) refuse('PatientRecoveryStateInvalid', handle, recovery)
  }
  function requireNewKey({ sender, now }: At, handle: Hex, untilDay: number, deadline: number, s: Signed) {
    const custodian = requireCustodian(sender, handle)
    checkDeadline(handle, deadline, now)
    if (untilDay !== 0) checkGuardianEnd(untilDay, now)
    const attempt = recoveryOf(handle).attempt + 1
    const structHash = hashes.recovery(handle, custodian, attempt, untilDay, deadline)
    const newSigner = signedAt(s, structHash)
    requireNoMaster(handle, newSigner, now)
    return { newSigner, structHash }
  }
  function start(now: number, handle: Hex, newSigner: Hex, untilDay: number, recovery: number): Event[] {
    const attempt = recoveryOf(handle).attempt + 1
    const readyAt = now + 7 * DAY
    recoveries.set(handle, { newSigner, startedAt: now, readyAt, attempt, untilDay })
    change(handle, { recovery })
    return [['RecoveryStarted', handle, attempt, newSigner, untilDay, readyAt]]
  }

  return {
    handleOf,
    isBound: (handle: Hex) => handles.has(handle),
    isRecovering: (handle: Hex) => isRecovering(handleOf(handle)),
    recoveryOf,
    rightsOf,
    delegationOf: (handle: Hex, delegate: Hex): number => stored(handle, delegate).version,
    requireAct,
    requireNarrowing,
    suspends(handle: Hex, minedAt: number): boolean {
      const { suspectFrom, recoveredAt } = handleOf(handle)
      return minedAt >= suspectFrom && minedAt <= recoveredAt
    },
    bind(at: At, handle: Hex, deadline: number, signed: Signed): Event[] {
      const custodian = requireUnbound(at, handle, deadline)
      const master = signedAt(signed, hashes.bind(handle, custodian, deadline))
      change(handle, { custodian, master })
      store(handle, master, { kind: KIND.owner })
      return [['HandleBound', handle, custodian, master]]
    },
    bindGuardian(at: At, handle: Hex, untilDay: number, deadline: number, signed: Signed): Event[] {
      const custodian = requireUnbound(at, handle, deadline)
      checkGuardianEnd(untilDay, at.now)
      const master = signedAt(signed, hashes.bindGuardian(handle, custodian, untilDay, deadline))
      change(handle, { custodian, master })
      store(handle, master, { kind: KIND.guardian, untilDay })
      return [
        ['HandleBound', handle, custodian, master],
        ['GuardianSet', handle, master, untilDay],
      ]
    },
    lock({ now }: At, handle: Hex, upToEpoch: number, signed: Signed): Event[] {
      if (upToEpoch === LAST_EPOCH) refuse('PatientEpochExhausted', handle, upToEpoch)
      const signer = requireSignedAct(handle, ACT.lock, hashes.lock(handle, upToEpoch), signed, now)
      const { epoch } = handleOf(handle)
      if (upToEpoch < epoch) return [['LockUnchanged', handle, upToEpoch, epoch]]
      change(handle, { locked: true, epoch: upToEpoch + 1 })
      return [['HandleLocked', handle, upToEpoch + 1, signer]]
    },
    unlock({ now }: At, handle: Hex, epoch: number, deadline: number, signed: Signed): Event[] {
      checkDeadline(handle, deadline, now)
      if (!handleOf(handle).locked) refuse('PatientHandleNotLocked', handle)
      checkEpoch(handle, epoch)
      if (epoch === LAST_EPOCH) refuse('PatientEpochExhausted', handle, epoch)
      const structHash = hashes.unlock(handle, epoch, deadline)
      const signer = requireSignedAct(handle, ACT.unlock, structHash, signed, now)
      change(handle, { locked: false })
      return [['HandleUnlocked', handle, epoch, signer]]
    },
    appoint({ now }: At, d: Delegation, signed: Signed): Event[] {
      const { handle, delegate, bounds, version } = d
      requireWidening(handle, d.epoch, d.deadline, now)
      if (bounds.acts === 0 || bounds.acts > 63) refuse('PatientActsUnknown', bounds.acts)
      if (bounds.flags > 15) refuse('PatientFlagsUnknown', bounds.flags)
      if (bounds.untilDay < today(now)) refuse('PatientEndPassed', bounds.untilDay, today(now))
      checkVersion(handle, version, stored(handle, delegate).version, LAST_VERSION)
      requireNoMaster(handle, delegate, now)
      const signer = checkMaster(handle, signedAt(signed, hashes.delegation(d)), now)
      const { generation } = handleOf(handle)
      store(handle, delegate, { kind: KIND.delegate, ...bounds, version, generation })
      return [['DelegateSet', handle, delegate, packRights(stored(handle, delegate)), bounds.scopes, signer]]
    },
    endDelegation({ now }: At, handle: Hex, delegate: Hex, upTo: number, signed: Signed): Event[] {
      if (upTo === LAST_VERSION) refuse('PatientVersionExhausted', handle, upTo)
      const signer = signedAt(signed, hashes.delegationEnd(handle, delegate, upTo))
      const given = stored(handle, delegate)
      if (signer !== delegate || given.kind !== KIND.delegate) checkMaster(handle, signer, now)
      requireNoMaster(handle, delegate, now)
      if (upTo < given.version) return [['DelegateUnchanged', handle, delegate, upTo, given.version]]
      store(handle, delegate, { version: upTo + 1, generation: given.generation })
      return [['DelegateEnded', handle, delegate, upTo + 1, signer]]
    },
    switchOff({ now }: At, handle: Hex, upTo: number, signed: Signed): Event[] {
      if (upTo === LAST_SWITCH) refuse('PatientVersionExhausted', handle, upTo)
      const signer = checkMaster(handle, signedAt(signed, hashes.breakGlassOff(handle, upTo)), now)
      const { switchVersion } = handleOf(handle)
      if (upTo < switchVersion) return [['BreakGlassUnchanged', handle, upTo, switchVersion]]
      change(handle, { off: true, switchVersion: upTo + 1 })
      return [['BreakGlassSwitched', handle, true, upTo + 1, signer]]
    },
    switchOn(
      { now }: At,
      handle: Hex,
      version: number,
      epoch: number,
      deadline: number,
      signed: Signed,
    ): Event[] {
      requireWidening(handle, epoch, deadline, now)
      checkVersion(handle, version, handleOf(handle).switchVersion, LAST_SWITCH)
      const structHash = hashes.breakGlassOn(handle, version, epoch, deadline)
      const signer = checkMaster(handle, signedAt(signed, structHash), now)
      change(handle, { off: false, switchVersion: version })
      return [['BreakGlassSwitched', handle, false, version, signer]]
    },
    startRecovery(at: At, handle: Hex, untilDay: number, deadline: number, signed: Signed): Event[] {
      requireState(handle, RECOVERY.none)
      const { newSigner } = requireNewKey(at, handle, untilDay, deadline, signed)
      return start(at.now, handle, newSigner, untilDay, RECOVERY.pending)
    },
    vetoRecovery({ now }: At, handle: Hex, attempt: number, signed: Signed): Event[] {
      requireState(handle, RECOVERY.pending)
      const expected = recoveryOf(handle).attempt
      if (attempt !== expected) refuse('PatientAttemptMismatch', handle, attempt, expected)
      const signer = checkMaster(handle, signedAt(signed, hashes.recoveryVeto(handle, attempt)), now)
      change(handle, { recovery: RECOVERY.vetoed })
      return [['RecoveryVetoed', handle, attempt, signer]]
    },
    overrideVeto(at: At, handle: Hex, untilDay: number, deadline: number, signed: Signed): Event[] {
      requireState(handle, RECOVERY.vetoed)
      const { newSigner, structHash } = requireNewKey(at, handle, untilDay, deadline, signed)
      const proof = hashes.of(structHash, newSigner)
      const first = overrides.get(handle)
      if (first?.proof !== proof) {
        overrides.set(handle, { proof, registrar: at.sender })
        const attempt = recoveryOf(handle).attempt + 1
        return [['RecoveryOverrideProposed', handle, attempt, newSigner, at.sender]]
      }
      if (first.registrar === at.sender) refuse('PatientRegistrarTwice', handle, at.sender)
      overrides.delete(handle)
      return start(at.now, handle, newSigner, untilDay, RECOVERY.overriding)
    },
    cancelRecovery({ sender }: At, handle: Hex): Event[] {
      requireCustodian(sender, handle)
      requireState(handle, RECOVERY.pending, RECOVERY.overriding)
      const overriding = handleOf(handle).recovery === RECOVERY.overriding
      change(handle, { recovery: overriding ? RECOVERY.vetoed : RECOVERY.none })
      return [['RecoveryCancelled', handle, recoveryOf(handle).attempt]]
    },
    completeRecovery({ now }: At, handle: Hex): Event[] {
      requireState(handle, RECOVERY.pending, RECOVERY.overriding)
      const { readyAt, startedAt, newSigner, attempt, untilDay } = recoveryOf(handle)
      if (now < readyAt) refuse('PatientRecoveryTooEarly', handle, readyAt, now)
      const { epoch, generation, recoveredAt, suspectFrom, master } = handleOf(handle)
      if (epoch === LAST_EPOCH) refuse('PatientEpochExhausted', handle, epoch)
      const suspect = startedAt - 30 * DAY
      change(handle, {
        ...{ recovery: RECOVERY.none, epoch: epoch + 1, generation: generation + 1, recoveredAt: now },
        suspectFrom: recoveredAt !== 0 ? Math.min(suspectFrom, suspect) : suspect,
        master: newSigner,
      })
      const old = stored(handle, master)
      store(handle, master, { version: old.version, generation: old.generation })
      const kind = untilDay === 0 ? KIND.owner : KIND.guardian
      const { version } = stored(handle, newSigner)
      store(handle, newSigner, { kind, untilDay, version, generation: generation + 1 })
      const events: Event[] = [
        ['RecoveryCompleted', handle, attempt, newSigner, packHandle(handleOf(handle))],
      ]
      return untilDay === 0 ? events : [...events, ['GuardianSet', handle, newSigner, untilDay]]
    },
  }
}

export type PatientsModel = ReturnType<typeof createPatientsModel>
