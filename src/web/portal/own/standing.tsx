import { Text } from '@mantine/core'
import { Ban, CircleAlert, Clock, Eye, Pause } from 'lucide-react'
import type { ReactNode } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnShare, ShareStanding } from '../../../patient/own-shares.ts'
import classes from './own.module.css'
import { dayInWords } from './sentence.ts'

const ICONS: Record<ShareStanding | 'paused', ReactNode> = {
  open: <Eye size={20} aria-hidden />,
  later: <Clock size={20} aria-hidden />,
  over: <Clock size={20} aria-hidden />,
  stopped: <Ban size={20} aria-hidden />,
  refused: <Ban size={20} aria-hidden />,
  unreadable: <CircleAlert size={20} aria-hidden />,
  unconfirmed: <CircleAlert size={20} aria-hidden />,
  paused: <Pause size={20} aria-hidden />,
}

/** What a share amounts to today, by sign and word. */
export function StandingOf({ share, paused }: { share: OwnShare; paused: boolean }) {
  const t = useTranslations('home')
  const format = useFormatter()
  const { standing, consent } = share
  const said = paused && standing === 'open' ? 'paused' : standing
  const day = (date: string | undefined) => (date ? dayInWords(date, { format }) : '')
  return (
    <div className={classes.state} data-standing={said}>
      {ICONS[said]}
      <Text fw={600}>{t(`standing.${said}`, { from: day(consent.from), until: day(consent.until) })}</Text>
    </div>
  )
}
