import { keccak256 } from 'ethers'
import type { ActName, HashedMessage } from '../../../src/domain/consent/typed-data.ts'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import type { MembersModel } from './members.ts'
import { type Event, refuse } from './outcome.ts'

/** A signed act as the model takes it: whether the signature is the signer's over just this was known to its maker. */
export type SignedAct = { act: ActName; message: HashedMessage; signer: Hex; digest: Hex; valid: boolean }

type Word = {
  state: number
  flags: number
  fromDay: number
  untilDay: number
  version: number
  minedAt: number
  terms: bigint
}
type Handle = { custodian: Hex; owner: Hex; locked: boolean; epoch: number }

const SILENT = 0
const PERMIT = 1
const OBJECTION = 2
const LAST_VERSION = 2 ** 24 - 1
const LAST_EPOCH = 2 ** 32 - 1
const MAX_PERIOD_DAYS = 3653
const ROLE_REGISTRAR = 4

/** The word of a slot in bits, as contracts/consent/ConsentWord.sol lays it out. */
function pack(w: Word): bigint {
  const at = (value: number, bit: number) => BigInt(value) << BigInt(bit)
  return (
    at(w.state, 254) |
    at(w.flags, 248) |
    at(w.fromDay, 232) |
    at(w.untilDay, 216) |
    at(w.version, 192) |
    at(w.minedAt, 160) |
    w.terms
  )
}

const low160 = (hash: Hex) => BigInt(hash) & ((1n << 160n) - 1n)

