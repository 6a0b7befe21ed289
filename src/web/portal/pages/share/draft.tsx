import { Outlet } from '@tanstack/react-router'
import { createContext, use, useCallback, useMemo, useState } from 'react'
import { CARE_CLASSES, type DataClass } from '../../../../domain/consent/data-classes.ts'
import type { Hex } from '../../../../domain/hex.ts'
import type { Party } from '../../../../patient/acts.ts'

/** What has been chosen so far; each step adds to it. */
export type Draft = {
  to?: Party
  /** Hospitals that are left out, by member id; all others share. */
  without: readonly Hex[]
  classes: readonly DataClass[]
  kinds: readonly string[]
  purpose: string
  /** YYYY-MM-DD, the last day. */
  until?: string
  /** The choice that gave it, in months, or a date of the person's own. */
  span?: string
}

const EMPTY: Draft = { without: [], classes: CARE_CLASSES, kinds: [], purpose: 'TREAT' }

/** In the tab's own storage, so that a reload loses nothing; it goes with the tab, and once the share is made. */
const KEY = 'wayleave.share'

function keptDraft(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Draft>) }
  } catch {
    return EMPTY
  }
}

type Drafting = { draft: Draft; choose: (more: Partial<Draft>) => void; forget: () => void }

const DraftContext = createContext<Drafting | undefined>(undefined)

export function useDraft(): Drafting {
  const drafting = use(DraftContext)
  if (!drafting) throw new Error('Nothing is being shared here')
  return drafting
}

/** What stands around the steps. */
export function ShareLayout() {
  const [draft, setDraft] = useState(keptDraft)
  const choose = useCallback((more: Partial<Draft>) => {
    setDraft((before) => {
      const next = { ...before, ...more }
      sessionStorage.setItem(KEY, JSON.stringify(next))
      return next
    })
  }, [])
  const forget = useCallback(() => sessionStorage.removeItem(KEY), [])
  const drafting = useMemo(() => ({ draft, choose, forget }), [draft, choose, forget])
  return (
    <DraftContext value={drafting}>
      <Outlet />
    </DraftContext>
  )
}
