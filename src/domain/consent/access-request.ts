import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { dayOf, dayOfDate } from '../days.ts'
import { fromHex, type Hex, isHex, toHex } from '../hex.ts'
import { memberId } from '../identity/member-id.ts'
import type { Identifier } from '../identity/national-ids.ts'
import { isDataClass } from './data-classes.ts'
import { covers, isPurpose } from './purposes.ts'
import { isGrantableKind } from './sensitivities.ts'
import type { ActMessages } from './typed-data.ts'

/**
 * What one member asks a patient for, through the custodian. It is told to that custodian only, sealed; the chain holds
 * a commitment (contracts/requests). The patient has named the custodian to whoever asks (I6).
 */
export type AccessRequest = {
  requester: Hex
  custodian: Hex
  patient: Identifier
  /** PurposeOfUse code. */
  purpose: string
  dataClasses: string[]
  sensitivities: string[]
  /** YYYY-MM-DD (UTC), both included. */
  from: string
  until: string
  /** Block time, in seconds, at which it is closed: midnight UTC, so that it singles out no request (I8). */
  deadline: number
  /** A few words from the person who asks to the patient; empty for none. */
  reason: string
  salt: Hex
}

/** What became of a request. Salted and hashed they look alike on the chain (I11). */
export const REQUEST_OUTCOMES = ['granted', 'refused', 'unknown-patient', 'no-answer'] as const
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number]

/** The contract takes no longer wait: 30 days. */
export const MAX_WAIT_DAYS = 29
const DAY = 86_400

/** The end of the day that lies so many days ahead, UTC, as block time in seconds. */
export const requestDeadline = (nowMs: number, days: number): number => (dayOf(nowMs) + days + 1) * DAY

const isText = (x: unknown, max: number): x is string =>
  typeof x === 'string' && x.length <= max && x.isWellFormed()
const isList = (x: unknown, holds: (item: string) => boolean): x is string[] =>
  Array.isArray(x) && x.length <= 64 && x.every((item) => typeof item === 'string' && holds(item))

/** Whether an object is a request in full: what is kept has the form that is read later. */
export function isAccessRequest(x: object): x is AccessRequest {
  const r = x as Partial<AccessRequest>
  const identified = isText(r.patient?.system, 256) && isText(r.patient?.value, 256)
  const members = isHex(r.requester, 32) && isHex(r.custodian, 32) && isHex(r.salt, 32)
  const what =
    isList(r.dataClasses, isDataClass) && r.dataClasses.length > 0 && isList(r.sensitivities, isGrantableKind)
  const first = dayOfDate(String(r.from))
  const last = dayOfDate(String(r.until))
  const dated = first !== undefined && last !== undefined && first <= last
  const closes = Number.isSafeInteger(r.deadline) && (r.deadline ?? 0) > 0 && (r.deadline ?? 0) % DAY === 0
  return (
    identified && members && what && dated && closes && isPurpose(String(r.purpose)) && isText(r.reason, 500)
  )
}

/** What the commitment holds beside the custodian: keccak256 of the RFC 8785 form, which has a random salt. */
export function requestInner(request: AccessRequest): Hex {
  return toHex(keccak_256(utf8ToBytes(canonicalize(request) ?? '')))
}

/** `keccak256(abi.encode(custodian, inner))`, as `AccessRequests` computes it: only that custodian can close it. */
export function requestCommitment(custodian: Hex, inner: Hex): Hex {
  return toHex(keccak_256(concatBytes(fromHex(custodian), fromHex(inner))))
}

/** What the chain shows of an outcome. */
export function outcomeHash(outcome: RequestOutcome, salt: Hex): Hex {
  return toHex(keccak_256(concatBytes(fromHex(salt), utf8ToBytes(outcome))))
}

/**
 * Whether a grant stays within what was asked for: the asking organisation, no wider purpose, no other classes or
 * kinds, no other days. A patient may narrow an answer; whatever is wider is no answer to this request.
 */
export function answers(grant: ActMessages['Grant'], request: AccessRequest): boolean {
  const { scope, terms } = grant
  const party = scope.granteeType === 'Organization' && memberId(scope.grantee) === request.requester
  const within = (all: readonly string[]) => (item: string) => all.includes(item)
  return (
    party &&
    covers(request.purpose, scope.purpose) !== undefined &&
    terms.dataClasses.every(within(request.dataClasses)) &&
    terms.sensitivities.every(within(request.sensitivities)) &&
    grant.from >= request.from &&
    grant.until <= request.until
  )
}
