import { useCallback, useEffect, useState } from 'react'
import type { OwnResource } from '../../../../patient/client.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'

/** What of one hospital's records is here. */
export type HospitalRecords = {
  source: number
  entries: readonly { fullUrl?: string; resource: OwnResource }[]
  notices: ReadonlySet<string>
  state: 'asking' | 'here' | 'silent'
}

/** The patient's own records of all hospitals, page by page as they come. One that does not answer holds up no other. */
export function useRecords(): { sources: readonly HospitalRecords[]; askAgain: (source: number) => void } {
  const { hospitals } = useDevice()
  const [sources, setSources] = useState<readonly HospitalRecords[]>([])
  const [asked, setAsked] = useState<{ source?: number }>({})

  useEffect(() => {
    let current = true
    const update = (next: HospitalRecords) => {
      if (current)
        setSources((old) => [...old.filter(({ source }) => source !== next.source), next].sort(bySource))
    }
    const which = asked.source === undefined ? hospitals.map((_, source) => source) : [asked.source]
    for (const source of which) {
      const hospital = hospitals[source]
      if (hospital) void read(hospital, source, update)
    }
    return () => {
      current = false
    }
  }, [hospitals, asked])

  const askAgain = useCallback((source: number) => setAsked({ source }), [])
  return { sources, askAgain }
}

const bySource = (a: HospitalRecords, b: HospitalRecords) => a.source - b.source

async function read(
  { client }: OwnHospital,
  source: number,
  update: (next: HospitalRecords) => void,
): Promise<void> {
  let entries: HospitalRecords['entries'] = []
  const notices = new Set<string>()
  update({ source, entries, notices, state: 'asking' })
  try {
    for await (const page of client.recordPages()) {
      entries = [...entries, ...page.entries]
      for (const notice of page.notices) notices.add(notice)
      update({ source, entries, notices, state: 'asking' })
    }
    update({ source, entries, notices, state: 'here' })
  } catch {
    update({ source, entries, notices, state: 'silent' })
  }
}
