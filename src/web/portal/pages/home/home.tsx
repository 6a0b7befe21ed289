import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'

/** Who can see what now. */
export function Home() {
  const t = useTranslations('home')
  const { state } = useDevice()
  return <Page title={t(state === 'empty' ? 'welcome' : 'title')} />
}
