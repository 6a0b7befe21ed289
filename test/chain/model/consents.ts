import { recoverAddress } from 'ethers'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { checkDeadline, checkDelegate, checkHasNext, checkPeriod, checkScope } from './consent-checks.ts'
import {
  type Grant,
  hashes,
  type Objection,
  type Renewal,
  type Revocation,
  type RevocationList,
  type Withdrawal,
} from './digests.ts'
import { ACT, type At, KIND, LAST_VERSION, type Rights, today } from './handle-words.ts'
import { type Signed, signerHashOf } from './keys.ts'
import type { MembersModel } from './members.ts'
import { type Event, encodeRefusal, Refused, refuse } from './outcome.ts'
import type { PatientsModel } from './patients.ts'
import type { Signers } from './signatures.ts'

export type Word = { state: number; terms: bigint } & Record<
  'flags' | 'fromDay' | 'untilDay' | 'version' | 'minedAt',
  number
>
/** What comes with a grant: a proof of its scope, and the custodian's approval. */
export type Backing = { proof: Hex[]; approvalDeadline: number; approval: Hex }
/** One item of a batch: its calldata, and the same for the model. */
export type Item = { data: Hex; model: () => Event[] }
export type Referral = { parentVersion: number; untilDay: number; anchoredAt: number }

export const SILENT = 0
export const PERMIT = 1
export const OBJECTION = 2
export const MAX_LIST = 256
const MAX_BATCH = 100
const ROLE_CUSTODIAN = 1
/** The flag of a permit that may be referred on. */
export const MAY_REFER = 2
const NEEDS_APPROVAL = 4
const APPROVED = 16
const NO_BACKING: Backing = { proof: [], approvalDeadline: 0, approval: '0x' }
export const BLANK = { state: SILENT, flags: 0, fromDay: 0, untilDay: 0, terms: 0n }

/** The word of a slot in bits, as contracts/consent/ConsentWord.sol lays it out. */
export function pack(w: Word): bigint {
  const at = (value: number, bit: number) => BigInt(value) << BigInt(bit)
  const days = at(w.fromDay, 232) | at(w.untilDay, 216)
  return at(w.state, 254) | at(w.flags, 248) | days | at(w.version, 192) | at(w.minedAt, 160) | w.terms
}

const low160 = (hash: Hex) => BigInt(hash) & ((1n << 160n) - 1n)
const NEVER: Word = { ...BLANK, version: 0, minedAt: 0 }

export type ConsentsDeps = {
  members: MembersModel
  patients: PatientsModel
  signers: Signers
  /** What is signed for this contract. */
  digest: (structHash: Hex) => Hex
  /** Of a contract that takes over from another. */
  line?: {
    /** What is said in a slot where nothing has been written. */
    wordOf: (handle: Hex, scope: Hex) => Word
    /** What is signed for those that came before, the youngest first. */
    digests: ((structHash: Hex) => Hex)[]
  }
}

