import type { ConsentWord } from '../../../src/domain/consent/consent-word.ts'
import type { Candidate, DecisionRequest } from '../../../src/domain/consent/decide.ts'
import type { Scope } from '../../../src/domain/consent/scope.ts'
import { normalTerms, type Terms } from '../../../src/domain/consent/terms.ts'
import { ZERO_32 } from '../../../src/domain/hex.ts'

/** Noon of the day on which the decisions of these tests are made. */
export const NOON = Date.UTC(2026, 5, 15, 12)
export const TODAY = Math.floor(NOON / 86_400_000)
/** Block times, in seconds, in the order in which they happened. */
export const T = { admitted: 1_000, joined: 2_000, granted: 3_000, later: 4_000 }

export const B: Pick<Scope, 'granteeType' | 'grantee'> = { granteeType: 'Organization', grantee: 'urn:o|b' }
export const GROUP: Pick<Scope, 'granteeType' | 'grantee'> = { granteeType: 'Group', grantee: 'gp-practices' }
export const EVERYONE: Pick<Scope, 'granteeType' | 'grantee'> = { granteeType: 'Everyone', grantee: '' }

const ORDINARY: Terms = normalTerms({ dataClasses: ['problems', 'laboratory'], sensitivities: [] })

export const word = (given: Partial<ConsentWord> = {}): ConsentWord => ({
  state: 'permit',
  terms: `0x${'00'.repeat(20)}`,
  minedAt: T.granted,
  version: 1,
  fromDay: TODAY - 10,
  untilDay: TODAY + 10,
  ...given,
  flags: {
    snapshotOnly: false,
    mayBeReferredOn: false,
    needsApproval: false,
    laterMembersToo: false,
    ...given.flags,
  },
})

export type Slot = {
  to?: Pick<Scope, 'granteeType' | 'grantee'>
  purpose?: string
  word?: Partial<Omit<ConsentWord, 'flags'>> & { flags?: Partial<ConsentWord['flags']> }
  terms?: Partial<Terms> | 'missing'
  joinedAt?: number
  signed?: Candidate['signed']
}

let slots = 0
/** A slot; by default a consent in force for organisation B, for TREAT, of ordinary problems and laboratory data. */
export function permit(given: Slot = {}): Candidate {
  const scope = { ...(given.to ?? B), purpose: given.purpose ?? 'TREAT' }
  slots++
  return {
    scopeHash: `0x${slots.toString(16).padStart(64, '0')}`,
    scope,
    word: word(given.word as Partial<ConsentWord>),
    ...(given.terms === 'missing' ? {} : { terms: { ...ORDINARY, ...given.terms } }),
    joinedAt: given.joinedAt ?? (scope.granteeType === 'Group' ? T.joined : 0),
    signed: given.signed ?? {},
  }
}

export const objection = (given: Slot = {}): Candidate =>
  permit({
    ...given,
    word: { fromDay: 0, untilDay: 0, ...given.word, state: 'objection' },
    terms: given.terms ?? { dataClasses: [], sensitivities: [], body: ZERO_32 },
  })
export const silent = (given: Slot = {}): Candidate =>
  permit({ ...given, word: { fromDay: 0, untilDay: 0, ...given.word, state: 'silent' }, terms: 'missing' })

/** B asks, today, for TREAT, for an ordinary record about problems; everything that is not consent is in order. */
export function asked(
  candidates: readonly Candidate[],
  given: Partial<DecisionRequest> = {},
): DecisionRequest {
  return {
    at: NOON,
    requester: { live: true, admittedAt: T.admitted },
    custodian: { live: true, admittedAt: T.admitted },
    purpose: 'TREAT',
    handle: {
      bound: true,
      word: { locked: false, breakGlassOff: false, breakGlassVersion: 0, recovery: 0, epoch: 0 },
    },
    record: { dataClass: 'problems', kinds: [] },
    candidates,
    ...given,
  }
}
