import { Outlet } from '@tanstack/react-router'
import { createContext, use, useMemo, useState } from 'react'
import type { Hex } from '../../../../domain/hex.ts'

/** What a person has done so far on the way in. It lies in memory only: nothing is saved by halves. */
export type Draft = {
  /** The hospital that was chosen. */
  member?: Hex
  /** Twelve words, new or typed, that nothing seals yet. */
  words?: string | undefined
  /** When the person has shown to have them, as ISO 8601. */
  wordsConfirmedAt?: string | undefined
  /** Whether the words go onto a security key, and nothing onto this device. */
  forKey?: boolean
  /** Whether the words are to take over from others that are lost. */
  recovering?: boolean
  /** Whether other words that lie on this device go, as the person has said. */
  replaces?: boolean
}

type Begun = { draft: Draft; change: (what: Draft) => void; restart: (with_?: Draft) => void }

const DraftContext = createContext<Begun | undefined>(undefined)

export function useDraft(): Begun {
  const begun = use(DraftContext)
  if (!begun) throw new Error('Nothing has begun here')
  return begun
}

/** What stands around the pages of the way in. */
export function BeginLayout() {
  const [draft, setDraft] = useState<Draft>({})
  const begun = useMemo(
    () => ({
      draft,
      change: (what: Draft) => setDraft((before) => ({ ...before, ...what })),
      restart: (first: Draft = {}) => setDraft(first),
    }),
    [draft],
  )
  return (
    <DraftContext value={begun}>
      <Outlet />
    </DraftContext>
  )
}
