import { AbiCoder, keccak256 } from 'ethers'
import { describe, expect, test } from 'vitest'
import {
  type AccessRequest,
  answers,
  isAccessRequest,
  outcomeHash,
  REQUEST_OUTCOMES,
  requestCommitment,
  requestDeadline,
  requestInner,
} from '../../../src/domain/consent/access-request.ts'
import { memberId } from '../../../src/domain/identity/member-id.ts'
import { hash, MESSAGES } from './acts.ts'

const REQUEST: AccessRequest = {
  requester: memberId('urn:oid:2.999.1|hospital-é'),
  custodian: hash('custodian'),
  patient: { system: 'http://fhir.nl/fhir/NamingSystem/bsn', value: '999939841' },
  purpose: 'TREAT',
  dataClasses: ['laboratory', 'problems'],
  sensitivities: ['HIV'],
  from: '2024-10-01',
  until: '2025-12-31',
  deadline: 1_899_936_000,
  reason: '',
  salt: hash('salt'),
}
const request = { ...REQUEST, dataClasses: ['observations', 'problems'] }
const grant = {
  ...MESSAGES.Grant,
  terms: { ...MESSAGES.Grant.terms, dataClasses: ['problems'], sensitivities: [] },
}

describe('a request on the chain', () => {
  test('is the commitment that the contract computes, and only its custodian can close it', () => {
    const inner = requestInner(request)
    const encoded = AbiCoder.defaultAbiCoder().encode(['bytes32', 'bytes32'], [request.custodian, inner])
    expect(requestCommitment(request.custodian, inner)).toBe(keccak256(encoded))
    expect(requestCommitment(hash('another'), inner)).not.toBe(keccak256(encoded))
  })

  test('cannot be guessed: the salt changes it', () => {
    expect(requestInner({ ...request, salt: hash('another') })).not.toBe(requestInner(request))
    const outcomes = REQUEST_OUTCOMES.flatMap((o) => [outcomeHash(o, hash('1')), outcomeHash(o, hash('2'))])
    expect(new Set(outcomes).size).toBe(REQUEST_OUTCOMES.length * 2)
  })

  test('ends at midnight, as others of that day do', () => {
    const early = Date.UTC(2026, 10, 21, 0, 0, 1)
    const late = Date.UTC(2026, 10, 21, 23, 59, 59)
    expect(requestDeadline(early, 3)).toBe(Date.UTC(2026, 10, 25) / 1000)
    expect(requestDeadline(late, 3)).toBe(requestDeadline(early, 3))
    expect(requestDeadline(early, 29) - early / 1000).toBeLessThanOrEqual(30 * 86_400)
  })
})

describe('a message is a request only', () => {
  test('where it says everything', () => expect(isAccessRequest(request)).toBe(true))

  test.each<[string, object]>([
    ['with members that are ids', { requester: 'B' }],
    ['with a salt', { salt: '0x' }],
    ['with a person', { patient: { system: 'x' } }],
    ['with a purpose that exists', { purpose: 'CURIOSITY' }],
    ['for kinds of data that exist', { dataClasses: ['everything'] }],
    ['for some kind of data', { dataClasses: [] }],
    ['for sensitive kinds that can be granted', { sensitivities: ['V'] }],
    ['with days in their order', { from: '2026-01-02', until: '2026-01-01' }],
    ['with days that exist', { until: '2026-02-30' }],
    ['with a deadline at midnight', { deadline: 1_899_936_001 }],
    ['with words that a person can read', { reason: 'x'.repeat(501) }],
  ])('%s', (_what, wrong) => expect(isAccessRequest({ ...request, ...wrong })).toBe(false))
})

describe('a grant answers a request', () => {
  test('that it stays within', () => expect(answers(grant, request)).toBe(true))

  test.each<[string, object]>([
    ['to another organisation', { scope: { ...grant.scope, grantee: 'urn:x|y' } }],
    ['to a group', { scope: { ...grant.scope, granteeType: 'Group' } }],
    ['for a wider purpose', { scope: { ...grant.scope, purpose: 'PurposeOfUse' } }],
    ['with another kind of data', { terms: { ...grant.terms, dataClasses: ['problems', 'allergies'] } }],
    ['with a sensitive kind not asked for', { terms: { ...grant.terms, sensitivities: ['PSY'] } }],
    ['from an earlier day', { from: '2024-09-30' }],
    ['until a later day', { until: '2026-01-01' }],
  ])('and not %s', (_what, wider) => expect(answers({ ...grant, ...wider } as never, request)).toBe(false))
})
