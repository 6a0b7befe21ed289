import { bodyHash, type ConsentBody } from '../domain/consent/body-hash.ts'
import type { SignedFlags } from '../domain/consent/consent-word.ts'
import { isDataClass } from '../domain/consent/data-classes.ts'
import type { OwnConsent, OwnConsents } from '../domain/consent/own-consents.ts'
import { periodProblem } from '../domain/consent/period.ts'
import { isPurpose } from '../domain/consent/purposes.ts'
import { type ActPlace, MAX_REVOCATIONS } from '../domain/consent/read-signed-act.ts'
import { DELEGATE_ACTS, type DelegateAct } from '../domain/consent/rights.ts'
import { type SaltedScope, type Scope, saltedScope } from '../domain/consent/scope.ts'
import { scopesRoot } from '../domain/consent/scope-tree.ts'
import { isGrantableKind } from '../domain/consent/sensitivities.ts'
import { normalTerms, type SaltedTerms } from '../domain/consent/terms.ts'
import {
  type ActName,
  actDomain,
  isForHandle,
  scopeHash,
  type TypedData,
  typedData,
} from '../domain/consent/typed-data.ts'
import { dateOfDay, dayOf, dayOfDate, LAST_DAY } from '../domain/days.ts'
import { type Hex, ZERO_32 } from '../domain/hex.ts'

/** What a device must hold to sign for one handle: what it received at sign-in, and the newest state. */
export type SigningState = {
  handle: Hex
  /** None for a key that may only use scopes that are there already. */
  scopeSecret: Uint8Array | undefined
  place: ActPlace
  state: OwnConsents
}

/** Whom a consent is for. */
export type Party = Omit<Scope, 'purpose'>

/** What the patient decides when granting. */
export type GrantWish = {
  to: Party
  /** PurposeOfUse code. */
  purpose: string
  /** Data classes, at least one. */
  classes: readonly string[]
  /** Sensitive kinds allowed; none when left out. */
  sensitivities?: readonly string[]
  /** A FHIR Consent body that narrows all this; it is sent along with what is signed. */
  body?: ConsentBody
  /** YYYY-MM-DD (UTC), included; today when left out. */
  from?: string
  /** YYYY-MM-DD (UTC), included; 365 days after `from` when left out. */
  until?: string
  flags?: Partial<SignedFlags>
  /** Block time, in seconds, until which the grant may reach the chain; 15 minutes, or where it needs approval a week. */
  deadline?: number
}

/** What comes from outside: wall time in milliseconds, a fresh random salt for the terms, seconds off the deadline. */
export type Circumstances = { now: number; salt: Hex; early?: number }

/** A widening act must reach the chain within this. Seconds. */
const DEADLINE_SECONDS = 15 * 60

const DEFAULT_DAYS = 365
/** The last "up to" that a uint24 version or a uint32 epoch has room for: it yields the last number. */
const LAST_UP_TO_VERSION = 2 ** 24 - 2
const LAST_UP_TO_EPOCH = 2 ** 32 - 2
const LAST_UP_TO_SWITCH = 2 ** 16 - 2
/** Ten years, leap days included: as the contract has it. */
const LONGEST_DAYS = 3_653

/** The salted scope of a party and a purpose, and the slot that it names. @throws RangeError for an unknown purpose. */
export function slotOf(
  scopeSecret: Uint8Array,
  to: Party,
  purpose: string,
): { scope: SaltedScope; hash: Hex } {
  if (!isPurpose(purpose)) throw new RangeError(`${purpose} is not a PurposeOfUse code`)
  if ((to.granteeType === 'Everyone') !== (to.grantee === '')) {
    throw new RangeError('A party is named, save for everyone')
  }
  const scope = saltedScope(scopeSecret, { granteeType: to.granteeType, grantee: to.grantee, purpose })
  return { scope, hash: scopeHash(scope) }
}

/**
 * The slot that a device can sign for: any for the owner, and for others those that the custodian has told them.
 * @throws RangeError as {@link slotOf} does, and for a slot that this key was not told
 */
