import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react'
import type { Hex } from '../../../domain/hex.ts'
import { queries } from '../../shared/providers.tsx'
import { useNetwork } from '../network.tsx'
import { createLockOfAll } from './lock-all.ts'
import { createOwnHospitals, type OwnHospital, sameHospitals } from './own-hospitals.ts'
import {
  createDeviceVault,
  type DeviceVault,
  onVaultChange,
  type PairedHospital,
  type Seal,
} from './vault.ts'

export type { OwnHospital } from './own-hospitals.ts'

/** A hospital that was asked for a code. */
export type PendingEnrolment = {
  member: Hex
  enrolment: string
  /** When, as ISO 8601. */
  askedAt: string
}

/** What is known of this person on this device; on somebody else's device it is forgotten when that is locked. */
export type Known = {
  paired: PairedHospital[]
  /** When the person has last shown to have the words, as ISO 8601. */
  wordsConfirmedAt?: string
  pending: PendingEnrolment[]
  /** Hospitals that gave no answer when we asked them whether they know these words. */
  silent: Hex[]
}

export type Device = Known & {
  vault: DeviceVault
  /** `empty`: no words lie here. `locked`: they are sealed. `open`: they are in memory. */
  state: 'empty' | 'locked' | 'open'
  seals: Seal[]
  /** Where the device is open: one for each paired hospital that the network still knows. */
  hospitals: OwnHospital[]
  /** The words, while the device is open. */
  words: string | undefined
  /** Whether this is somebody else's device: nothing is kept on it. */
  guest: boolean
  /** Whether there are two ways back to the words, so that a share may be made. */
  secured: boolean
  /** Takes words into memory, sealed or new; resolves when they can be used. */
  open: (words: string) => Promise<void>
  /** The same on somebody else's device. */
  openAsGuest: (words: string, known: Partial<Known> & { secured: boolean }) => Promise<void>
  /** Writes down something that is now known; once it resolves, every page knows it. */
  note: (what: Partial<Known>) => Promise<void>
  /** Forgets what is in memory, in all tabs. */
  lock: () => void
}

const DeviceContext = createContext<Device | undefined>(undefined)

export function useDevice(): Device {
  const device = use(DeviceContext)
  if (!device) throw new Error('No device is known here')
  return device
}

const NOTHING: Known = { paired: [], pending: [], silent: [] }

const vault = createDeviceVault()
const lockOfAll = createLockOfAll()

type Open = { words: string; guest?: Known & { secured: boolean } }

export function DeviceProvider({ children }: { children: ReactNode }) {
  const { members, chain } = useNetwork()
  const [kept, setKept] = useState<{ seals: Seal[]; known: Known }>()
  const [opened, setOpened] = useState<Open>()
  const [hospitals, setHospitals] = useState<OwnHospital[]>([])

  const own = useMemo(() => createOwnHospitals(members, chain), [members, chain])

  const forget = useCallback(() => {
    setOpened(undefined)
    setHospitals([])
    own.forget()
    queries.clear()
  }, [own])

  const read = useCallback(
    async () => setKept({ seals: await vault.seals(), known: await knownIn(vault) }),
    [],
  )
  useEffect(() => {
    void read()
    return onVaultChange(() => void read())
  }, [read])

  useEffect(() => (opened ? lockOfAll.watch(forget) : undefined), [opened, forget])

  const known = opened?.guest ?? kept?.known ?? NOTHING
  const { paired } = known
  const words = opened?.words

  useEffect(() => {
    let current = true
    if (!words) return undefined
    void own.of(words, paired).then((made) => {
      if (current) setHospitals((before) => (sameHospitals(before, made) ? before : made))
    })
    return () => {
      current = false
    }
  }, [words, paired, own])

  const openWith = useCallback(
    async (next: Open) => {
      const { paired } = next.guest ?? (await knownIn(vault))
      setHospitals(await own.of(next.words, paired))
      setOpened(next)
    },
    [own],
  )

  const device = useMemo<Device | undefined>(() => {
    if (!kept) return undefined
    const { seals } = kept
    const guest = opened?.guest
    return {
      vault,
      state: opened ? 'open' : seals.length > 0 ? 'locked' : 'empty',
      seals: guest ? [] : seals,
      ...known,
      hospitals,
      words: opened?.words,
      guest: guest !== undefined,
      secured: guest ? guest.secured || guest.wordsConfirmedAt !== undefined : isSecured(seals, known),
      open: (words) => openWith({ words }),
      openAsGuest: (words, { secured, ...given }) =>
        openWith({ words, guest: { ...NOTHING, ...given, secured } }),
      async note(what) {
        if (guest && opened) setOpened({ ...opened, guest: { ...guest, ...what } })
        else await keep(vault, what).then(read)
      },
      lock() {
        lockOfAll.lockOthers()
        forget()
      },
    }
  }, [kept, opened, known, hospitals, openWith, forget, read])
  if (!device) return null
  return <DeviceContext value={device}>{children}</DeviceContext>
}

/** Two passkeys, or one thing that opens and the words written down. */
function isSecured(seals: readonly Seal[], { wordsConfirmedAt }: Known): boolean {
  const passkeys = seals.filter(({ kind }) => kind === 'passkey').length
  return passkeys >= 2 || (seals.length > 0 && wordsConfirmedAt !== undefined)
}

async function knownIn(from: DeviceVault): Promise<Known> {
  const [paired, wordsConfirmedAt, pending, silent] = await Promise.all([
    from.hospitals(),
    from.fact<string>('words-confirmed'),
    from.fact<PendingEnrolment[]>('pending'),
    from.fact<Hex[]>('silent'),
  ])
  return {
    paired,
    pending: pending ?? [],
    silent: silent ?? [],
    ...(wordsConfirmedAt ? { wordsConfirmedAt } : {}),
  }
}

async function keep(into: DeviceVault, { paired, wordsConfirmedAt, pending, silent }: Partial<Known>) {
  for (const hospital of paired ?? []) await into.pair(hospital)
  if (wordsConfirmedAt) await into.setFact('words-confirmed', wordsConfirmedAt)
  if (pending) await into.setFact('pending', pending)
  if (silent) await into.setFact('silent', silent)
}
