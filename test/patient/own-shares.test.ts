import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ConsentWord } from '../../src/domain/consent/consent-word.ts'
import { type Candidate, decide } from '../../src/domain/consent/decide.ts'
import type { OwnConsent, OwnConsents } from '../../src/domain/consent/own-consents.ts'
import { dateOfDay } from '../../src/domain/days.ts'
import { ZERO_32 } from '../../src/domain/hex.ts'
import type { Party } from '../../src/patient/acts.ts'
import { isPaused, ownShares, stopPlan } from '../../src/patient/own-shares.ts'
import { seeded } from '../seeded.ts'

const TODAY = 20_000
const B: Party = { granteeType: 'Organization', grantee: 'urn:x|b' }
const C: Party = { granteeType: 'Organization', grantee: 'urn:x|c' }
const GROUP: Party = { granteeType: 'Group', grantee: 'region' }
const EVERYONE: Party = { granteeType: 'Everyone', grantee: '' }
const PARTIES = [B, C, GROUP, EVERYONE]
const PURPOSES = ['PurposeOfUse', 'TREAT', 'ETREAT', 'BTG', 'HRESCH', 'HPAYMT']

function consent(to: Party, purpose: string, more: Partial<OwnConsent> = {}): OwnConsent {
  return {
    scopeHash: `0x${Buffer.from(`${to.grantee} ${purpose}`).toString('hex').padEnd(64, '0')}`,
    scope: { ...to, purpose, salt: ZERO_32 },
    state: 'permit',
    version: 1,
    from: dateOfDay(TODAY - 1),
    until: dateOfDay(TODAY + 1),
    terms: { dataClasses: ['medications'], sensitivities: [], body: ZERO_32, salt: ZERO_32 },
    signedUpTo: -1,
    ...more,
  }
}

const own = (consents: OwnConsent[], more: Partial<OwnConsents> = {}): OwnConsents => ({
  ...{ handle: ZERO_32, locked: false, epoch: 0, lockSignedUpTo: -1, consents },
  emergency: { off: false, version: 0, signedUpTo: -1 },
  ...more,
})

/** The custodian's own rule over the same slots, for B, which is in the group. */
function decided(consents: readonly OwnConsent[], purpose: string, day = TODAY) {
  const dayIn = (date: string | undefined) => Math.round(Date.parse(`${date}T00:00:00Z`) / 86_400_000)
  const candidates = consents
    .filter(({ scope }) => scope.grantee !== C.grantee)
    .map((c): Candidate => {
      const word: ConsentWord = {
        ...{ state: c.state, version: c.version, terms: '0x', minedAt: 1_000 },
        ...{ fromDay: dayIn(c.from), untilDay: dayIn(c.until) },
        flags: { snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false },
      }
      return {
        ...{
          scopeHash: c.scopeHash,
          scope: c.scope,
          word,
          joinedAt: c.scope.granteeType === 'Group' ? 1 : 0,
        },
        ...(c.terms ? { terms: c.terms } : {}),
        signed: { revokedUpTo: c.signedUpTo },
      }
    })
  return decide({
    ...{ at: day * 86_400_000, purpose, candidates },
    requester: { live: true, admittedAt: 1 },
    custodian: { live: true, admittedAt: 1 },
    handle: {
      bound: true,
      word: { locked: false, epoch: 0, breakGlassOff: false, breakGlassVersion: 0, recovery: 0 },
    },
    record: { dataClass: 'medications', kinds: [] },
  }).decision
}

/** The slots after a plan was signed and mined. */
function after(consents: readonly OwnConsent[], plan: ReturnType<typeof stopPlan>): OwnConsent[] {
  const is = (c: OwnConsent, wish: { to: Party; purpose: string }) =>
    c.scope.grantee === wish.to.grantee &&
    c.scope.granteeType === wish.to.granteeType &&
    c.scope.purpose === wish.purpose
  const kept = consents
    .filter((c) => !plan.object.some((wish) => is(c, wish)))
    .map((c) =>
      plan.revoke.some((wish) => is(c, wish)) ? { ...c, state: 'silent' as const, version: 2 } : c,
    )
  const nothing = { dataClasses: [], sensitivities: [], body: ZERO_32, salt: ZERO_32 }
  return [
    ...kept,
    ...plan.object.map(({ to, purpose }) =>
      consent(to, purpose, { state: 'objection', version: 2, terms: nothing }),
    ),
  ]
}