/** Handles, who owns them, and their consents, as PatientRegistry and ConsentRegistry should keep them. */
export function createConsentsModel(members: MembersModel) {
  const handles = new Map<Hex, Handle>()
  const words = new Map<string, Word>()

  const wordAt = (handle: Hex, scope: Hex): Word =>
    words.get(`${handle}${scope}`) ?? {
      state: SILENT,
      flags: 0,
      fromDay: 0,
      untilDay: 0,
      version: 0,
      minedAt: 0,
      terms: 0n,
    }

  /** The hash that stands for a signer who signed this. */
  function signedBy({ signer, digest, valid }: SignedAct): Hex {
    const bytes = signer.length / 2 - 1
    if (bytes === 116) refuse('SignerVerifierUnknown', signer.slice(0, 42))
    if (bytes !== 20) refuse('SignerNotSupported', bytes)
    const signerHash = keccak256(signer) as Hex
    if (!valid) refuse('SignerBadSignature', signerHash, digest)
    return signerHash
  }

  type Fields = { handle: Hex; scope: Hex; terms: Hex; custodian: Hex } & Record<
    'fromDay' | 'untilDay' | 'flags' | 'version' | 'epoch' | 'deadline' | 'upToVersion' | 'upToEpoch',
    number
  >
  type Call = { sender: string; now: number; signed: SignedAct; m: Fields }

  /** What widens needs an owner, an open handle and the present epoch. */
  function requireWidening({ signed, m }: Call): Hex {
    const signerHash = signedBy(signed)
    const handle = handles.get(m.handle)
    if (!handle) refuse('ConsentHandleUnbound', m.handle)
    if (handle.owner !== signerHash) refuse('ConsentSignerNotOwner', m.handle, signerHash)
    if (handle.locked) refuse('ConsentHandleLocked', m.handle)
    if (handle.epoch !== m.epoch) refuse('ConsentEpochMismatch', m.handle, m.epoch, handle.epoch)
    return signerHash
  }

  function requireNarrowing({ signed, m }: Call): Hex {
    if (m.upToVersion === LAST_VERSION) refuse('ConsentVersionExhausted', m.handle, m.scope, m.upToVersion)
    const signerHash = signedBy(signed)
    if (handles.get(m.handle)?.owner !== signerHash) refuse('ConsentSignerNotOwner', m.handle, signerHash)
    return signerHash
  }

  function requireNextVersion({ handle, scope, version }: Fields): void {
    const expected = wordAt(handle, scope).version + 1
    if (version !== expected) refuse('ConsentVersionMismatch', handle, scope, version, expected)
    if (version === LAST_VERSION) refuse('ConsentVersionExhausted', handle, scope, version)
  }

  function requirePatient({ signed, m }: Call): Hex {
    const signerHash = signedBy(signed)
    if (handles.get(m.handle)?.owner !== signerHash) refuse('PatientSignerNotOwner', m.handle, signerHash)
    return signerHash
  }

  function put(
    event: string,
    { m, now }: Call,
    signerHash: Hex,
    more: Partial<Word> & { version: number },
  ): Event[] {
    const blank = { state: SILENT, flags: 0, fromDay: 0, untilDay: 0, terms: 0n }
    const word = { ...blank, minedAt: now, ...more }
    words.set(`${m.handle}${m.scope}`, word)
    return [[event, m.handle, m.scope, pack(word), signerHash]]
  }

  const unchanged = ({ m }: Call): Event[] | undefined => {
    const { version } = wordAt(m.handle, m.scope)
    return m.upToVersion < version
      ? [['ConsentUnchanged', m.handle, m.scope, m.upToVersion, version]]
      : undefined
  }

  const rules: Record<ActName, (call: Call) => Event[]> = {
    Grant(call) {
      const { m, now } = call
      const today = Math.floor(now / 86_400)
      if (m.deadline < now) refuse('ConsentDeadlinePassed', m.handle, m.deadline, now)
      if (m.fromDay > m.untilDay) refuse('ConsentPeriodInverted', m.fromDay, m.untilDay)
      if (m.untilDay - m.fromDay > MAX_PERIOD_DAYS) {
        refuse('ConsentPeriodTooLong', m.fromDay, m.untilDay, MAX_PERIOD_DAYS)
      }
      if (m.untilDay < today) refuse('ConsentPeriodOver', m.untilDay, today)
      if (m.flags > 15) refuse('ConsentFlagsUnknown', m.flags)
      requireNextVersion(m)
      if (m.flags & 4) refuse('ConsentApprovalMissing', m.handle, m.scope)
      const { flags, fromDay, untilDay, version } = m
      const terms = low160(m.terms)
      const word = { state: PERMIT, flags, fromDay, untilDay, version, terms }
      return put('ConsentGranted', call, requireWidening(call), word)
    },
    Revocation(call) {
      const signerHash = requireNarrowing(call)
      const { state, terms } = wordAt(call.m.handle, call.m.scope)
      const kept = state === OBJECTION ? { state, terms } : {}
      const version = call.m.upToVersion + 1
      return unchanged(call) ?? put('ConsentRevoked', call, signerHash, { ...kept, version })
    },
    Objection(call) {
      const signerHash = requireNarrowing(call)
      const word = { state: OBJECTION, terms: low160(call.m.terms), version: call.m.upToVersion + 1 }
      return unchanged(call) ?? put('ConsentObjected', call, signerHash, word)
    },
    Withdrawal(call) {
      const { m, now } = call
      if (m.deadline < now) refuse('ConsentDeadlinePassed', m.handle, m.deadline, now)
      requireNextVersion(m)
      if (wordAt(m.handle, m.scope).state !== OBJECTION) refuse('ConsentNoObjection', m.handle, m.scope)
      return put('ObjectionWithdrawn', call, requireWidening(call), { version: m.version })
    },
    Bind({ sender, now, signed, m }) {
      const custodian = members.requireRole(sender, ROLE_REGISTRAR)
      if (m.deadline < now) refuse('PatientDeadlinePassed', m.handle, m.deadline, now)
      const bound = handles.get(m.handle)
      if (bound) refuse('PatientHandleBound', m.handle, bound.custodian)
      // What was signed names a custodian; the contract puts the sender's member in its place.
      const owner = signedBy(signed)
      handles.set(m.handle, { custodian, owner, locked: false, epoch: 0 })
      return [['HandleBound', m.handle, custodian, owner]]
    },
    Lock(call) {
      const { handle, upToEpoch } = call.m
      if (upToEpoch === LAST_EPOCH) refuse('PatientEpochExhausted', handle, upToEpoch)
      const signerHash = requirePatient(call)
      const bound = handles.get(handle)
      const epoch = bound?.epoch ?? 0
      if (upToEpoch < epoch) return [['LockUnchanged', handle, upToEpoch, epoch]]
      if (bound) Object.assign(bound, { locked: true, epoch: upToEpoch + 1 })
      return [['HandleLocked', handle, upToEpoch + 1, signerHash]]
    },
    Unlock(call) {
      const { m, now } = call
      if (m.deadline < now) refuse('PatientDeadlinePassed', m.handle, m.deadline, now)
      const bound = handles.get(m.handle)
      if (!bound?.locked) refuse('PatientHandleNotLocked', m.handle)
      if (m.epoch !== bound.epoch) refuse('PatientEpochMismatch', m.handle, m.epoch, bound.epoch)
      if (m.epoch === LAST_EPOCH) refuse('PatientEpochExhausted', m.handle, m.epoch)
      const signerHash = requirePatient(call)
      bound.locked = false
      return [['HandleUnlocked', m.handle, m.epoch, signerHash]]
    },
  }

  return {
    handleOf: (handle: Hex) => handles.get(handle),
    /** Bit 0 locked, bits 32 to 63 epoch. */
    handleState(handle: Hex): { custodian: Hex; word: bigint } {
      const { custodian, locked, epoch } = handles.get(handle) ?? {
        custodian: ZERO_32,
        locked: false,
        epoch: 0,
      }
      return { custodian, word: (BigInt(epoch) << 32n) | (locked ? 1n : 0n) }
    },
    wordOf: (handle: Hex, scope: Hex): bigint => pack(wordAt(handle, scope)),
    objectedIn: (handle: Hex, scope: Hex): boolean => wordAt(handle, scope).state === OBJECTION,
    versionOf: (handle: Hex, scope: Hex): number => wordAt(handle, scope).version,
    /** @throws Refused with the custom error that the contract should revert with */
    send: (sender: string, now: number, signed: SignedAct): Event[] =>
      rules[signed.act]({ sender, now, signed, m: signed.message as Fields }),
  }
}

export type ConsentsModel = ReturnType<typeof createConsentsModel>
