import type { ReasonCode } from '../audit/reasons.ts'
import { dayOf } from '../days.ts'
import { type Hex, ZERO_32 } from '../hex.ts'
import { type BodyVerdict, type CompiledBody, judgeBody } from './consent-body.ts'
import type { ConsentWord, HandleWord } from './consent-word.ts'
import { isDataClass } from './data-classes.ts'
import type { Features } from './fhir/features.ts'
import type { Recipient } from './fhir/recipient.ts'
import { covers } from './purposes.ts'
import type { Scope } from './scope.ts'
import { isKindAllowed, isSensitiveKind } from './sensitivities.ts'
import { type Terms, termsCover } from './terms.ts'

/** A member as the chain has it at the block of the decision. Times are block times in seconds. */
export type MemberAtBlock = { live: boolean; admittedAt: number }

/**
 * One slot that could concern the request: the scope in clear, its word at the block of the decision, its terms as the
 * custodian keeps them, and whatever the patient signed that is not on the chain yet.
 */
export type Candidate = {
  scopeHash: Hex
  scope: Scope
  word: ConsentWord
  /** Absent where the custodian has no body, or none whose hash the word names: such a consent cannot be enforced. */
  terms?: Terms
  /** The FHIR Consent body that the terms name; absent where they name none, or it is not at hand. */
  body?: CompiledBody
  /** For a group's scope: when the requester joined it, in seconds; 0 when it is no member of it. */
  joinedAt: number
  /** Signed, not mined (I5): "every version up to N". */
  signed: { revokedUpTo?: number; objectedUpTo?: number }
}

/** A record as its custodian knows it; what is contained in it goes with it or not at all. */
export type JudgedRecord = {
  dataClass: string
  kinds: readonly string[]
  content?: Features
  contained?: readonly Features[]
}

export type DecisionRequest = {
  /** Milliseconds since 1970, from the custodian's clock. */
  at: number
  requester: MemberAtBlock
  custodian: MemberAtBlock
  purpose: string
  /**
   * `bound` is false for a handle that the chain does not know at this custodian. `frozen`: the custodian does not know for
   * sure whose it is, or has closed it; then no consent of it counts.
   */
  handle: {
    bound: boolean
    word: HandleWord
    lockSignedUpTo?: number
    frozen?: 'identity-frozen' | 'handle-closed'
  }
  /**
   * The record asked for; absent when the custodian has none by that name. Without content (of a whole compartment, say)
   * a consent whose body could keep something back permits nothing.
   */
  record?: JudgedRecord
  /** Who asks, for the bodies of consents. */
  recipient?: Recipient
  candidates: readonly Candidate[]
}

/** The slot that decided, or was beaten. */
export type Rule = {
  scopeHash: Hex
  scope: Scope
  version: number
  verdict: 'permit' | 'refuse'
  reason?: ReasonCode
}

export type Decision =
  | { decision: 'permit'; rule: Rule; beaten: Rule[] }
  | { decision: 'refuse'; reason: ReasonCode; rule?: Rule; beaten: Rule[] }

const GRANTEE_RANK = { Organization: 2, Group: 1, Everyone: 0 } as const

type Check = { reason: ReasonCode; holds: (request: DecisionRequest) => boolean }

/** What must hold before any consent is looked at, in this order; the first that fails names the refusal. */
const CONDITIONS: readonly Check[] = [
  { reason: 'record-unknown', holds: (r) => r.record !== undefined },
  { reason: 'handle-closed', holds: (r) => r.handle.frozen !== 'handle-closed' },
  // Not `=== undefined`: whatever freezes, freezes.
  { reason: 'identity-frozen', holds: (r) => !r.handle.frozen },
  { reason: 'member-not-live', holds: (r) => r.requester.live },
  // Before the custodian's standing: of a handle that nobody holds the chain names no custodian.
  { reason: 'handle-unbound', holds: (r) => r.handle.bound },
  { reason: 'member-not-live', holds: (r) => r.custodian.live },
  { reason: 'locked', holds: (r) => !r.handle.word.locked },
  { reason: 'lock-pending', holds: (r) => !((r.handle.lockSignedUpTo ?? -1) >= r.handle.word.epoch) },
]