test('whatever a patient shares with a party, its group and everyone, stopping leaves it refused, today and later', () => {
  const slot = fc
    .tuple(
      fc.constantFrom(...PARTIES),
      fc.constantFrom(...PURPOSES),
      fc.record({
        state: fc.constantFrom('permit' as const, 'permit' as const, 'objection' as const),
        begins: fc.constantFrom(TODAY - 1, TODAY, TODAY + 1),
        signedUpTo: fc.constantFrom(-1, -1, 1),
      }),
    )
    .map(([to, purpose, { state, begins, signedUpTo }]) =>
      consent(to, purpose, { state, signedUpTo, from: dateOfDay(begins), until: dateOfDay(begins + 3) }),
    )
  const slots = fc.uniqueArray(slot, { selector: ({ scopeHash }) => scopeHash, maxLength: 14 })
  let opened = 0
  fc.assert(
    fc.property(
      slots,
      fc.constantFrom(...PURPOSES),
      fc.constantFrom(TODAY, TODAY + 2),
      (consents, purpose, day) => {
        if (decided(consents, purpose, day) === 'permit') opened++
        const plan = stopPlan(ownShares(own(consents), TODAY), B)
        expect(decided(after(consents, plan), purpose, day)).toBe('refuse')
      },
    ),
    seeded({ numRuns: 1_000 }),
  )
  // It says nothing where nothing was open before.
  expect(opened).toBeGreaterThan(200)
})

test('nobody else loses by it: what is shared by name with another stays', () => {
  const shares = ownShares(own([consent(B, 'TREAT'), consent(C, 'TREAT'), consent(EVERYONE, 'TREAT')]), TODAY)
  expect(stopPlan(shares, B)).toEqual({
    object: [{ to: B, purpose: 'PurposeOfUse' }],
    revoke: [{ to: B, purpose: 'TREAT' }],
  })
})

test('where nothing wider stands no objection is signed, and where all is refused nothing is', () => {
  const shares = ownShares(own([consent(B, 'TREAT'), consent(C, 'TREAT')]), TODAY)
  expect(stopPlan(shares, B)).toEqual({ object: [], revoke: [{ to: B, purpose: 'TREAT' }] })
  const over = { until: dateOfDay(TODAY - 1) }
  expect(
    stopPlan(ownShares(own([consent(B, 'TREAT', over), consent(EVERYONE, 'TREAT', over)]), TODAY), B),
  ).toEqual({
    ...{ object: [], revoke: [] },
  })
})

test('a share is open from its first day to its last, and not once its end is signed', () => {
  const standing = (more: Partial<OwnConsent>) =>
    ownShares(own([consent(B, 'TREAT', more)]), TODAY)[0]?.standing
  expect(standing({})).toBe('open')
  expect(standing({ from: dateOfDay(TODAY) })).toBe('open')
  expect(standing({ from: dateOfDay(TODAY + 1), until: dateOfDay(TODAY + 2) })).toBe('later')
  expect(standing({ until: dateOfDay(TODAY) })).toBe('open')
  expect(standing({ until: dateOfDay(TODAY - 1) })).toBe('over')
  expect(standing({ signedUpTo: 1 })).toBe('stopped')
  expect(standing({ state: 'objection' })).toBe('refused')
  const { terms: _, ...without } = consent(B, 'TREAT')
  expect(ownShares(own([without]), TODAY)[0]?.standing).toBe('unreadable')
})

test('a lock counts from its signature on', () => {
  expect(isPaused(own([]))).toBe(false)
  expect(isPaused(own([], { locked: true }))).toBe(true)
  expect(isPaused(own([], { epoch: 2, lockSignedUpTo: 2 }))).toBe(true)
  expect(isPaused(own([], { epoch: 2, lockSignedUpTo: 1 }))).toBe(false)
})