export function slotIn(s: SigningState, to: Party, purpose: string): { scope: SaltedScope; hash: Hex } {
  if (s.scopeSecret) return slotOf(s.scopeSecret, to, purpose)
  const { granteeType, grantee } = to
  const known = s.state.consents.find(
    ({ scope }) =>
      scope.granteeType === granteeType && scope.grantee === grantee && scope.purpose === purpose,
  )
  if (!known) throw new RangeError('This key may not sign for that party and purpose')
  return { scope: known.scope, hash: known.scopeHash }
}

/**
 * "Every version up to N" (design §4): N is one more than the highest version that stands on the chain or that anything
 * signed can yield. A revocation or objection up to M yields M + 1, a grant or withdrawal the version that it names.
 *
 * @param version on the chain
 * @param signedUpTo the highest "up to" signed so far, -1 for none
 * @param signedVersion the highest version that this device signed a grant or withdrawal for, 0 for none
 */
export function nextUpTo(version: number, signedUpTo: number, signedVersion = 0): number {
  return Math.min(Math.max(version, signedUpTo + 1, signedVersion) + 1, LAST_UP_TO_VERSION)
}

/** The same for the epoch, which each lock raises. */
export function nextUpToEpoch(epoch: number, lockSignedUpTo: number): number {
  return Math.min(Math.max(epoch, lockSignedUpTo + 1) + 1, LAST_UP_TO_EPOCH)
}

/**
 * @throws RangeError for an unknown class, kind or purpose, for dates that are none or in the wrong order, and for a
 * period above ten years. What is refused here would never be enforced (I3).
 */
export function buildGrant(s: SigningState, wish: GrantWish, at: Circumstances): TypedData<'Grant'> {
  const { scope, hash } = slotIn(s, wish.to, wish.purpose)
  if (wish.classes.length === 0) throw new RangeError('A grant names at least one kind of data')
  const { fromDay, untilDay } = periodOf(wish, at.now)
  return act(s, 'Grant', {
    handle: s.handle,
    scope,
    terms: saltedTerms(wish.classes, wish.sensitivities ?? [], at.salt, wish.body),
    from: dateOfDay(fromDay),
    until: dateOfDay(untilDay),
    ...{ snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false },
    ...wish.flags,
    version: versionOf(s, hash) + 1,
    epoch: s.state.epoch,
    deadline: wish.deadline ?? (wish.flags?.needsApproval ? approvalDeadline(at) : deadlineAt(at)),
  })
}

/** @param signedVersion as for {@link nextUpTo} */
export function buildRevocation(
  s: SigningState,
  wish: { to: Party; purpose: string },
  signedVersion = 0,
): TypedData<'Revocation'> {
  const { scope, hash } = slotIn(s, wish.to, wish.purpose)
  return act(s, 'Revocation', { handle: s.handle, scope, upToVersion: upToOf(s, hash, signedVersion) })
}

/** An objection to some data classes, or, where none is named, to everything; of that to what a body says, if any. */
export function buildObjection(
  s: SigningState,
  wish: { to: Party; purpose: string; classes?: readonly string[]; body?: ConsentBody },
  at: Circumstances,
  signedVersion = 0,
): TypedData<'Objection'> {
  const { scope, hash } = slotIn(s, wish.to, wish.purpose)
  const terms = saltedTerms(wish.classes ?? [], [], at.salt, wish.body)
  return act(s, 'Objection', { handle: s.handle, scope, terms, upToVersion: upToOf(s, hash, signedVersion) })
}

/** Ends an objection: a widening act, with the guards of a grant. */
export function buildWithdrawal(
  s: SigningState,
  wish: { to: Party; purpose: string },
  at: { now: number; early?: number },
): TypedData<'Withdrawal'> {
  const { scope, hash } = slotIn(s, wish.to, wish.purpose)
  const version = versionOf(s, hash) + 1
  return act(s, 'Withdrawal', {
    handle: s.handle,
    scope,
    version,
    epoch: s.state.epoch,
    deadline: deadlineAt(at),
  })
}

export function buildLock(s: SigningState, signedUpTo = -1): TypedData<'Lock'> {
  const upToEpoch = nextUpToEpoch(s.state.epoch, Math.max(s.state.lockSignedUpTo, signedUpTo))
  return act(s, 'Lock', { handle: s.handle, upToEpoch })
}

