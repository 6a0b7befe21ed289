import { Button } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import type { Hex } from '../../../../domain/hex.ts'
import { Page } from '../../../shared/page.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { behindKey } from '../../own/local-keys.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning } from '../../own/signing.ts'
import { standingOfHelper } from './use-helpers.ts'

type Whom = { member: Hex; delegate: Hex; name?: string }

/** Ends what somebody may do; two actions from the list, and no reason asked. */
export function EndHelp() {
  const { key } = useParams({ from: '/helpers/end/$key' })
  const { hospitals } = useDevice()
  const whom = behindKey<Whom>(key)
  const hospital = hospitals.find(({ member }) => member.id === whom?.member)
  if (!whom || !hospital) return <BackToHelpers title />
  return <End whom={whom} hospital={hospital} />
}

function End({ whom: { delegate, name }, hospital }: { whom: Whom; hospital: OwnHospital }) {
  const t = useTranslations('helpers')
  const signing = useSigning([
    { hospital, prepare: (client) => client.prepare.endDelegation({ delegate }), standing: standingOfHelper },
  ])
  const at = { hospital: namedInLine(hospital.member.name) }
  const { over } = signing
  return (
    <Page
      key={String(over)}
      title={over ? t('ended') : t('endTitle', { name: namedInLine(name ?? t('unnamed')) })}
      lead={over ? t('endedLead', at) : t('endLead', at)}
    >
      <Acts signing={signing} label={t('endGo')} />
      {over ? <BackToHelpers /> : null}
    </Page>
  )
}

export function BackToHelpers({ title = false }: { title?: boolean }) {
  const t = useTranslations('helpers')
  const button = (
    <Button size="lg" renderRoot={(props) => <Link to="/helpers" {...props} />}>
      {t('back')}
    </Button>
  )
  return title ? <Page title={t('title')}>{button}</Page> : button
}