/** Consents and referrals, as ConsentRegistry should keep them. */
export function createConsentsModel({ members, patients, signers, digest, line }: ConsentsDeps) {
  const words = new Map<string, Word>()
  const referrals = new Map<string, Referral>()

  const ownWordOf = (handle: Hex, scope: Hex): Word | undefined => words.get(`${handle}${scope}`)
  const wordAt = (handle: Hex, scope: Hex): Word =>
    ownWordOf(handle, scope) ?? line?.wordOf(handle, scope) ?? NEVER
  const signedAt = (signed: Signed, structHash: Hex) => signers.requireSigned(signed, digest(structHash))
  /** What narrows counts as well where it was signed for a contract that came before. */
  function signedToNarrow(signed: Signed, structHash: Hex): Hex {
    const older = line?.digests.some((digest) => signers.hasSigned(signed, digest(structHash)))
    return older ? signerHashOf(signed.signer) : signedAt(signed, structHash)
  }

  function requireWidening(m: { handle: Hex; epoch: number }, act: number, signer: Hex, now: number): Rights {
    const rights = patients.rightsOf(m.handle, signer)
    if (rights.kind === KIND.none) {
      if (!patients.isBound(m.handle)) refuse('ConsentHandleUnbound', m.handle)
      refuse('ConsentSignerNotOwner', m.handle, signer)
    }
    const { locked, epoch } = patients.handleOf(m.handle)
    if (locked) refuse('ConsentHandleLocked', m.handle)
    if (epoch !== m.epoch) refuse('ConsentEpochMismatch', m.handle, m.epoch, epoch)
    patients.requireAct(rights, m.handle, signer, act, now)
    return rights
  }
  function requireNarrowing(handle: Hex, act: number, signer: Hex, now: number): void {
    const rights = patients.rightsOf(handle, signer)
    if (rights.kind === KIND.none) refuse('ConsentSignerNotOwner', handle, signer)
    patients.requireNarrowing(rights, handle, signer, act, now)
  }
  function checkNextVersion({ handle, scope, version }: Withdrawal): void {
    const expected = wordAt(handle, scope).version + 1
    if (version !== expected) refuse('ConsentVersionMismatch', handle, scope, version, expected)
    checkHasNext(handle, scope, version)
  }
  function requireApproval(g: Grant, structHash: Hex, backing: Backing, now: number): void {
    if (backing.approval === '0x') refuse('ConsentApprovalMissing', g.handle, g.scope)
    checkDeadline(g.handle, backing.approvalDeadline, now)
    const approver = recovered(
      digest(hashes.approval(structHash, backing.approvalDeadline)),
      backing.approval,
    )
    if (approver === undefined) refuse('ConsentApprovalForeign', g.handle, `0x${'00'.repeat(20)}`)
    const member = members.requireRole(approver, ROLE_CUSTODIAN)
    if (member !== patients.handleOf(g.handle).custodian) refuse('ConsentApprovalForeign', g.handle, approver)
  }
  function put(event: string, m: { handle: Hex; scope: Hex }, signer: Hex, word: Word): Event[] {
    words.set(`${m.handle}${m.scope}`, word)
    return [[event, m.handle, m.scope, pack(word), signer]]
  }
  function isPast({ handle, scope, upToVersion }: Revocation): Event[] | undefined {
    const { version } = wordAt(handle, scope)
    return upToVersion < version ? [['ConsentUnchanged', handle, scope, upToVersion, version]] : undefined
  }
  function revoked(r: Revocation, signer: Hex, now: number): Event[] {
    const { state, terms } = wordAt(r.handle, r.scope)
    const kept = state === OBJECTION ? { state, terms } : {}
    const word = { ...BLANK, ...kept, version: r.upToVersion + 1, minedAt: now }
    return isPast(r) ?? put('ConsentRevoked', r, signer, word)
  }
  function granted(g: Grant, proof: Hex[], flags: number, signed: Signed, now: number): Event[] {
    checkDeadline(g.handle, g.deadline, now)
    checkPeriod(g.fromDay, g.untilDay, now)
    if (g.flags > 15) refuse('ConsentFlagsUnknown', g.flags)
    checkNextVersion(g)
    if ((flags & (NEEDS_APPROVAL | APPROVED)) === NEEDS_APPROVAL)
      refuse('ConsentApprovalMissing', g.handle, g.scope)
    const { fromDay, untilDay, version } = g
    const word = { state: PERMIT, flags, fromDay, untilDay, version, minedAt: now, terms: low160(g.terms) }
    const signer = signedAt(signed, hashes.grant(g))
    const rights = requireWidening(g, ACT.grant, signer, now)
    checkDelegate(rights, signer, word, now)
    checkScope(rights, signer, g.scope, proof)
    return put('ConsentGranted', g, signer, word)
  }

  return {
    wordOf: (handle: Hex, scope: Hex): bigint => pack(wordAt(handle, scope)),
    ownWordOf,
    write: (handle: Hex, scope: Hex, word: Word) => words.set(`${handle}${scope}`, word),
    stateOf: wordAt,
    anchored: (handle: Hex, scope: Hex, referral: Hex) => referrals.get(`${handle}${scope}${referral}`),
    anchor: (handle: Hex, scope: Hex, referral: Hex, anchored: Referral) =>
      referrals.set(`${handle}${scope}${referral}`, anchored),
    /** A referral, and whether the permit that it rests on still carries it. */
    referralOf(handle: Hex, scope: Hex, referral: Hex, now: number): { anchored: Referral; live: boolean } {
      const none = { parentVersion: 0, untilDay: 0, anchoredAt: 0 }
      const anchored = referrals.get(`${handle}${scope}${referral}`) ?? none
      const { state, version, fromDay, minedAt } = wordAt(handle, scope)
      const rests = state === PERMIT && version === anchored.parentVersion && fromDay <= today(now)
      const open = !patients.handleOf(handle).locked && !patients.suspends(handle, minedAt)
      return { anchored, live: rests && anchored.untilDay >= today(now) && open }
    },
    grant: ({ now }: At, g: Grant, signed: Signed): Event[] =>
      granted(g, NO_BACKING.proof, g.flags, signed, now),
    grantWith({ now }: At, g: Grant, backing: Backing, signed: Signed): Event[] {
      if ((g.flags & NEEDS_APPROVAL) !== 0) {
        requireApproval(g, hashes.grant(g), backing, now)
        return granted(g, backing.proof, g.flags | APPROVED, signed, now)
      }
      if (backing.approval !== '0x') refuse('ConsentApprovalUnasked', g.handle, g.scope)
      return granted(g, backing.proof, g.flags, signed, now)
    },
    renew({ now }: At, r: Renewal, proof: Hex[], signed: Signed): Event[] {
      const { handle, scope, untilDay, version } = r
      checkDeadline(handle, r.deadline, now)
      checkNextVersion(r)
      const current = wordAt(handle, scope)
      if (current.state !== PERMIT) refuse('ConsentNoPermit', handle, scope)
      if (low160(r.terms) !== current.terms)
        refuse('ConsentTermsMismatch', handle, scope, r.terms, current.terms)
      if ((current.flags & NEEDS_APPROVAL) !== 0) refuse('ConsentApprovalMissing', handle, scope)
      const fromDay = Math.max(current.fromDay, today(now))
      checkPeriod(fromDay, untilDay, now)
      const word = { ...current, fromDay, untilDay, version, minedAt: now }
      const signer = signedAt(signed, hashes.renewal(r))
      const rights = requireWidening(r, ACT.grant, signer, now)
      checkDelegate(rights, signer, word, now)
      checkScope(rights, signer, scope, proof)
      return put('ConsentGranted', r, signer, word)
    },
    revoke({ now }: At, r: Revocation, signed: Signed): Event[] {
      checkHasNext(r.handle, r.scope, r.upToVersion)
      const signer = signedToNarrow(signed, hashes.revocation(r))
      requireNarrowing(r.handle, ACT.revoke, signer, now)
      return revoked(r, signer, now)
    },
    revokeMany({ now }: At, { handle, items }: RevocationList, signed: Signed): Event[] {
      if (items.length > MAX_LIST) refuse('ConsentListTooLong', items.length, MAX_LIST)
      const signer = signedToNarrow(signed, hashes.revocationList({ handle, items }))
      requireNarrowing(handle, ACT.revoke, signer, now)
      return items.flatMap(({ scope, upToVersion }): Event[] => {
        const { version } = wordAt(handle, scope)
        return upToVersion === LAST_VERSION
          ? [['ConsentUnchanged', handle, scope, upToVersion, version]]
          : revoked({ handle, scope, upToVersion }, signer, now)
      })
    },
    object({ now }: At, o: Objection, signed: Signed): Event[] {
      checkHasNext(o.handle, o.scope, o.upToVersion)
      const signer = signedToNarrow(signed, hashes.objection(o))
      requireNarrowing(o.handle, ACT.object, signer, now)
      const word = { ...BLANK, state: OBJECTION, terms: low160(o.terms), version: o.upToVersion + 1 }
      return isPast(o) ?? put('ConsentObjected', o, signer, { ...word, minedAt: now })
    },
    withdraw({ now }: At, w: Withdrawal, signed: Signed): Event[] {
      const { handle, scope, version } = w
      checkDeadline(handle, w.deadline, now)
      checkNextVersion(w)
      if (wordAt(handle, scope).state !== OBJECTION) refuse('ConsentNoObjection', handle, scope)
      const signer = signedAt(signed, hashes.withdrawal(w))
      const { scopes } = requireWidening(w, ACT.withdraw, signer, now)
      if (scopes !== ZERO_32) refuse('ConsentDelegateScope', signer, scope, scopes)
      return put('ObjectionWithdrawn', w, signer, { ...BLANK, version, minedAt: now })
    },
    anchorReferral({ sender, now }: At, handle: Hex, scope: Hex, referral: Hex, untilDay: number): Event[] {
      const member = members.requireRole(sender, ROLE_CUSTODIAN)
      const { custodian, locked } = patients.handleOf(handle)
      if (member !== custodian) refuse('ConsentNotCustodian', handle, member)
      if (locked) refuse('ConsentHandleLocked', handle)
      if (patients.isRecovering(handle)) refuse('SignerRecoveryPending', handle)
      const parent = wordAt(handle, scope)
      if (parent.state !== PERMIT) refuse('ConsentNoPermit', handle, scope)
      if ((parent.flags & MAY_REFER) === 0) refuse('ConsentReferralForbidden', handle, scope, parent.flags)
      if (patients.suspends(handle, parent.minedAt)) refuse('ConsentSuspended', handle, scope, parent.minedAt)
      if (untilDay < today(now)) refuse('ConsentPeriodOver', untilDay, today(now))
      if (untilDay > parent.untilDay) refuse('ConsentReferralTooLong', untilDay, parent.untilDay)
      const key = `${handle}${scope}${referral}`
      if (referrals.has(key)) refuse('ConsentReferralTaken', referral)
      referrals.set(key, { parentVersion: parent.version, untilDay, anchoredAt: now })
      return [['ReferralAnchored', handle, scope, referral, untilDay, parent.version]]
    },
    /** A batch of this many items, or one whose first item is a batch, is refused whole. */
    batch(items: Item[], nested: boolean): Event[] {
      if (items.length > MAX_BATCH) refuse('ConsentListTooLong', items.length, MAX_BATCH)
      if (nested) refuse('ConsentBatchNested')
      return items.flatMap(({ model }, index): Event[] => {
        try {
          return model()
        } catch (error) {
          if (!(error instanceof Refused)) throw error
          return [['BatchItemRefused', index, encodeRefusal(error)]]
        }
      })
    },
  }
}

function recovered(digest: Hex, signature: Hex): string | undefined {
  try {
    return recoverAddress(digest, signature).toLowerCase()
  } catch {
    return undefined
  }
}

export type ConsentsModel = ReturnType<typeof createConsentsModel>
