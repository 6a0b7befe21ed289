import { useQueries } from '@tanstack/react-query'
import type { OwnConsents } from '../../../domain/consent/own-consents.ts'
import { dayOf } from '../../../domain/days.ts'
import type { Hex } from '../../../domain/hex.ts'
import { identifierText } from '../../../domain/identity/member-id.ts'
import type { Party } from '../../../patient/acts.ts'
import { isPaused, type OwnShare, ownShares } from '../../../patient/own-shares.ts'
import { type OwnHospital, useDevice } from '../device/device.tsx'

/** What one of the patient's hospitals says is shared there, or that it does not say. */
export type OwnAt = {
  hospital: OwnHospital
  state: 'loading' | 'here' | 'silent'
  /** The newest that it said; older than a silence, where it has one. */
  own?: OwnConsents
  shares: readonly OwnShare[]
  paused: boolean
  error?: unknown
}

/** Under which a hospital's consents are kept; what changes them sets or forgets it. */
export const consentsKey = (member: Hex) => ['consents', member] as const

const REFRESH = 15_000

export const today = (): number => dayOf(Date.now())

/** One question to each hospital: that one is silent hides nothing of the others. */
export function useOwnConsents(): readonly OwnAt[] {
  const { hospitals } = useDevice()
  return useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: consentsKey(member.id),
      queryFn: () => client.consents(),
      refetchInterval: REFRESH,
    })),
    combine: (answers) =>
      answers.flatMap(({ data, error, isPending }, at) => {
        const hospital = hospitals[at]
        if (!hospital) return []
        const shares = data ? ownShares(data, today()) : []
        const state = isPending ? ('loading' as const) : error ? ('silent' as const) : ('here' as const)
        return [
          {
            hospital,
            state,
            shares,
            paused: data ? isPaused(data) : false,
            ...(data ? { own: data } : {}),
            error,
          },
        ]
      }),
  })
}

/** The patient's hospitals whose records such a party could see: all but itself. */
export function useSources(to: Party | undefined): readonly OwnHospital[] {
  const { hospitals } = useDevice()
  return hospitals.filter(
    ({ member }) => to?.granteeType !== 'Organization' || identifierText(member.identifier) !== to.grantee,
  )
}
