import { Button, Loader } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'

export function Gone() {
  const t = useTranslations('own')
  return (
    <Page title={t('gone')} lead={t('goneText')}>
      <Home />
    </Page>
  )
}

export function Home() {
  const t = useTranslations('own')
  return (
    <Button size="lg" renderRoot={(props) => <Link to="/" {...props} />}>
      {t('toHome')}
    </Button>
  )
}

export function Waiting() {
  const t = useTranslations('own')
  return <Loader role="status" aria-label={t('loading')} />
}
