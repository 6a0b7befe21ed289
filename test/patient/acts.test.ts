import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OwnConsents } from '../../src/domain/consent/own-consents.ts'
import { dateOfDay, dayOf } from '../../src/domain/days.ts'
import type { Hex } from '../../src/domain/hex.ts'
import {
  buildGrant,
  buildLock,
  buildObjection,
  buildRevocation,
  buildUnlock,
  buildWithdrawal,
  nextUpTo,
  nextUpToEpoch,
  type Party,
  type SigningState,
  slotOf,
} from '../../src/patient/acts.ts'
import { createOwnActs } from '../../src/patient/own-acts.ts'
import { seeded } from '../seeded.ts'
import { NO_FLAGS, NO_SWITCH } from '../support/in-words.ts'

const handle: Hex = `0x${'1a'.repeat(32)}`
const salt: Hex = `0x${'5a'.repeat(32)}`
const now = Date.UTC(2026, 10, 21, 12)
const place = {
  chainId: 78_230,
  consentRegistry: `0x${'C0'.repeat(20)}`,
  patientRegistry: `0x${'B0'.repeat(20)}`,
}
const scopeSecret = new Uint8Array(32).fill(7)
const to: Party = { granteeType: 'Organization', grantee: 'urn:oid:2.999.1|hospital-b' }
const slot = slotOf(scopeSecret, to, 'TREAT')

function state(own: Partial<OwnConsents> = {}, word?: { version: number; signedUpTo: number }): SigningState {
  const consent = word && { scopeHash: slot.hash, scope: slot.scope, state: 'permit' as const, ...word }
  const consents = consent ? [consent] : []
  return {
    handle,
    scopeSecret,
    place,
    state: { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents, ...own },
  }
}

const wish = { to, purpose: 'TREAT', classes: ['problems'] }

describe('numbers', () => {
  test.each([
    ['nothing was ever said', 0, -1, 0, 1],
    ['a grant stands on the chain', 1, -1, 1, 2],
    ['a grant was signed here and is not mined', 0, -1, 1, 2],
    ['a revocation up to 2 is held and not mined', 1, 2, 1, 4],
    ['that revocation is mined', 3, 2, 1, 4],
    ['a revocation that changed nothing lies behind', 9, 2, 1, 10],
    ['the last number', 2 ** 24 - 2, -1, 0, 2 ** 24 - 2],
  ])('%s: "up to" is one more than anything can yield', (_name, version, signedUpTo, signedVersion, upTo) => {
    expect(nextUpTo(version, signedUpTo, signedVersion)).toBe(upTo)
  })

  test('a lock counts on from the epoch and from earlier locks, mined or not', () => {
    expect(nextUpToEpoch(0, -1)).toBe(1)
    expect(nextUpToEpoch(0, 1)).toBe(3)
    expect(nextUpToEpoch(2, 1)).toBe(3)
    expect(nextUpToEpoch(2 ** 32 - 2, -1)).toBe(2 ** 32 - 2)
  })

  test('the custodian’s and the device’s own memory both count', () => {
    expect(buildRevocation(state({}, { version: 3, signedUpTo: 6 }), wish).message.upToVersion).toBe(8)
    expect(buildRevocation(state({}, { version: 3, signedUpTo: 1 }), wish, 9).message.upToVersion).toBe(10)
    expect(
      buildObjection(state({}, { version: 3, signedUpTo: 1 }), wish, { now, salt }, 9).message.upToVersion,
    ).toBe(10)
    expect(buildLock(state({ epoch: 4, lockSignedUpTo: 7 })).message.upToEpoch).toBe(9)
    expect(buildLock(state({ epoch: 4 }), 11).message.upToEpoch).toBe(13)
  })

  test('widening acts name the exact next version, the exact epoch and a deadline of 15 minutes', () => {
    const s = state({ epoch: 5 }, { version: 3, signedUpTo: 1 })
    const exact = { version: 4, epoch: 5, deadline: now / 1000 + 900 }
    expect(buildGrant(s, wish, { now, salt }).message).toMatchObject(exact)
    expect(buildWithdrawal(s, wish, { now }).message).toMatchObject(exact)
    expect(buildUnlock(s, { now }).message).toEqual({ handle, epoch: 5, deadline: now / 1000 + 900 })
    expect(buildGrant(state(), wish, { now, salt }).message.version).toBe(1)
  })
})

/** A slot as the contract keeps it (contracts/consent/ConsentRegistry.sol), as far as versions go. */
type Slot = { state: 'silent' | 'permit' | 'objection'; version: number }
type Act = { kind: 'grant' | 'withdrawal' | 'revocation' | 'objection'; number: number }

function mined({ state: now, version }: Slot, { kind, number }: Act): Slot {
  if (kind === 'grant')
    return number === version + 1 ? { state: 'permit', version: number } : { state: now, version }
  if (kind === 'withdrawal') {
    return number === version + 1 && now === 'objection'
      ? { state: 'silent', version: number }
      : { state: now, version }
  }
  if (number < version) return { state: now, version }
  return { state: kind === 'objection' || now === 'objection' ? 'objection' : 'silent', version: number + 1 }
}

