import { Alert, Button, Text, Title } from '@mantine/core'
import { Link, Navigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { isSameParty } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { useOwnConsents, useSources } from '../../own/hospitals.ts'
import own from '../../own/own.module.css'
import { SecureFirst } from '../../own/secure-first.tsx'
import { useSecured } from '../../own/secured.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning } from '../../own/signing.ts'
import { type Draft, useDraft } from './draft.tsx'
import { Preview } from './preview.tsx'
import { Back, SoFar } from './step.tsx'

type Whole = Draft & Required<Pick<Draft, 'to' | 'until'>>

/** The last step: what it opens, the sentences, and the signatures, one for each hospital. */
export function Check() {
  const { draft } = useDraft()
  const secured = useSecured()
  const all = useSources(draft.to)
  const sources = all.filter(({ member }) => !draft.without.includes(member.id))
  // What is being signed stays on the page, whatever is chosen elsewhere meanwhile.
  const [begun, setBegun] = useState<{ draft: Whole; sources: readonly OwnHospital[] }>()
  const whole =
    draft.to && draft.until ? ({ ...draft, to: draft.to, until: draft.until } as Whole) : undefined
  const ready = whole !== undefined && sources.length > 0
  useEffect(() => {
    if (!begun && ready && whole) setBegun({ draft: whole, sources })
  }, [begun, ready, whole, sources])
  if (!secured) return <SecureFirst />
  if (begun) return <CheckAndSign {...begun} />
  if (!whole) return <Navigate to="/share/who" replace />
  return null
}

function CheckAndSign({ draft, sources }: { draft: Whole; sources: readonly OwnHospital[] }) {
  const t = useTranslations('share')
  const toHome = useTranslations('own')('toHome')
  const { forget } = useDraft()
  const { to, classes, kinds, purpose, until } = draft
  const signing = useSigning(
    sources.map((hospital) => ({
      hospital,
      prepare: (client) => client.prepare.grant({ to, purpose, classes, sensitivities: kinds, until }),
    })),
  )
  const { over, ready, busy, acts } = signing
  useEffect(() => {
    if (over) forget()
  }, [over, forget])
  if (over) {
    const standing = acts.every(({ at }) => at === 'force')
    return (
      <Page
        key="over"
        title={standing ? t('finished') : t('title.check')}
        {...(standing ? { lead: t('finishedText') } : {})}
      >
        <Acts signing={signing} />
        <Button size="lg" renderRoot={(props) => <Link to="/" {...props} />}>
          {toHome}
        </Button>
      </Page>
    )
  }
  return (
    <Page title={t('title.check')}>
      <SoFar before="check" />
      <Title order={2} size="h3">
        {t('opens')}
      </Title>
      <Preview sources={sources} dataClasses={classes} sensitivities={kinds} />
      <Before draft={draft} sources={sources} />
      <Text>{t('signText')}</Text>
      <Acts signing={signing} label={t('signGo', { count: ready })} />
      {busy ? null : (
        <div className={own.actions}>
          <Back step="check" />
        </div>
      )}
    </Page>
  )
}

/** What stands already with the same party: what is signed now takes its place, or wins over it. */
function Before({ draft: { to, purpose }, sources }: { draft: Whole; sources: readonly OwnHospital[] }) {
  const t = useTranslations('share')
  const notes = useOwnConsents().flatMap(({ hospital, shares }) => {
    if (!sources.some(({ member }) => member.id === hospital.member.id)) return []
    const same = shares.filter((share) => isSameParty(share.to, to))
    const at = { hospital: namedInLine(hospital.member.name) }
    return [
      ...(same.some((share) => share.purpose === purpose && ['open', 'later'].includes(share.standing))
        ? [t('replaces', at)]
        : []),
      ...(same.some(({ standing }) => standing === 'refused') ? [t('saidNo', at)] : []),
    ]
  })
  return notes.map((note) => (
    <Alert key={note} color="yellow">
      {note}
    </Alert>
  ))
}
