import { ActionIcon } from '@mantine/core'
import { LockKeyhole } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { useDevice } from '../device/device.tsx'

/** Locks all tabs. */
export function LockButton() {
  const t = useTranslations('shell')
  const { state, lock } = useDevice()
  if (state !== 'open') return null
  return (
    <ActionIcon variant="default" size="xl" aria-label={t('lock')} title={t('lock')} onClick={lock}>
      <LockKeyhole aria-hidden />
    </ActionIcon>
  )
}
