import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../shared/page.tsx'

/** Before the first share: whoever loses the words can no longer stop what is shared. */
export function SecureFirst() {
  const t = useTranslations('own')
  return (
    <Page title={t('secureTitle')} lead={t('secureText')}>
      <Button size="lg" renderRoot={(props) => <Link to="/begin/second-way" {...props} />}>
        {t('secureGo')}
      </Button>
    </Page>
  )
}