export function buildUnlock(s: SigningState, at: { now: number; early?: number }): TypedData<'Unlock'> {
  return act(s, 'Unlock', { handle: s.handle, epoch: s.state.epoch, deadline: deadlineAt(at) })
}

/**
 * Lets a permit last until another day, or confirms one after a recovery: its terms and conditions stay as they are.
 * @throws RangeError for what is no permit, whose terms the custodian does not know, which needs the custodian's approval (grant
 * that anew), for a day that is none or over, and for more than ten years
 */
export function buildRenewal(
  s: SigningState,
  consent: OwnConsent,
  until: string,
  at: { now: number; early?: number },
): TypedData<'Renewal'> {
  const { scope, scopeHash: hash, state, terms, from, flags } = consent
  if (state !== 'permit' || !terms) throw new RangeError('There is no permit here that could last longer')
  if (flags?.needsApproval) throw new RangeError('What the hospital has to approve is granted anew instead')
  const fromDay = Math.max(dayOf(at.now), from === undefined ? 0 : day(from))
  periodOf({ from: dateOfDay(fromDay), until }, at.now)
  const version = versionOf(s, hash) + 1
  const { handle } = s
  const { epoch } = s.state
  return act(s, 'Renewal', { handle, scope, terms, until, version, epoch, deadline: deadlineAt(at) })
}

/** Ends many permits under one signature. @throws RangeError for none, or for more than one signature ends. */
export function buildRevocationList(
  s: SigningState,
  consents: readonly Pick<OwnConsent, 'scope' | 'scopeHash'>[],
  signedVersion: (slot: Hex) => number = () => 0,
): TypedData<'RevocationList'> {
  if (consents.length === 0) throw new RangeError('There is nothing to stop')
  if (consents.length > MAX_REVOCATIONS)
    throw new RangeError(`One signature ends at most ${MAX_REVOCATIONS} permits`)
  const items = consents.map(({ scope, scopeHash: hash }) => ({
    scope,
    upToVersion: upToOf(s, hash, signedVersion(hash)),
  }))
  return act(s, 'RevocationList', { handle: s.handle, items })
}

/** Switches emergency access off at this custodian; like a revocation it always lands. */
export function buildBreakGlassOff(s: SigningState, signedVersion = 0): TypedData<'BreakGlassOff'> {
  const { version, signedUpTo } = s.state.emergency
  const upToVersion = Math.min(Math.max(version, signedUpTo + 1, signedVersion), LAST_UP_TO_SWITCH)
  return act(s, 'BreakGlassOff', { handle: s.handle, upToVersion })
}

/** Lets emergency access be again: a widening act. */
export function buildBreakGlassOn(
  s: SigningState,
  at: { now: number; early?: number },
): TypedData<'BreakGlassOn'> {
  const { handle } = s
  const { epoch, emergency } = s.state
  return act(s, 'BreakGlassOn', { handle, version: emergency.version + 1, epoch, deadline: deadlineAt(at) })
}

/** What a helper may be given, and until when. */
export type HelperWish = {
  may: readonly DelegateAct[]
  /** Last day, YYYY-MM-DD (UTC), included. */
  until: string
  /** For whom and what it may widen anything; for all when left out. An empty list is for none, and then it may not widen. */
  scopes?: readonly { to: Party; purpose: string }[]
  /** The longest period that it may grant, in days; a year when left out. */
  longestDays?: number
}

/**
 * Appoints a helper within bounds, or gives one other bounds.
 * @param version the version of this delegation on the chain, 0 for none
 * @throws RangeError for no right, an end that is none, over, or more than ten years ahead, and scopes that none is named by
 */
