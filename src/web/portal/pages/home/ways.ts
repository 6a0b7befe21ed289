import type { Party } from '../../../../patient/acts.ts'
import { isSameParty, type OwnShare } from '../../../../patient/own-shares.ts'
import type { OwnHospital } from '../../device/device.tsx'
import type { OwnAt } from '../../own/hospitals.ts'

export type Placed = { hospital: OwnHospital; share: OwnShare; paused: boolean }

/** A party with all that is shared with it, wherever. */
export type PartyShares = { to: Party; at: readonly Placed[] }

const RANK = { Organization: 0, Group: 1, Everyone: 2 } as const

/** What the hospitals tell, by party: named ones first. */
export function byParty(all: readonly OwnAt[], wanted: (share: OwnShare) => boolean): readonly PartyShares[] {
  const found: { to: Party; at: Placed[] }[] = []
  for (const { hospital, shares, paused, own } of all) {
    for (const share of shares.filter(wanted)) {
      const placed = { hospital, share, paused: paused || own?.frozen !== undefined }
      const known = found.find(({ to }) => isSameParty(to, share.to))
      if (known) known.at.push(placed)
      else found.push({ to: share.to, at: [placed] })
    }
  }
  return found.sort((a, b) => RANK[a.to.granteeType] - RANK[b.to.granteeType])
}

/** Those who can see something this very moment. */
export const seeingNow = (all: readonly OwnAt[]): readonly PartyShares[] =>
  byParty(all, ({ standing }) => standing === 'open')
    .map(({ to, at }) => ({ to, at: at.filter(({ paused }) => !paused) }))
    .filter(({ at }) => at.length > 0)