const yields = ({ kind, number }: Act) => (kind === 'grant' || kind === 'withdrawal' ? number : number + 1)

/** What a patient does: sign something, and have it mined at once, later, or out of order. */
const aStep = fc.record({
  kind: fc.constantFrom('grant', 'withdrawal', 'revocation', 'objection'),
  minedNow: fc.boolean(),
  toldCustodian: fc.boolean(),
})

function lived(
  steps: { kind: Act['kind']; minedNow: boolean; toldCustodian: boolean }[],
  remembers: boolean,
) {
  let chain: Slot = { state: 'silent', version: 0 }
  let signedUpTo = -1
  let signedVersion = 0
  const waiting: Act[] = []
  for (const { kind, minedNow, toldCustodian } of steps) {
    const narrows = kind === 'revocation' || kind === 'objection'
    const act: Act = {
      kind,
      number: narrows ? nextUpTo(chain.version, signedUpTo, signedVersion) : chain.version + 1,
    }
    // A narrowing act that was sent is with the custodian from then on (I5).
    if (narrows && (toldCustodian || !remembers)) signedUpTo = Math.max(signedUpTo, act.number)
    if (remembers) signedVersion = Math.max(signedVersion, yields(act))
    if (minedNow) chain = mined(chain, act)
    else waiting.push(act)
  }
  return { chain, waiting, upTo: nextUpTo(chain.version, signedUpTo, signedVersion) }
}

describe('a revocation or objection ends whatever was signed before it, in whatever order all of it is mined', () => {
  const aLife = fc.array(aStep, { maxLength: 8 })
  const anOrder = fc.infiniteStream(fc.nat())

  function land(chain: Slot, acts: Act[], order: Iterator<number>): Slot {
    const left = [...acts]
    let slotNow = chain
    while (left.length > 0) {
      const [act] = left.splice((order.next().value ?? 0) % left.length, 1)
      slotNow = mined(slotNow, act as Act)
    }
    return slotNow
  }

  test.each([
    ['a device that remembers what it signed', true],
    ['a new device, with the custodian’s memory of what narrows', false],
  ])('%s', (_name, remembers) => {
    const property = fc.property(aLife, anOrder, fc.boolean(), (steps, order, objects) => {
      const { chain, waiting, upTo } = lived(steps, remembers)
      const last: Act = { kind: objects ? 'objection' : 'revocation', number: upTo }
      const end = land(chain, [...waiting, last], order)
      expect(end.state).not.toBe('permit')
      if (objects) expect(end.state).toBe('objection')
      expect(end.version).toBe(upTo + 1)
    })
    fc.assert(property, seeded({ numRuns: 2_000 }))
  })

  test('a grant signed once it is mined stands, even when the old revocation is sent again', () => {
    const property = fc.property(aLife, anOrder, (steps, order) => {
      const { chain, waiting, upTo } = lived(steps, true)
      const revocation: Act = { kind: 'revocation', number: upTo }
      const ended = land(chain, [...waiting, revocation], order)
      fc.pre(ended.state === 'silent')
      const granted = mined(ended, { kind: 'grant', number: ended.version + 1 })
      expect(granted.state).toBe('permit')
      expect(land(granted, [...waiting, revocation], order)).toEqual(granted)
    })
    fc.assert(property, seeded({ numRuns: 1_000 }))
  })
})

test('what is signed is named by the slot and the contract that it is for', () => {
  const s = state()
  const grant = buildGrant(s, wish, { now, salt })
  expect(grant.domain).toEqual({
    name: 'Wayleave Consent',
    version: '1',
    chainId: 78_230,
    verifyingContract: `0x${'c0'.repeat(20)}`,
  })
  expect(buildLock(s).domain).toMatchObject({
    name: 'Wayleave Patients',
    verifyingContract: `0x${'b0'.repeat(20)}`,
  })
  expect(grant.message).toMatchObject({ handle, scope: slot.scope, terms: { salt } })
  expect(buildRevocation(s, wish).message.scope).toEqual(slot.scope)
})

test('the same party and purpose always meet the same slot, and no other', () => {
  expect(slotOf(scopeSecret, { ...to }, 'TREAT')).toEqual(slot)
  const others = [
    slotOf(scopeSecret, to, 'ETREAT'),
    slotOf(scopeSecret, { ...to, granteeType: 'Group' }, 'TREAT'),
    slotOf(scopeSecret, { granteeType: 'Everyone', grantee: '' }, 'TREAT'),
    slotOf(new Uint8Array(32).fill(8), to, 'TREAT'),
  ]
  expect(new Set([slot, ...others].map(({ hash }) => hash)).size).toBe(5)
})

