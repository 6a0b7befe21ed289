import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { hashes } from './digests.ts'
import { type At, today } from './handle-words.ts'
import type { MembersModel } from './members.ts'
import { type Event, entry, refuse } from './outcome.ts'

type Request = { status: number; deadline: number; requester: Hex }
type Case = { status: number; declaredAt: number; until: number; member: Hex }

const DAY = 86_400
const ROLE_CUSTODIAN = 1
const ROLE_REQUESTER = 2
const ROLE_EMERGENCY = 32
/** Of both: none and standing; then what each calls its ends. */
const NONE = 0
const STANDING = 1
const CLOSED = 2
const LAPSED = 3
const REVIEWED = 2
const ESCALATED = 3

/** Requests and emergencies, as AccessRequests and BreakGlass should keep them. */
export function createCommitmentsModel(members: MembersModel, quota: number) {
  const requests = new Map<Hex, Request>()
  const cases = new Map<Hex, Case>()
  const used = new Map<Hex, Map<number, number>>()
  const requestOf = (commitment: Hex): Request =>
    requests.get(commitment) ?? { status: NONE, deadline: 0, requester: ZERO_32 }
  const caseOf = (commitment: Hex): Case =>
    cases.get(commitment) ?? { status: NONE, declaredAt: 0, until: 0, member: ZERO_32 }
  const usedBy = (member: Hex, day: number) => used.get(member)?.get(day) ?? 0

  function requireOpen(commitment: Hex, late: number, now: number): Request {
    const request = requestOf(commitment)
    if (request.status !== STANDING) refuse('RequestNotOpen', commitment, request.status)
    const from = request.deadline + late
    if (now < from) refuse('RequestTooEarly', commitment, from, now)
    return request
  }

  return {
    quota,
    requestOf,
    caseOf,
    usedBy,
    open({ sender, now }: At, commitment: Hex, deadline: number): Event[] {
      const requester = members.requireRole(sender, ROLE_REQUESTER)
      if (requests.has(commitment)) refuse('RequestTaken', commitment)
      const latest = now + 30 * DAY
      if (deadline <= now || deadline > latest) refuse('RequestDeadlineInvalid', deadline, now + 1, latest)
      requests.set(commitment, { status: STANDING, deadline, requester })
      return [['RequestOpened', commitment, requester, deadline]]
    },
    close({ sender, now }: At, inner: Hex, outcome: Hex): Event[] {
      const custodian = members.requireRole(sender, ROLE_CUSTODIAN)
      const commitment = hashes.of(custodian, inner)
      if (outcome === ZERO_32) refuse('RequestOutcomeZero', commitment)
      requests.set(commitment, { ...requireOpen(commitment, 0, now), status: CLOSED })
      return [['RequestClosed', commitment, custodian, outcome]]
    },
    lapse({ now }: At, commitment: Hex): Event[] {
      requests.set(commitment, { ...requireOpen(commitment, DAY, now), status: LAPSED })
      return [['RequestLapsed', commitment]]
    },
    declare({ sender, now }: At, commitment: Hex, until: number): Event[] {
      const member = members.requireRole(sender, ROLE_EMERGENCY)
      if (cases.has(commitment)) refuse('CaseTaken', commitment)
      const latest = now + DAY
      if (until <= now || until > latest) refuse('CaseEndInvalid', until, now + 1, latest)
      const day = today(now)
      if (usedBy(member, day) === quota) refuse('CaseQuotaSpent', member, day, quota)
      entry(used, member, () => new Map<number, number>()).set(day, usedBy(member, day) + 1)
      cases.set(commitment, { status: STANDING, declaredAt: now, until, member })
      return [['CaseDeclared', commitment, member, until]]
    },
    review({ sender }: At, inner: Hex, outcome: Hex): Event[] {
      const custodian = members.requireRole(sender, ROLE_CUSTODIAN)
      const commitment = hashes.of(custodian, inner)
      if (outcome === ZERO_32) refuse('CaseOutcomeZero', commitment)
      const found = caseOf(commitment)
      if (found.status !== STANDING && found.status !== ESCALATED)
        refuse('CaseStatusInvalid', commitment, found.status)
      cases.set(commitment, { ...found, status: REVIEWED })
      return [['CaseReviewed', commitment, custodian, outcome]]
    },
    escalate({ now }: At, commitment: Hex): Event[] {
      const found = caseOf(commitment)
      if (found.status !== STANDING) refuse('CaseStatusInvalid', commitment, found.status)
      const from = found.declaredAt + 3 * DAY
      if (now < from) refuse('CaseTooEarly', commitment, from, now)
      cases.set(commitment, { ...found, status: ESCALATED })
      return [['CaseEscalated', commitment]]
    },
  }
}

export type CommitmentsModel = ReturnType<typeof createCommitmentsModel>
