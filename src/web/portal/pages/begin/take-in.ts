import { type Known, useDevice } from '../../device/device.tsx'
import { findHospitals } from '../../device/find-hospitals.ts'
import { useNetwork } from '../../network.tsx'

export type TakeIn = (
  words: string,
  how: {
    /** When the person has shown to have the words, as ISO 8601. */
    confirmedAt?: string | undefined
    /** Somebody else's device: nothing is kept. `secured`: whether there are two ways back already. */
    guest?: { secured: boolean }
    /** Whether other words that lie here go, as the person has said. */
    replaces?: boolean | undefined
    /** Seals the words here; runs before anything else is noted. */
    seal?: () => Promise<void>
  },
) => Promise<void>

/** Takes words into use: seals them, asks the hospitals whether they know them, notes what is known, opens. */
export function useTakeIn(): TakeIn {
  const device = useDevice()
  const { members, chain } = useNetwork()
  return async (words, { confirmedAt, guest, replaces, seal }) => {
    const wordsConfirmedAt = confirmedAt ? { wordsConfirmedAt: confirmedAt } : {}
    if (replaces && (await device.vault.holds(words)) === false) await device.vault.clear()
    await seal?.()
    const { paired, silent } = await findHospitals(words, members, chain)
    const known: Partial<Known> = { paired, silent: silent.map(({ id }) => id), ...wordsConfirmedAt }
    if (guest) return device.openAsGuest(words, { ...known, ...guest })
    await device.note(known)
    await device.open(words)
  }
}

export const nowText = (): string => new Date().toISOString()
