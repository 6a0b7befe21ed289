import { useDevice } from '../device/device.tsx'
import type { DeviceVault } from '../device/vault.ts'

/** Where small facts are kept. */
export type KeptFacts = Pick<DeviceVault, 'fact' | 'setFact'>

const inMemory = (): KeptFacts => {
  const facts = new Map<string, unknown>()
  return {
    fact: async <T>(key: string) => facts.get(key) as T | undefined,
    setFact: async (key, value) => {
      facts.set(key, value)
    },
  }
}

const forGuests = inMemory()

/** The vault; on somebody else's device memory only, so that nothing stays there. */
export function useKeptFacts(): KeptFacts {
  const { vault, guest } = useDevice()
  return guest ? forGuests : vault
}
