import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ConsentWord } from '../../../src/domain/consent/consent-word.ts'
import { type Candidate, type DecisionRequest, decide } from '../../../src/domain/consent/decide.ts'
import { GRANTEE_TYPES } from '../../../src/domain/consent/scope.ts'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { seeded } from '../../seeded.ts'
import { NOON, T, TODAY, word } from './decision-world.ts'

/** Mostly the first, so that requests that permit are not too rare to prove anything. */
const mostly = <V>(usual: V, ...others: V[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

const purpose = mostly('TREAT', 'ETREAT', 'BTG', 'HRESCH', 'CLINTRCH', 'PurposeOfUse', 'NONSENSE')
const dataClass = mostly('problems', 'laboratory', 'dreams')
const upTo = fc.nat({ max: 4 })
const bytes32: fc.Arbitrary<Hex> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex)

function hex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

const flags = fc.record({
  snapshotOnly: fc.boolean(),
  mayBeReferredOn: fc.boolean(),
  needsApproval: fc.boolean(),
  laterMembersToo: fc.boolean(),
})
const words: fc.Arbitrary<ConsentWord> = fc
  .record({
    state: fc.constantFrom('silent' as const, 'permit' as const, 'permit' as const, 'objection' as const),
    minedAt: mostly(T.granted, T.admitted, T.later),
    version: fc.nat({ max: 4 }),
    fromDay: mostly(0, TODAY, TODAY + 1),
    untilDay: mostly(TODAY + 1, TODAY, TODAY - 1),
    flags: fc.oneof({ weight: 4, arbitrary: fc.constant(word().flags) }, { weight: 1, arbitrary: flags }),
  })
  .map(word)
const terms = fc.record({
  dataClasses: mostly<string[]>(
    ['problems'],
    ['problems', 'laboratory'],
    ['laboratory'],
    ['problems', 'dreams'],
    [],
  ),
  sensitivities: mostly<string[]>(['HIV'], ['ETH'], ['NEW', 'HIV'], ['V'], []),
  body: fc.oneof({ weight: 9, arbitrary: fc.constant<Hex>(ZERO_32) }, { weight: 1, arbitrary: bytes32 }),
})
const signed = fc.record({ revokedUpTo: upTo, objectedUpTo: upTo }, { requiredKeys: [] })

const candidates: fc.Arbitrary<Candidate> = fc
  .record({
    scopeHash: bytes32,
    granteeType: fc.constantFrom(...GRANTEE_TYPES),
    purpose,
    word: words,
    terms: fc.option(terms, { freq: 9, nil: undefined }),
    joinedAt: mostly(T.joined, 0, T.granted, T.later),
    signed: fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: signed }),
  })
  .map(({ granteeType, purpose: code, terms: known, ...rest }) => ({
    ...rest,
    scope: { granteeType, grantee: granteeType === 'Everyone' ? '' : 'someone', purpose: code },
    ...(known ? { terms: known } : {}),
  }))

const requests: fc.Arbitrary<DecisionRequest> = fc.record({
  at: mostly(NOON, NOON - 86_400_000, NOON + 86_400_000),
  requester: fc.record({ live: mostly(true, false), admittedAt: mostly(T.admitted, T.granted, T.later) }),
  custodian: fc.constant({ live: true, admittedAt: T.admitted }),
  purpose,
  handle: fc.constant({
    bound: true,
    word: { locked: false, breakGlassOff: false, breakGlassVersion: 0, recovery: 0, epoch: 0 },
  }),
  record: fc.record({ dataClass, kinds: mostly<string[]>([], ['HIV'], ['OPIOIDUD'], ['HIV', 'V'], ['NEW']) }),
  candidates: fc.array(candidates, { minLength: 1, maxLength: 5 }),
})

const permits = (request: DecisionRequest) => decide(request).decision === 'permit'

type Change = (slot: Candidate) => Candidate

