import type { AuditEvent, Bundle, BundleEntry } from 'fhir/r4.js'
import { merged, type Told } from '../../../../domain/own-history/streams.ts'
import type { OwnHospital } from '../../device/device.tsx'
import { createHistoryReader, type HistoryPage } from './history-reader.ts'

/** What of the hospitals could be read to the end, and which of them did not answer. */
export type Whole<T> = { all: T; silent: OwnHospital[] }

/** Every line of every hospital. */
export async function wholeHistory(
  hospitals: readonly OwnHospital[],
  pageOf: (hospital: OwnHospital, before?: string) => Promise<HistoryPage>,
  onCount: (count: number) => void,
): Promise<Whole<Told[]>> {
  const reader = createHistoryReader(hospitals.length, async (source, before) => {
    const hospital = hospitals[source]
    return hospital ? pageOf(hospital, before) : { entries: [] }
  })
  await reader.refresh()
  for (;;) {
    const { streams, silent } = reader.state()
    onCount(streams.reduce((sum, { entries }) => sum + entries.length, 0))
    const complete = streams.filter(({ source }) => !silent.includes(source))
    if (complete.every(({ done }) => done)) {
      return {
        all: merged(complete),
        silent: silent.flatMap((source) => hospitals[source] ?? []),
      }
    }
    await reader.more()
  }
}

/** AuditEvents on one page of a search. */
const EVENTS = '200'

/** The AuditEvents of all hospitals as one collection; each names the hospital that wrote it down as its source. */
export async function wholeTrail(
  hospitals: readonly OwnHospital[],
  onCount: (count: number) => void,
): Promise<Whole<Bundle<AuditEvent>>> {
  let count = 0
  const silent: OwnHospital[] = []
  const found = await Promise.all(
    hospitals.map(async (hospital) => {
      const entries: BundleEntry<AuditEvent>[] = []
      try {
        for (let query: Record<string, string> | undefined = { _count: EVENTS }; query; ) {
          const page: Bundle<AuditEvent> = await hospital.client.auditEvents(query)
          for (const { fullUrl, resource } of page.entry ?? []) {
            if (resource) entries.push({ ...(fullUrl ? { fullUrl } : {}), resource })
          }
          count += page.entry?.length ?? 0
          onCount(count)
          const next = page.link?.find(({ relation }) => relation === 'next')?.url
          query = next === undefined ? undefined : Object.fromEntries(new URL(next).searchParams)
        }
        return entries
      } catch {
        silent.push(hospital)
        return []
      }
    }),
  )
  return {
    all: {
      resourceType: 'Bundle',
      type: 'collection',
      timestamp: new Date().toISOString(),
      entry: found.flat(),
    },
    silent,
  }
}
