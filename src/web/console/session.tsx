import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, use } from 'react'
import { queries } from '../shared/providers.tsx'
import type { Session } from './answers.ts'
import { ask, codeOf, Refused } from './api.ts'

const SessionContext = createContext<Session | undefined>(undefined)

const KEY = ['session']

/** Who is signed in. */
export function useSession(): Session {
  const session = use(SessionContext)
  if (!session) throw new Error('Nobody is signed in here')
  return session
}

/** Whether this person may look people up, and change anything. */
export const useMayAct = (): boolean => useSession().role === 'compliance'

/** Forgets everything that was read: the next person at this browser sees none of it. */
export function forgetSession(ended: boolean): void {
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
  queries.setQueryData(KEY, { ended })
}

export const beginSession = (): Promise<void> => queries.invalidateQueries({ queryKey: KEY })

/** Draws what is for staff, or the way in. */
export function SessionGate({
  children,
  signIn,
}: {
  children: ReactNode
  signIn: (state: { ended: boolean; unreachable: boolean }) => ReactNode
}) {
  const { data, error } = useQuery({
    queryKey: KEY,
    queryFn: async (): Promise<{ session: Session } | { ended: boolean }> => {
      try {
        return { session: await ask<Session>('GET', 'session') }
      } catch (error) {
        if (codeOf(error) === 'session-expired') return { ended: false }
        throw error
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  if (error) return signIn({ ended: false, unreachable: true })
  if (!data) return null
  if ('session' in data) return <SessionContext value={data.session}>{children}</SessionContext>
  return signIn({ ended: data.ended, unreachable: false })
}

/** Whatever is asked: where the session is over, the way in is shown. */
export async function asStaff<T>(asking: () => Promise<T>): Promise<T> {
  try {
    return await asking()
  } catch (error) {
    if (error instanceof Refused && error.code === 'session-expired') forgetSession(true)
    throw error
  }
}

/**
 * What a view shows. Each reading is in the trail, under this person's name: so it is read once, and again when they say so, and never
 * by itself.
 */
export function useView<T>(path: string, enabled = true) {
  return useQuery({
    queryKey: ['view', path],
    queryFn: () => asStaff(() => ask<T>('GET', path)),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    enabled,
  })
}
