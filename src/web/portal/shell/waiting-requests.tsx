import { VisuallyHidden } from '@mantine/core'
import { useFormatter, useTranslations } from 'use-intl'
import { useWaitingCount } from '../pages/requests/use-requests.ts'
import classes from './shell.module.css'

/** How many requests wait, beside the name of their page; nothing where none does. */
export function WaitingRequests() {
  const t = useTranslations('requests')
  const format = useFormatter()
  const count = useWaitingCount()
  if (count === 0) return null
  return (
    <>
      <span className={classes.count} aria-hidden>
        {format.number(count)}
      </span>
      <VisuallyHidden>({t('waiting', { count })})</VisuallyHidden>
    </>
  )
}
