import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { type HistoryView, kindsOfView } from '../../../../domain/own-history/looks.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import {
  createHistoryReader,
  type HistoryPage,
  type HistoryReader,
  type HistoryState,
} from './history-reader.ts'

/** Lines of one page of one hospital. */
const PAGE = 100

/** Reading is itself written down at the hospital, so it is not done more often than this. Milliseconds. */
const EVERY = 10_000

/** One page of one hospital's lines, as far as the view needs them. */
export async function pageOf(
  { client }: OwnHospital,
  view: HistoryView,
  next?: string,
): Promise<HistoryPage> {
  const kinds = kindsOfView(view)
  const page = await client.historyPage(next ? { next } : { count: PAGE, ...(kinds ? { kinds } : {}) })
  return { entries: page.history, ...(page.next === undefined ? {} : { next: page.next }) }
}

/** The lines of all hospitals, kept fresh while somebody looks at the page. */
export function useHistory(view: HistoryView): HistoryState & Pick<HistoryReader, 'more' | 'refresh'> {
  const { hospitals } = useDevice()
  const reader = useMemo(
    () =>
      createHistoryReader(hospitals.length, async (source, before) => {
        const hospital = hospitals[source]
        return hospital ? pageOf(hospital, view, before) : { entries: [] }
      }),
    [hospitals, view],
  )
  useEffect(() => {
    void reader.refresh()
    const look = () => {
      if (document.visibilityState === 'visible') void reader.refresh()
    }
    const timer = setInterval(look, EVERY)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [reader])
  const state = useSyncExternalStore(reader.onChange, reader.state)
  return { ...state, more: reader.more, refresh: reader.refresh }
}