/** Why one slot does not permit this record, in this order; what is left permits. */
const OBSTACLES: readonly {
  reason: ReasonCode
  stands: (c: Candidate, r: DecisionRequest, said: BodyVerdict | undefined) => boolean
}[] = [
  { reason: 'wrong-purpose', stands: (c, r) => covers(c.scope.purpose, r.purpose) === undefined },
  { reason: 'no-consent', stands: (c) => isForOthers(c) },
  { reason: 'revoked', stands: (c) => c.word.state === 'silent' && c.word.version > 0 },
  { reason: 'no-consent', stands: (c) => c.word.state !== 'permit' },
  { reason: 'not-yet-valid', stands: (c, r) => dayOf(r.at) < c.word.fromDay },
  // Not `>`: a day that is no number has to count as over (I3).
  { reason: 'expired', stands: (c, r) => !(dayOf(r.at) <= c.word.untilDay) },
  // An equal time counts as later (design §4): whoever was admitted or joined in the same second is not reached.
  {
    reason: 'grantee-generation',
    stands: (c, r) => r.requester.admittedAt >= c.word.minedAt && !reachesLater(c),
  },
  { reason: 'group-joined-later', stands: (c) => c.scope.granteeType === 'Group' && !reachesJoiner(c) },
  { reason: 'needs-approval', stands: (c) => c.word.flags.needsApproval && !c.word.flags.approved },
  { reason: 'unconfirmed', stands: (c, r) => isSuspended(c, r) },
  { reason: 'terms-missing', stands: (c) => c.terms === undefined || isBodyMissing(c) },
  {
    reason: 'terms-unenforceable',
    stands: (c, _, said) => !isEnforceable(c) || said?.says === 'unenforceable',
  },
  // After what refuses at its own rank: a revocation that is only signed must not make such a slot silent, since a
  // wider permit would then decide, and no restriction widens.
  { reason: 'revocation-pending', stands: (c) => (c.signed.revokedUpTo ?? -1) >= c.word.version },
  // Before the classes: what a provision keeps back it keeps back from wider permits, too.
  { reason: 'provision-denies', stands: (_, __, said) => said?.says === 'deny' },
  { reason: 'content-unknown', stands: (_, __, said) => said?.says === 'unknown' },
  { reason: 'class-not-covered', stands: (c, r) => coverage(c, r) === 'class' },
  { reason: 'sensitivity-not-covered', stands: (c, r) => coverage(c, r) === 'kind' },
  { reason: 'provision-silent', stands: (_, __, said) => said?.says === 'silent' },
]

/**
 * What a consent's body says of the record; undefined where the consent has none. What it keeps back of anything contained in
 * the record it keeps back of the whole.
 */
function bodySays(c: Candidate, r: DecisionRequest): BodyVerdict | undefined {
  const { body } = c
  if (!c.terms || c.terms.body === ZERO_32 || !body) return undefined
  const said = judgeBody(body, r, r.record?.content)
  if (said.says !== 'permit' && said.says !== 'silent') return said
  return r.record?.contained?.map((part) => judgeBody(body, r, part)).find(keepsBack) ?? said
}

const keepsBack = ({ says }: BodyVerdict) => says === 'deny' || says === 'unenforceable'

const isBodyMissing = ({ terms, body }: Candidate): boolean =>
  terms !== undefined && terms.body !== ZERO_32 && body === undefined

/** Consents that name one member never reach a later generation of it; those for many may say so. */
function reachesLater(c: Candidate): boolean {
  return c.scope.granteeType !== 'Organization' && c.word.flags.laterMembersToo
}

function reachesJoiner(c: Candidate): boolean {
  return c.joinedAt > 0 && (c.word.flags.laterMembersToo || c.joinedAt < c.word.minedAt)
}

/** A permit from just before a recovery may be a thief's: the patient signs it anew, or it permits nothing. */
function isSuspended(c: Candidate, r: DecisionRequest): boolean {
  const span = r.handle.word.suspended
  return span !== undefined && !(c.word.minedAt < span.from || c.word.minedAt > span.until)
}

/** A group that the requester is not in concerns it in no way. */
function isForOthers(c: Candidate): boolean {
  return c.scope.granteeType === 'Group' && c.joinedAt === 0
}

/**
 * Whether all that narrows the consent is decided on here (I3). "Only what was registered when the grant was mined" is
 * not yet; a class or kind that this version does not know may narrow as well.
 */
function isEnforceable(c: Candidate): boolean {
  return c.terms !== undefined && !c.word.flags.snapshotOnly && areTermsKnown(c.terms)
}

function areTermsKnown(terms: Terms): boolean {
  return terms.dataClasses.every(isDataClass) && terms.sensitivities.every(isSensitiveKind)
}

function coverage(c: Candidate, r: DecisionRequest) {
  if (!c.terms || !r.record) return 'covered'
  return termsCover(c.terms, r.record.dataClass, r.record.kinds)
}

/**
 * Decides one request for one record: pure, total, and independent of the order of the candidates.
 *
 * Conflict rule (design §4): organisation over group over everyone, then nearer purpose over farther, then instance over
 * related or author over class; at equal specificity whatever refuses wins. A consent that cannot be enforced (terms
 * missing, approval missing) refuses at its own rank rather than giving way to a wider one (I3).
 */
