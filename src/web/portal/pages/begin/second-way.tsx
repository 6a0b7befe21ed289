import { Alert, Button, Group, Text, Title } from '@mantine/core'
import { Link, Navigate } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { AddPasskey } from './add-passkey.tsx'
import classes from './begin.module.css'

/** Before the first share there are two ways back to the words. */
export function SecondWay() {
  const t = useTranslations('begin')
  const { state, secured, guest } = useDevice()
  if (state !== 'open') return <Navigate to="/" replace />
  if (secured)
    return (
      <Page title={t('securedTitle')} lead={t('securedLead')}>
        <Alert color="green" icon={<CircleCheck aria-hidden />}>
          {t('securedText')}
        </Alert>
        <Group>
          <Button component={Link} to="/" size="lg">
            {t('toHome')}
          </Button>
          <Button component={Link} to="/devices" size="lg" variant="default">
            {t('toDevices')}
          </Button>
        </Group>
      </Page>
    )
  return (
    <Page title={t('secondTitle')} lead={t('secondLead')}>
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('secondWords')}
        </Title>
        <Text>{t('secondWordsText')}</Text>
        <Button component={Link} to="/begin/check-words" size="lg">
          {t('checkWords')}
        </Button>
      </section>
      {guest ? null : (
        <section className={classes.card}>
          <Title order={2} size="h3">
            {t('secondPasskey')}
          </Title>
          <Text>{t('secondPasskeyText')}</Text>
          <AddPasskey />
        </section>
      )}
    </Page>
  )
}