test('terms are sorted, free of doubles, and open nothing sensitive unless it is named', () => {
  const message = (more: object) => buildGrant(state(), { ...wish, ...more }, { now, salt }).message
  const { terms } = message({ classes: ['problems', 'allergies', 'problems'], sensitivities: ['PSY', 'HIV'] })
  expect(terms).toMatchObject({ dataClasses: ['allergies', 'problems'], sensitivities: ['HIV', 'PSY'] })
  expect(message({}).terms.sensitivities).toEqual([])
  expect(buildObjection(state(), wish, { now, salt }).message.terms.dataClasses).toEqual(['problems'])
  const { to: whom, purpose } = wish
  expect(buildObjection(state(), { to: whom, purpose }, { now, salt }).message.terms.dataClasses).toEqual([])
})

test('a period is whole days, from today for 365 days unless dates are given', () => {
  const period = (more: object) => {
    const { from, until } = buildGrant(state(), { ...wish, ...more }, { now, salt }).message
    return [from, until]
  }
  expect(period({})).toEqual([dateOfDay(dayOf(now)), dateOfDay(dayOf(now) + 365)])
  expect(period({ from: '2026-12-01', until: '2026-12-01' })).toEqual(['2026-12-01', '2026-12-01'])
  expect(period({ until: '2026-11-21' })).toEqual(['2026-11-21', '2026-11-21'])
  expect(period({ from: '2020-01-01', until: '2029-12-31' })[1]).toBe('2029-12-31')
})

test('what is not wished for is signed as a no', () => {
  const message = (flags: object) => buildGrant(state(), { ...wish, flags }, { now, salt }).message
  expect(message({})).toMatchObject(NO_FLAGS)
  expect(message({ mayBeReferredOn: true })).toMatchObject({ ...NO_FLAGS, mayBeReferredOn: true })
})

test.each([
  ['no kind of data', { classes: [] }, 'at least one'],
  ['an unknown kind of data', { classes: ['everything'] }, 'everything is not'],
  ['an unknown sensitive kind', { sensitivities: ['XYZ'] }, 'XYZ is not'],
  ['very restricted records', { sensitivities: ['V'] }, 'V is not'],
  ['an unknown purpose', { purpose: 'CURIOSITY' }, 'not a PurposeOfUse code'],
  ['nobody', { to: { granteeType: 'Organization' as const, grantee: '' } }, 'A party is named'],
  ['an everyone with a name', { to: { granteeType: 'Everyone' as const, grantee: 'x' } }, 'A party is named'],
  ['no date', { until: 'tomorrow' }, 'not a date'],
  ['a day that the chain cannot hold', { until: '2149-06-07' }, 'not a date'],
  ['a day that no calendar has', { until: '2027-02-29' }, 'not a date'],
  ['days in the wrong order', { from: '2027-02-02', until: '2027-02-01' }, 'before the first'],
  ['days that are over', { from: '2020-01-01', until: '2020-12-31' }, 'is over'],
  ['more than ten years', { until: '2036-11-23' }, 'ten years'],
  ['days that the chain cannot hold', { from: '2149-06-01' }, 'too far ahead'],
])('a grant of %s is not even built', (_name, more, message) => {
  expect(() => buildGrant(state(), { ...wish, ...more }, { now, salt })).toThrow(RangeError)
  expect(() => buildGrant(state(), { ...wish, ...more }, { now, salt })).toThrow(message)
})

describe('a widening act waits', () => {
  const { state: quiet } = state({}, { version: 3, signedUpTo: 2 })

  test('for nothing when all that was signed is mined', () => {
    expect(createOwnActs().isSettled(quiet, slot.hash)).toBe(true)
    expect(createOwnActs().isSettled(state().state, slot.hash)).toBe(true)
  })

  test('for a revocation that the custodian holds, in that slot only', () => {
    const { state: pending } = state({}, { version: 3, signedUpTo: 3 })
    expect(createOwnActs().isSettled(pending, slot.hash)).toBe(false)
    expect(createOwnActs().isSettled(pending, slotOf(scopeSecret, to, 'HRESCH').hash)).toBe(true)
  })

  test('for a lock that the custodian holds, in every slot', () => {
    const { state: pending } = state({ epoch: 2, lockSignedUpTo: 2 })
    expect(createOwnActs().isSettled(pending, slot.hash)).toBe(false)
    expect(createOwnActs().isSettled(pending)).toBe(false)
  })

  test('for what this device has sent, until it is mined or given up', () => {
    const own = createOwnActs()
    own.sent({ slot: slot.hash, version: 4 })
    expect(own.isSettled(quiet, slot.hash)).toBe(false)
    expect(own.isSettled(state({}, { version: 4, signedUpTo: 2 }).state, slot.hash)).toBe(true)
    own.giveUp()
    expect(own.isSettled(quiet, slot.hash)).toBe(true)
  })

  test('for an unlocking and for a lock of its own', () => {
    const own = createOwnActs()
    own.sent({ unlocked: true })
    expect(own.isSettled(state({ locked: true }).state)).toBe(false)
    expect(own.isSettled(state({ locked: false }).state)).toBe(true)
    own.sent({ epoch: 2 })
    expect(own.isSettled(state({ epoch: 1 }).state)).toBe(false)
    expect(own.isSettled(state({ epoch: 2, locked: true }).state)).toBe(true)
  })
})
