import { ActionIcon } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Bell as BellIcon } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import { useDevice } from '../device/device.tsx'
import { useNotices } from '../pages/notices/use-notices.ts'
import classes from './shell.module.css'

/** The way to what is new, and how much there is; shown once the device is open. */
export function Bell() {
  const { state } = useDevice()
  return state === 'open' ? <Ringing /> : null
}

function Ringing() {
  const t = useTranslations('notices')
  const format = useFormatter()
  const { unread } = useNotices()
  const label = t('bell', { count: unread })
  return (
    <ActionIcon
      component={Link}
      to="/news"
      variant="default"
      size="xl"
      aria-label={label}
      title={label}
      className={classes.bell}
    >
      <BellIcon aria-hidden />
      {unread > 0 ? (
        <span className={classes.ring} aria-hidden>
          {unread > 99 ? '99+' : format.number(unread)}
        </span>
      ) : null}
    </ActionIcon>
  )
}
