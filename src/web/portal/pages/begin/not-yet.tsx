import { Alert, Button, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { LookAgain } from '../devices/look-again.tsx'

/** The words are here, and no hospital knows them yet. */
export function NotYet() {
  const t = useTranslations('begin')
  const { pending, silent } = useDevice()
  const waits = pending.length > 0
  return (
    <Page title={t('notYetTitle')} lead={t(waits ? 'notYetWaiting' : 'notYetLead')}>
      {silent.length > 0 ? (
        <Alert color="yellow" title={t('silentTitle')}>
          <LookAgain />
        </Alert>
      ) : null}
      {waits ? (
        <Button component={Link} to="/begin/code" size="lg">
          {t('enterCode')}
        </Button>
      ) : null}
      <Button component={Link} to="/begin/hospital" size="lg" variant={waits ? 'default' : 'filled'}>
        {t('findMyHospital')}
      </Button>
      <Text>{t('notYetOther')}</Text>
    </Page>
  )
}
