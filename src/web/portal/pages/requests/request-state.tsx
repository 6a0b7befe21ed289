import { Text } from '@mantine/core'
import { Check, CircleAlert, Clock } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Stranger } from '../../../shared/stranger.tsx'
import own from '../../own/own.module.css'
import { type Asked, useRequestStanding } from './use-requests.ts'

const ICONS = { waits: Clock, onTheWay: Clock, force: Check, hospitalRefused: CircleAlert } as const

/** What has become of it, in a sentence; said aloud when it changes. */
export function RequestState(asked: Asked) {
  const t = useTranslations('requests')
  const standing = useRequestStanding(asked)
  const { hospital, request } = asked
  const names = {
    hospital: () => <Stranger>{hospital.member.name}</Stranger>,
    org: () => <Stranger>{request.requester.name || t('unnamed')}</Stranger>,
  }
  if (standing === 'asks') {
    return <Text>{t.rich(request.decision === 'approved' ? 'agreedAlready' : 'needsBoth', names)}</Text>
  }
  if (standing === 'rejectedAlready') return <Text>{t.rich('rejectedAlready', names)}</Text>
  const Icon = ICONS[standing]
  return (
    <div className={own.state} role="status">
      <Icon size={20} aria-hidden />
      <Text fw={600}>{t.rich(`state.${standing}`, names)}</Text>
    </div>
  )
}
