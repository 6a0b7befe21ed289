import { Alert, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useNetwork } from '../../network.tsx'
import { NotFound } from '../../shell/dead-ends.tsx'
import classes from './phone.module.css'

type Message = { at: string; to: string; text: string }

/** Once a second is soon enough for somebody who waits for a code. Milliseconds. */
const EVERY = 1_000

/** The messages that the sandbox's hospitals sent to their patients, as phones would show them. There is none elsewhere. */
export function Phone() {
  const { sandbox } = useNetwork()
  return sandbox ? <Messages /> : <NotFound />
}

function Messages() {
  const t = useTranslations('begin')
  const format = useFormatter()
  const messages = useQuery({
    queryKey: ['sandbox-messages'],
    refetchInterval: EVERY,
    queryFn: async () => {
      const answer = await fetch('/sandbox/messages', { credentials: 'omit', redirect: 'error' })
      if (!answer.ok) throw new Error(`The sandbox answered ${answer.status}`)
      return (await answer.json()) as Message[]
    },
  })
  const newestFirst = [...(messages.data ?? [])].sort((a, b) => b.at.localeCompare(a.at))
  return (
    <Page title={t('phoneTitle')} lead={t('phoneLead')}>
      {messages.error ? (
        <Alert color="red" role="alert">
          {t('trouble.unreachable')}
        </Alert>
      ) : null}
      {messages.isSuccess && newestFirst.length === 0 ? <Text>{t('phoneEmpty')}</Text> : null}
      <Stack component="ol" className={classes.messages} aria-live="polite">
        {newestFirst.map(({ at, to, text }) => (
          <li key={`${at} ${to} ${text}`} className={classes.message}>
            <Text size="sm" c="dimmed">
              <Stranger>{to}</Stranger>
              {' · '}
              {format.dateTime(new Date(at), { dateStyle: 'short', timeStyle: 'medium' })}
            </Text>
            <Text dir="auto">{text}</Text>
          </li>
        ))}
      </Stack>
    </Page>
  )
}
