import { Button, Text } from '@mantine/core'
import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../shared/page.tsx'

/** A page that fell over. */
export function Failed({ reset }: ErrorComponentProps) {
  const t = useTranslations('shell')
  return (
    <Page title={t('failed')}>
      <Text>{t('failedText')}</Text>
      <Button onClick={reset}>{t('again')}</Button>
    </Page>
  )
}

export function NotFound() {
  const t = useTranslations('shell')
  return (
    <Page title={t('notFound')}>
      <Button component={Link} to="/">
        {t('toOverview')}
      </Button>
    </Page>
  )
}