export function decide(request: DecisionRequest): Decision {
  for (const { reason, holds } of CONDITIONS) {
    if (!holds(request)) return { decision: 'refuse', reason, beaten: [] }
  }
  const ranked = request.candidates
    .map((candidate) => {
      const said = bodySays(candidate, request)
      return { rule: judge(candidate, request, said), rank: rankOf(candidate, request, said) }
    })
    .sort((a, b) => compareRanks(b.rank, a.rank) || compareRules(a.rule, b.rule))
  const speaking = ranked.filter(({ rule }) => speaks(rule))
  const [first, ...others] = speaking
  if (!first) return { decision: 'refuse', reason: nearestReason(ranked.map(({ rule }) => rule)), beaten: [] }
  const beaten = others.map(({ rule }) => rule)
  if (first.rule.verdict === 'permit') return { decision: 'permit', rule: first.rule, beaten }
  return { decision: 'refuse', reason: first.rule.reason ?? 'no-consent', rule: first.rule, beaten }
}

function judge(candidate: Candidate, request: DecisionRequest, said: BodyVerdict | undefined): Rule {
  const { scopeHash, scope, word } = candidate
  const rule = { scopeHash, scope, version: word.version }
  const objection = objects(candidate, request, said)
  if (objection) return { ...rule, verdict: 'refuse', reason: objection }
  const obstacle = OBSTACLES.find(({ stands }) => stands(candidate, request, said))
  return obstacle ? { ...rule, verdict: 'refuse', reason: obstacle.reason } : { ...rule, verdict: 'permit' }
}

/**
 * An objection whose terms or body are missing, empty or not understood, or which was only signed so far, covers
 * everything (I3, I5). Otherwise it covers each class and each sensitive kind that it names; and where it has a body, of that
 * whatever the body does not plainly leave out.
 */
function objects(c: Candidate, r: DecisionRequest, said: BodyVerdict | undefined): ReasonCode | undefined {
  if (covers(c.scope.purpose, r.purpose) === undefined) return undefined
  if (isForOthers(c)) return undefined
  if ((c.signed.objectedUpTo ?? -1) >= c.word.version) return 'objection-pending'
  if (c.word.state !== 'objection') return undefined
  if (said?.says === 'permit' || said?.says === 'silent') return undefined
  return isBodyMissing(c) || objectionCovers(c.terms, r.record) ? 'objection' : undefined
}

function objectionCovers(terms: Terms | undefined, record: DecisionRequest['record']): boolean {
  if (!terms || !record || terms.dataClasses.length === 0) return true
  if (!areTermsKnown(terms)) return true
  const named = (kind: string) => isSensitiveKind(kind) && isKindAllowed(kind, terms.sensitivities)
  return terms.dataClasses.includes(record.dataClass) || record.kinds.some(named)
}

/** Verdicts that take part in the conflict rule; every other refusal is mere silence. */
const SPEAKING_REFUSALS: ReadonlySet<ReasonCode> = new Set([
  'objection',
  'objection-pending',
  'terms-missing',
  'terms-unenforceable',
  'needs-approval',
  'unconfirmed',
  'provision-denies',
  'content-unknown',
])

function speaks(rule: Rule): boolean {
  return rule.verdict === 'permit' || (rule.reason !== undefined && SPEAKING_REFUSALS.has(rule.reason))
}

/** From the most telling to the least; what a patient or an officer reads when nothing permits. */
const TELLING: readonly ReasonCode[] = [
  'revocation-pending',
  'provision-silent',
  'sensitivity-not-covered',
  'class-not-covered',
  'not-yet-valid',
  'grantee-generation',
  'group-joined-later',
  'expired',
  'revoked',
  'wrong-purpose',
]

function nearestReason(rules: readonly Rule[]): ReasonCode {
  const reasons = new Set(rules.map((rule) => rule.reason))
  return TELLING.find((reason) => reasons.has(reason)) ?? 'no-consent'
}

type Rank = readonly [grantee: number, purpose: number, data: number]

/** As specific as the slot; a provision of its body that keeps something back, as specific as that, where it is more so. */
function rankOf(c: Candidate, r: DecisionRequest, said: BodyVerdict | undefined): Rank {
  const [grantee, purpose] = [GRANTEE_RANK[c.scope.granteeType], -(covers(c.scope.purpose, r.purpose) ?? FAR)]
  // Classes are what every consent names; how specific one is that nobody can read, nobody can tell.
  const data = isBodyMissing(c) ? MOST_SPECIFIC : CLASS
  if (!said || said.says === 'silent') return [grantee, purpose, data]
  const { specificity } = said
  if (said.says === 'permit') return [grantee, purpose, Math.max(CLASS, specificity.data)]
  return [
    Math.max(grantee, specificity.recipient),
    Math.max(purpose, -(specificity.purpose ?? FAR)),
    Math.max(CLASS, specificity.data),
  ]
}

/** Further than any purpose is from the root. */
const FAR = 99
const CLASS = 1
const MOST_SPECIFIC = 3

function compareRanks(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

/** Refusals first; then by slot, so that of several that say the same always the same one is named. */
function compareRules(a: Rule, b: Rule): number {
  if (a.verdict !== b.verdict) return a.verdict === 'refuse' ? -1 : 1
  if (a.scopeHash === b.scopeHash) return a.version - b.version
  return a.scopeHash < b.scopeHash ? -1 : 1
}
