import type { Hex } from '../../../domain/hex.ts'
import type { HashedForm } from '../../../patient/sign.ts'
import type { DeviceVault } from '../device/vault.ts'

/** An act that was signed and may not have arrived: sealed to its custodian, so that what lies here says nothing to anybody. */
export type Unsent = { id: string; member: Hex; form: HashedForm }

const FACT = 'unsent'

/** One tab at a time changes what is kept. */
const alone = <T>(work: () => Promise<T>): Promise<T> => navigator.locks.request('wayleave.unsent', work)

export const listUnsent = async (vault: DeviceVault): Promise<Unsent[]> =>
  (await vault.fact<Unsent[]>(FACT)) ?? []

export const keepUnsent = (vault: DeviceVault, unsent: Unsent): Promise<void> =>
  alone(async () => vault.setFact(FACT, [...(await listUnsent(vault)), unsent]))

export const dropUnsent = (vault: DeviceVault, id: string): Promise<void> =>
  alone(async () => {
    const all = await listUnsent(vault)
    if (all.some((one) => one.id === id))
      await vault.setFact(
        FACT,
        all.filter((one) => one.id !== id),
      )
  })

/** Those that somebody is sending right now: nobody else does meanwhile. */
export const beingSent = new Set<string>()
