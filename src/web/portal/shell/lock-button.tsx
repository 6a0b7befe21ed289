import { LockKeyhole } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { useDevice } from '../device/device.tsx'
import classes from './shell.module.css'

/** Locks all tabs. */
export function LockButton() {
  const t = useTranslations('shell')
  const { lock } = useDevice()
  return (
    <button type="button" className={classes.lock} onClick={lock}>
      <LockKeyhole aria-hidden size="1.1em" />
      {t('lock')}
    </button>
  )
}
