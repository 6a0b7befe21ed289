import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react'
import type { PatientClient } from '../../../patient/client.ts'
import { queries } from '../../shared/providers.tsx'
import { type Member, useNetwork } from '../network.tsx'
import {
  createDeviceVault,
  type DeviceVault,
  onVaultChange,
  type PairedHospital,
  type Seal,
} from './vault.ts'

/** A hospital at which the patient is enrolled, and the device's side of it. */
export type OwnHospital = { member: Member; client: PatientClient }

export type Device = {
  vault: DeviceVault
  /** `empty`: no words lie here. `locked`: they are sealed. `open`: they are in memory. */
  state: 'empty' | 'locked' | 'open'
  seals: Seal[]
  paired: PairedHospital[]
  /** Where the device is open: one for each paired hospital that the network still knows. */
  hospitals: OwnHospital[]
  /** The words, while the device is open. */
  words: string | undefined
  /** Takes words into memory, sealed or new. */
  open: (words: string) => void
  /** Forgets what is in memory. */
  lock: () => void
}

const DeviceContext = createContext<Device | undefined>(undefined)

export function useDevice(): Device {
  const device = use(DeviceContext)
  if (!device) throw new Error('No device is known here')
  return device
}

/** Nobody did anything for this long: the words are forgotten. Milliseconds. */
const IDLE = 15 * 60_000
const SIGNS_OF_LIFE = ['pointerdown', 'keydown', 'visibilitychange'] as const

const vault = createDeviceVault()

export function DeviceProvider({ children }: { children: ReactNode }) {
  const { members, chain } = useNetwork()
  const [kept, setKept] = useState<{ seals: Seal[]; paired: PairedHospital[] }>()
  const [words, setWords] = useState<string>()
  const [hospitals, setHospitals] = useState<OwnHospital[]>([])

  const lock = useCallback(() => {
    setWords(undefined)
    queries.clear()
  }, [])

  useEffect(() => {
    const read = async () => setKept({ seals: await vault.seals(), paired: await vault.hospitals() })
    void read()
    const watching = new BroadcastChannel('wayleave.vault')
    // A channel does not hear itself: this second one hears what this very tab has written, too.
    watching.addEventListener('message', () => void read())
    const end = onVaultChange(() => void read())
    return () => {
      end()
      watching.close()
    }
  }, [])

  useEffect(() => {
    if (!words) return undefined
    let last = performance.now()
    const alive = () => {
      last = performance.now()
    }
    for (const sign of SIGNS_OF_LIFE) document.addEventListener(sign, alive)
    const timer = setInterval(() => {
      if (performance.now() - last > IDLE) lock()
    }, 10_000)
    return () => {
      for (const sign of SIGNS_OF_LIFE) document.removeEventListener(sign, alive)
      clearInterval(timer)
    }
  }, [words, lock])

  useEffect(() => {
    let current = true
    const make = async () => {
      if (!words || !kept) return []
      // Keys and signatures are loaded only once there is something to sign with.
      const { createPatientClient } = await import('../../../patient/client.ts')
      return kept.paired.flatMap(({ member: id, replacement }) => {
        const member = members.find((one) => one.id === id)
        if (!member) return []
        const client = createPatientClient({
          ...{ broker: member.broker, member: id, words, chain, replacement, retry: true },
        })
        return [{ member, client }]
      })
    }
    void make().then((made) => {
      if (current) setHospitals(made)
    })
    return () => {
      current = false
    }
  }, [words, kept, members, chain])

  const device = useMemo<Device | undefined>(() => {
    if (!kept) return undefined
    const state = words ? 'open' : kept.seals.length > 0 ? 'locked' : 'empty'
    return { vault, state, ...kept, hospitals, words, open: setWords, lock }
  }, [kept, words, hospitals, lock])
  if (!device) return null
  return <DeviceContext value={device}>{children}</DeviceContext>
}
