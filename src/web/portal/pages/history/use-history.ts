import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import {
  createHistoryReader,
  type HistoryPage,
  type HistoryReader,
  type HistoryState,
} from './history-reader.ts'

/** Reading is itself written down at the hospital, so it is not done more often than this. Milliseconds. */
const EVERY = 15_000

/** One page of one hospital's lines. */
export const pageOf = async ({ client }: OwnHospital, _before?: string): Promise<HistoryPage> => ({
  entries: await client.history(500),
})

/** The lines of all hospitals, kept fresh while somebody looks at the page. */
export function useHistory(): HistoryState & Pick<HistoryReader, 'more' | 'refresh'> {
  const { hospitals } = useDevice()
  const reader = useMemo(
    () =>
      createHistoryReader(hospitals.length, async (source, before) => {
        const hospital = hospitals[source]
        return hospital ? pageOf(hospital, before) : { entries: [] }
      }),
    [hospitals],
  )
  useEffect(() => {
    void reader.refresh()
    const isSeen = () => document.visibilityState === 'visible'
    const timer = setInterval(() => {
      if (isSeen()) void reader.refresh()
    }, EVERY)
    const seen = () => {
      if (isSeen()) void reader.refresh()
    }
    document.addEventListener('visibilitychange', seen)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [reader])
  const state = useSyncExternalStore(reader.onChange, reader.state)
  return { ...state, more: reader.more, refresh: reader.refresh }
}
