import type { OwnConsent, OwnConsents } from '../domain/consent/own-consents.ts'
import { ANY_PURPOSE } from '../domain/consent/purposes.ts'
import { dayOfDate } from '../domain/days.ts'
import type { Hex } from '../domain/hex.ts'
import type { Party } from './acts.ts'
import type { SlotWish } from './prepare.ts'

/**
 * `open`: counts today. `later`, `over`: by its dates. `stopped`: a signed end counts already, the chain will show it.
 * `unconfirmed`: from before a new key, it permits nothing until it is signed anew. `refused`: an objection. `unreadable`: the hospital lacks its terms, and so releases nothing under it.
 */
export type ShareStanding = 'open' | 'later' | 'over' | 'stopped' | 'refused' | 'unreadable' | 'unconfirmed'

/** What one slot says to somebody who wants to know who can see what. */
export type OwnShare = {
  scopeHash: Hex
  to: Party
  purpose: string
  standing: ShareStanding
  consent: OwnConsent
}

/**
 * Every slot that says something, as the custodian's decision takes it.
 * @param today day since 1970 (UTC)
 */
export function ownShares(own: OwnConsents, today: number): OwnShare[] {
  return own.consents
    .filter(({ state }) => state !== 'silent')
    .map((consent) => {
      const { scopeHash, scope } = consent
      const to = { granteeType: scope.granteeType, grantee: scope.grantee }
      return { scopeHash, to, purpose: scope.purpose, standing: standingOf(consent, today), consent }
    })
}

function standingOf(consent: OwnConsent, today: number): ShareStanding {
  const { state, version, signedUpTo, from, until, terms } = consent
  if (state === 'objection') return 'refused'
  if (signedUpTo >= version) return 'stopped'
  const last = until === undefined ? undefined : dayOfDate(until)
  if (last === undefined || !(today <= last)) return 'over'
  if (from !== undefined && today < (dayOfDate(from) ?? 0)) return 'later'
  if (consent.unconfirmed) return 'unconfirmed'
  return terms ? 'open' : 'unreadable'
}

/** A lock that is signed counts, wherever the chain is. */
export const isPaused = ({ locked, lockSignedUpTo, epoch }: OwnConsents): boolean =>
  locked || lockSignedUpTo >= epoch

export const isSameParty = (one: Party, other: Party): boolean =>
  one.granteeType === other.granteeType && one.grantee === other.grantee

const WIDTH = { Organization: 0, Group: 1, Everyone: 2 } as const

/** Which permits name the party, or a group, or everyone, in which it may be, and count now or will. */
const permitsFor = (shares: readonly OwnShare[], party: Party) => {
  const counting = shares.filter(({ standing }) =>
    ['open', 'later', 'unreadable', 'unconfirmed'].includes(standing),
  )
  return {
    own: counting.filter(({ to }) => isSameParty(to, party)),
    wider: counting.filter(({ to }) => WIDTH[to.granteeType] > WIDTH[party.granteeType]),
  }
}

/** What has to be signed, in this order, so that a party is refused. Empty where it is refused already. */
export type StopPlan = { object: readonly SlotWish[]; revoke: readonly SlotWish[] }

/**
 * How a party is kept from everything. A slot that is silent gives way to a wider permit (design §4), so where one stands,
 * for a group that the party may be in or for everyone, an objection is signed for any purpose. It comes first: in between
 * nothing is open that was not. It would give way to a permit of the party's own for a nearer purpose, so those all end.
 *
 * @param always object even where nothing wider stands
 */
export function stopPlan(shares: readonly OwnShare[], party: Party, always = false): StopPlan {
  const { own, wider } = permitsFor(shares, party)
  const root = { to: party, purpose: ANY_PURPOSE }
  const stands = shares.some(
    ({ to, purpose, standing, consent }) =>
      isSameParty(to, party) &&
      purpose === ANY_PURPOSE &&
      standing === 'refused' &&
      // What has terms that nobody can read covers everything (I3).
      !(consent.terms && consent.terms.dataClasses.length > 0) &&
      !(consent.body !== undefined),
  )
  const object = (always || wider.length > 0) && !stands ? [root] : []
  // An objection takes the place of what its own slot said.
  const revoke = own
    .filter(({ purpose }) => object.length === 0 || purpose !== ANY_PURPOSE)
    .map(({ to, purpose }) => ({ to, purpose }))
  return { object, revoke }
}

/** The wider permits that would let a party in after its own have ended: what the plan's objection is for. */
export const widerThan = (shares: readonly OwnShare[], party: Party): readonly OwnShare[] =>
  permitsFor(shares, party).wider