export function buildDelegation(
  s: SigningState,
  delegate: Hex,
  wish: HelperWish,
  version: number,
  at: { now: number; early?: number },
): { data: TypedData<'Delegation'>; scopes: SaltedScope[] } {
  if (wish.may.length === 0) throw new RangeError('A helper may do at least one thing')
  const widens = wish.may.some((act) => WIDENS.has(act))
  if (widens && wish.scopes?.length === 0)
    throw new RangeError('Say for whom the helper may share, or for all')
  if (wish.scopes && wish.may.includes('mayWithdrawObjections'))
    throw new RangeError('Whoever may end objections may do so for all')
  periodOf({ until: wish.until }, at.now)
  const longestDays = wish.longestDays ?? DEFAULT_DAYS
  if (!Number.isInteger(longestDays) || longestDays < 1 || longestDays > LONGEST_DAYS)
    throw new RangeError('The longest period is between a day and ten years')
  const slots = (wish.scopes ?? []).map(({ to, purpose }) => slotIn(s, to, purpose))
  const may = Object.fromEntries(DELEGATE_ACTS.map((act) => [act, wish.may.includes(act)]))
  const data = act(s, 'Delegation', {
    handle: s.handle,
    delegate,
    bounds: {
      ...(may as Record<DelegateAct, boolean>),
      ...{ snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false },
      ...{ longestDays, until: wish.until },
      scopes: slots.length === 0 ? ZERO_32 : scopesRoot(slots.map(({ hash }) => hash)),
    },
    ...{ version: version + 1, epoch: s.state.epoch, deadline: deadlineAt(at) },
  })
  return { data, scopes: slots.map(({ scope }) => scope) }
}

/** Ends a delegation; counts at the custodian once signed. @param upToVersion see {@link nextUpTo} */
export const buildDelegationEnd = (
  s: SigningState,
  delegate: Hex,
  upToVersion: number,
): TypedData<'DelegationEnd'> => act(s, 'DelegationEnd', { handle: s.handle, delegate, upToVersion })

const WIDENS: ReadonlySet<DelegateAct> = new Set(['mayGrant', 'mayWithdrawObjections'])

function act<A extends ActName>(s: SigningState, name: A, message: TypedData<A>['message']): TypedData<A> {
  const contract = isForHandle(name) ? s.place.patientRegistry : s.place.consentRegistry
  return typedData(name, actDomain(name, s.place.chainId, contract.toLowerCase() as Hex), message)
}

const slotState = (s: SigningState, hash: Hex) => s.state.consents.find((c) => c.scopeHash === hash)
const versionOf = (s: SigningState, hash: Hex) => slotState(s, hash)?.version ?? 0

function upToOf(s: SigningState, hash: Hex, signedVersion: number): number {
  return nextUpTo(versionOf(s, hash), slotState(s, hash)?.signedUpTo ?? -1, signedVersion)
}

const deadlineAt = ({ now, early = 0 }: { now: number; early?: number }) =>
  Math.floor(now / 1000) + DEADLINE_SECONDS - early

/** A person has to approve it: a week, to the end of a day, so that the deadline singles nobody out (I8). */
const approvalDeadline = ({ now }: Circumstances) => (dayOf(now) + 8) * 86_400

function saltedTerms(
  classes: readonly string[],
  kinds: readonly string[],
  salt: Hex,
  body?: ConsentBody,
): SaltedTerms {
  const stranger = classes.find((c) => !isDataClass(c)) ?? kinds.find((k) => !isGrantableKind(k))
  if (stranger !== undefined) throw new RangeError(`${stranger} is not something that a patient can name`)
  const hash = body ? { body: bodyHash(body) } : {}
  return { ...normalTerms({ dataClasses: classes, sensitivities: kinds, ...hash }), salt }
}

function periodOf(
  wish: { from?: string; until?: string },
  now: number,
): { fromDay: number; untilDay: number } {
  const fromDay = wish.from === undefined ? dayOf(now) : day(wish.from)
  const untilDay = wish.until === undefined ? fromDay + DEFAULT_DAYS : day(wish.until)
  const wrong = periodProblem({ from: dateOfDay(fromDay), until: dateOfDay(untilDay) }, dayOf(now))
  if (wrong && untilDay <= LAST_DAY)
    throw new RangeError(`${wrong.reason.charAt(0).toUpperCase()}${wrong.reason.slice(1)}`)
  if (untilDay > LAST_DAY) throw new RangeError('The last day lies too far ahead')
  return { fromDay, untilDay }
}

/** @throws RangeError for anything but a real date, YYYY-MM-DD, that the chain has room for. */
function day(date: string): number {
  const found = dayOfDate(date)
  if (found === undefined)
    throw new RangeError(`${date} is not a date from 1970 to June 2149; write it YYYY-MM-DD`)
  return found
}
