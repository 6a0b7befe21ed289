import { Alert, Button, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useWaitingCount } from './use-requests.ts'

/** That somebody waits for an answer, for whoever comes home; nothing where nobody does. */
export function WaitingNotice() {
  const t = useTranslations('requests')
  const count = useWaitingCount()
  if (count === 0) return null
  return (
    <Alert role="status">
      <Text fw={650}>{t('waiting', { count })}</Text>
      <Button mt="sm" component={Link} to="/requests">
        {t('look')}
      </Button>
    </Alert>
  )
}
