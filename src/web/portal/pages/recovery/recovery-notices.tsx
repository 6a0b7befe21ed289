import { Alert, Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { KeyRound, TriangleAlert } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnRecovery } from '../../../../domain/identity/own-recovery.ts'
import { useOnce } from '../../../shared/use-once.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { namedInLine } from '../../own/sentence.ts'
import { Trouble } from '../begin/trouble.tsx'
import classes from './recovery.module.css'

/** A recovery lasts days: whoever has the page open learns of it within a minute. Milliseconds. */
const EVERY = 60_000

/** Above every page: whether somebody's key is being replaced, how long it takes, and the one button that stops it. */
export function RecoveryNotices() {
  const { hospitals, state } = useDevice()
  if (state !== 'open') return null
  return (
    <Stack gap="md" className={classes.notices}>
      {hospitals.map((own) => (
        <Notice key={own.member.id} own={own} />
      ))}
    </Stack>
  )
}

function Notice({ own: { member, client } }: { own: OwnHospital }) {
  const t = useTranslations('recovery')
  const hospital = namedInLine(member.name)
  const asked = useQuery({
    queryKey: ['recovery', member.id, client.signer],
    queryFn: () => client.recovery(),
    staleTime: EVERY,
    refetchInterval: EVERY,
  })
  const { code } = (asked.error ?? {}) as { code?: unknown }
  // A session is renewed once by itself: one that has ended again is none that this key may have.
  if (code === 'signer-unknown' || code === 'session-expired')
    return (
      <Alert
        color="red"
        role="alert"
        icon={<TriangleAlert aria-hidden />}
        title={t('unknownTitle', { hospital })}
      >
        <Stack align="flex-start" gap="sm">
          <Text>{t('unknownText')}</Text>
          <Button component={Link} to="/begin/lost" variant="default">
            {t('unknownGo')}
          </Button>
        </Stack>
      </Alert>
    )
  const { data } = asked
  if (data?.state === 'vetoed' && data.as === 'candidate')
    return (
      <Alert
        color="red"
        role="alert"
        icon={<TriangleAlert aria-hidden />}
        title={t('vetoedTitle', { hospital })}
      >
        {t('vetoedText')}
      </Alert>
    )
  if (data?.state !== 'pending' && data?.state !== 'overriding') return null
  return data.as === 'candidate' ? (
    <Waiting recovery={data} hospital={hospital} />
  ) : (
    <Challenged recovery={data} hospital={hospital} client={client} again={() => void asked.refetch()} />
  )
}

/** To the new key: what it may do, and until when it waits. */
function Waiting({ recovery, hospital }: { recovery: OwnRecovery; hospital: string }) {
  const t = useTranslations('recovery')
  const when = useWhen()
  return (
    <Alert color="yellow" icon={<KeyRound aria-hidden />} title={t('waitingTitle', { hospital })}>
      <Text>{t('waitingText', { when: when(recovery.readyAt) })}</Text>
      <Text mt="xs">{t('waitingMay')}</Text>
    </Alert>
  )
}

/** To the key that would go: loud, and the way to stop it right there. */
function Challenged({
  recovery,
  hospital,
  client,
  again,
}: {
  recovery: OwnRecovery
  hospital: string
  client: OwnHospital['client']
  again: () => void
}) {
  const t = useTranslations('recovery')
  const when = useWhen()
  const stopping = useOnce(
    async () => {
      await client.vetoRecovery()
      again()
    },
    { leadsOn: true },
  )
  return (
    <Alert
      color="red"
      variant="filled"
      role="alert"
      icon={<TriangleAlert aria-hidden />}
      title={t('challengedTitle', { hospital })}
    >
      <Stack align="flex-start" gap="sm">
        <Text>{t('challengedText', { when: when(recovery.readyAt) })}</Text>
        {recovery.mayVeto && !stopping.isSuccess ? (
          <Button color="dark" size="lg" loading={stopping.isPending} onClick={() => stopping.mutate()}>
            {t('stop')}
          </Button>
        ) : null}
        {recovery.mayVeto ? null : <Text>{t('stopSpent')}</Text>}
        {stopping.isSuccess ? <Text role="status">{t('stopped')}</Text> : null}
      </Stack>
      <Trouble error={stopping.error} />
    </Alert>
  )
}

function useWhen() {
  const format = useFormatter()
  return (instant = '') => format.dateTime(new Date(instant), { dateStyle: 'full', timeStyle: 'short' })
}