/** What narrows one slot, or takes from the custodian what it needs to know of it. */
const CHANGES: [rule: string, change: fc.Arbitrary<Change>][] = [
  [
    'a revocation that is signed and not mined',
    upTo.map((revokedUpTo) => (slot) => ({
      ...slot,
      signed: { ...slot.signed, revokedUpTo: Math.max(revokedUpTo, slot.signed.revokedUpTo ?? 0) },
    })),
  ],
  [
    'an objection that is signed and not mined',
    upTo.map((objectedUpTo) => (slot) => ({
      ...slot,
      signed: { ...slot.signed, objectedUpTo: Math.max(objectedUpTo, slot.signed.objectedUpTo ?? 0) },
    })),
  ],
  ['the loss of the terms', fc.constant(({ terms: _lost, ...slot }) => slot)],
  [
    'a flag that asks for approval',
    fc.constant((slot) => ({
      ...slot,
      word: { ...slot.word, flags: { ...slot.word.flags, needsApproval: true } },
    })),
  ],
]

describe('for any request', () => {
  test('a decision is made: nothing makes it throw', () => {
    fc.assert(
      fc.property(requests, fc.double(), fc.string(), (request, at, text) => {
        decide(request)
        decide({ ...request, at, purpose: text, record: { dataClass: text, kinds: [text] } })
      }),
      seeded({ numRuns: 2_000 }),
    )
  })

  test('the order in which slots are looked at changes nothing of the decision', () => {
    const shuffled = requests.chain((request) =>
      fc.tuple(
        fc.constant(request),
        fc.shuffledSubarray([...request.candidates], { minLength: request.candidates.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([request, order]) => {
        expect(decide({ ...request, candidates: order })).toEqual(decide(request))
      }),
      seeded({ numRuns: 4_000 }),
    )
  })

  test('one more objection never widens', () => {
    let narrowed = 0
    fc.assert(
      fc.property(requests, candidates, (request, slot) => {
        const objection: Candidate = { ...slot, word: { ...slot.word, state: 'objection' } }
        if (permits({ ...request, candidates: [...request.candidates, objection] })) {
          expect(permits(request)).toBe(true)
        } else if (permits(request)) narrowed++
      }),
      seeded({ numRuns: 4_000 }),
    )
    expect(narrowed).toBeGreaterThan(50)
  })

  test.each(CHANGES)('%s never widens', (_rule, change) => {
    let narrowed = 0
    fc.assert(
      fc.property(requests, fc.nat(), change, (before, at, changed) => {
        const index = at % before.candidates.length
        const after = before.candidates.map((slot, i) => (i === index ? changed(slot) : slot))
        if (permits({ ...before, candidates: after })) {
          expect(permits(before)).toBe(true)
        } else if (permits(before)) narrowed++
      }),
      seeded({ numRuns: 4_000 }),
    )
    // A change that never made a difference would prove nothing.
    expect(narrowed).toBeGreaterThan(50)
  })

  test('a lock, signed or mined, refuses all', () => {
    fc.assert(
      fc.property(requests, fc.boolean(), (request, mined) => {
        const { handle } = request
        const locked = mined
          ? { ...handle, word: { ...handle.word, locked: true } }
          : { ...handle, lockSignedUpTo: handle.word.epoch }
        expect(permits({ ...request, handle: locked })).toBe(false)
      }),
      seeded({ numRuns: 500 }),
    )
  })

  test('what permits is a permit of the chain, for this purpose, with terms that cover class and kinds', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const decision = decide(request)
        if (decision.decision !== 'permit') return
        const slot = request.candidates.find((c) => c.scopeHash === decision.rule.scopeHash)
        expect(slot?.word.state).toBe('permit')
        expect(slot?.terms?.dataClasses).toContain(request.record?.dataClass)
        expect(request.requester.live && request.custodian.live).toBe(true)
      }),
      seeded({ numRuns: 2_000 }),
    )
  })
})
