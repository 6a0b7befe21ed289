import { Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { useOwnConsents } from '../../own/hospitals.ts'
import { useSigning } from '../../own/signing.ts'
import { Home, Waiting } from './gone.tsx'

/** Locks the patient's handle at every hospital, or unlocks it: one action for all of them. */
export function PausePage() {
  const { hospitals } = useDevice()
  const all = useOwnConsents()
  const [begun, setBegun] = useState<{ pause: OwnHospital[]; resume: OwnHospital[] }>()
  const waiting =
    all.length === 0 || all.length < hospitals.length || all.some(({ state }) => state === 'loading')
  if (!begun && !waiting) {
    const paused = all.filter((one) => one.paused).map(({ hospital }) => hospital)
    setBegun({ resume: paused, pause: hospitals.filter((one) => !paused.includes(one)) })
  }
  if (!begun) return <Waiting />
  // Whoever has paused some and not others wants to pause, or the page would start what nobody asked for.
  return begun.pause.length > 0 ? (
    <Pause at={begun.pause} some={begun.resume} />
  ) : (
    <Resume at={begun.resume} />
  )
}

function Pause({ at, some }: { at: readonly OwnHospital[]; some: readonly OwnHospital[] }) {
  const t = useTranslations('shares')
  const [resuming, setResuming] = useState(false)
  const signing = useSigning(at.map((hospital) => ({ hospital, prepare: (client) => client.prepare.lock() })))
  const { acts } = signing
  if (resuming) return <Resume at={some} />
  const counts = acts.every((act) => act.at === 'force' || (act.at === 'sent' && act.countsAlready))
  const begun = acts.some(({ at }) => ['force', 'sent', 'kept', 'failed'].includes(at)) && !signing.busy
  const title = counts ? t('pausedTitle') : begun && signing.ready === 0 ? t('pausedPartly') : t('pauseTitle')
  return (
    <Page key={title} title={title} {...(counts ? {} : { lead: t('pauseLead') })}>
      <Text>{t('emergency')}</Text>
      <Acts signing={signing} label={t('pauseGo')} />
      {some.length > 0 && !counts ? (
        <button type="button" onClick={() => setResuming(true)}>
          {t('resumeGo')}
        </button>
      ) : null}
      {counts ? <Home /> : null}
    </Page>
  )
}

function Resume({ at }: { at: readonly OwnHospital[] }) {
  const t = useTranslations('shares')
  const signing = useSigning(
    at.map((hospital) => ({ hospital, prepare: (client) => client.prepare.unlock() })),
  )
  const done = signing.acts.every((act) => act.at === 'force')
  return (
    <Page
      key={String(done)}
      title={t(done ? 'resumedTitle' : 'resumeTitle')}
      {...(done ? {} : { lead: t('resumeLead') })}
    >
      <Acts signing={signing} label={t('resumeGo')} />
      {done ? <Home /> : null}
    </Page>
  )
}
