import { useQueries, useQuery } from '@tanstack/react-query'
import type { AuditKind } from '../../../../domain/audit/audit-entry.ts'
import type { OwnDelegate } from '../../../../domain/consent/own-delegates.ts'
import { type Standing, standingOfDelegation } from '../../../../domain/consent/standing.ts'
import type { ActMessages, TypedData } from '../../../../domain/consent/typed-data.ts'
import type { HistoryLine, PatientClient } from '../../../../patient/client.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'

/** Those who help at one hospital, and what each did there, newest first; nobody where it does not say. */
export type HelpersAt = {
  hospital: OwnHospital
  state: 'loading' | 'here' | 'silent'
  helpers: readonly OwnDelegate[]
  did: readonly HistoryLine[]
}

const REFRESH = 15_000
/** What a helper can have signed. */
const SIGNED: readonly AuditKind[] = [
  ...(['consent-granted', 'consent-revoked', 'consent-objected', 'objection-withdrawn'] as const),
  ...(['locked', 'unlocked'] as const),
]

/** One question to each hospital: that one is silent hides nothing of the others. */
export function useHelpers(): readonly HelpersAt[] {
  const { hospitals } = useDevice()
  return useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: ['helpers', member.id],
      queryFn: async () => {
        const helpers = await client.delegates()
        const page = helpers.length > 0 ? await client.historyPage({ kinds: SIGNED, count: 200 }) : undefined
        return { helpers, did: (page?.history ?? []).filter(({ helper }) => helper) }
      },
      refetchInterval: REFRESH,
    })),
    combine: (answers) =>
      answers.flatMap(({ data, error, isPending }, at) => {
        const hospital = hospitals[at]
        if (!hospital) return []
        const state = isPending ? ('loading' as const) : error ? ('silent' as const) : ('here' as const)
        return [{ hospital, state, helpers: data?.helpers ?? [], did: data?.did ?? [] }]
      }),
  })
}

/** Whether an appointment, or its end, stands: the hospital says so of the newest block. */
export async function standingOfHelper(client: PatientClient, shown: TypedData): Promise<Standing> {
  const { delegate } = shown.message as ActMessages['Delegation'] | ActMessages['DelegationEnd']
  const found = (await client.delegates()).find((one) => one.delegate === delegate)
  const held = found?.state === 'in-force' || found?.state === 'over'
  const { primaryType, message } = shown
  return standingOfDelegation(primaryType, message, { version: found?.version ?? 0, held })
}

/** How many codes this device has shown for each hospital, by its id. Nothing here says whom they are for. */
export type Shown = Readonly<Record<string, number>>

const FACT = 'helping'

export function useShownCodes(): {
  shown: Shown
  show: (member: string) => Promise<void>
  look: (members: readonly string[]) => Promise<void>
} {
  const { vault } = useDevice()
  const { data = {}, refetch } = useQuery({
    queryKey: ['helping-codes'],
    queryFn: async () => (await vault.fact<Shown>(FACT)) ?? {},
  })
  const write = async (next: Shown) => {
    await vault.setFact(FACT, next)
    await refetch()
  }
  return {
    shown: data,
    show: (member) => write({ ...data, [member]: (data[member] ?? 0) + 1 }),
    look: (members) =>
      write(Object.fromEntries(members.map((member) => [member, Math.max(data[member] ?? 0, LOOKED_AT)]))),
  }
}

/** So many keys of a hospital are tried on a device that remembers none. */
const LOOKED_AT = 3
