import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'

export function Overview() {
  const t = useTranslations()
  return <Page wide title={t('overview.title')} />
}
