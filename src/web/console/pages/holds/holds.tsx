import { Alert, Button, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { Hold } from '../../answers.ts'
import { ask, codeOf } from '../../api.ts'
import { fieldsOf } from '../../parts/fields.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { asStaff, useMayAct, useView } from '../../session.tsx'
import classes from '../members/members.module.css'

/** Legal holds: one person places one, two lift it, and each says why. */
export function Holds() {
  const t = useTranslations('holds')
  const mayAct = useMayAct()
  if (!mayAct)
    return (
      <Page title={t('title')}>
        <Alert>{t('auditor')}</Alert>
      </Page>
    )
  return (
    <Page title={t('title')} lead={t('lead')}>
      <List />
    </Page>
  )
}

function List() {
  const t = useTranslations('holds')
  const { of } = useSearch({ from: '/holds' })
  const { data, error, refetch } = useView<{ holds: Hold[] }>('holds')
  const [code, setCode] = useState<string>()
  const doing = async (work: () => Promise<unknown>) => {
    setCode(undefined)
    await asStaff(work).catch((failed: unknown) => setCode(codeOf(failed)))
    await refetch()
  }
  const place = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const { reason = '', from = '', until = '' } = fieldsOf(form)
    const period = { ...(from ? { from } : {}), ...(until ? { until } : {}) }
    void doing(async () => {
      await ask('POST', 'holds', { reason, ...period, ...(of ? { of } : {}) })
      form.reset()
    })
  }
  return (
    <>
      <form onSubmit={place} aria-label={t('place')}>
        <Stack>
          <Text>{of ? t('onOne') : t('onAll')}</Text>
          <Textarea name="reason" label={t('reason')} required maxLength={500} rows={2} />
          <Group grow preventGrowOverflow={false}>
            <TextInput name="from" type="date" label={t('from')} />
            <TextInput name="until" type="date" label={t('until')} />
          </Group>
          <Button type="submit" w="fit-content">
            {t('place')}
          </Button>
        </Stack>
      </form>
      <Trouble code={code ?? (error ? codeOf(error) : undefined)} />
      {data ? (
        <ul className={classes.members}>
          {data.holds.map((hold) => (
            <One
              key={hold.id}
              hold={hold}
              onLift={(reason) => doing(() => ask('POST', `holds/${hold.id}/lifting`, { reason }))}
            />
          ))}
        </ul>
      ) : error ? null : (
        <Waiting />
      )}
      {data?.holds.length === 0 ? <Text>{t('none')}</Text> : null}
    </>
  )
}

function One({ hold, onLift }: { hold: Hold; onLift: (reason: string) => Promise<void> }) {
  const t = useTranslations('holds')
  const format = useFormatter()
  const day = (at: string) => format.dateTime(new Date(at), { dateStyle: 'long' })
  const lift = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    void onLift(fieldsOf(event.currentTarget).why ?? '')
  }
  return (
    <li className={classes.member}>
      <Title order={2} size="h4">
        {t(hold.covers)}
      </Title>
      <Text>
        <Stranger>{hold.reason}</Stranger>
      </Text>
      <Text size="sm" c="dimmed">
        {t('placed', { at: day(hold.placedAt) })}
        {hold.from ? ` ${t('since', { at: day(hold.from) })}` : ''}
        {hold.until ? ` ${t('to', { at: day(hold.until) })}` : ''}
      </Text>
      {hold.liftedAt ? (
        <Text>{t('lifted', { at: day(hold.liftedAt) })}</Text>
      ) : (
        <form onSubmit={lift}>
          <Stack gap="xs" mt="sm">
            {hold.liftAskedBy ? <Text>{t('asked')}</Text> : null}
            <TextInput name="why" label={t('why')} required maxLength={500} />
            <Button type="submit" variant="default" w="fit-content">
              {hold.liftAskedBy ? t('liftNow') : t('liftAsk')}
            </Button>
          </Stack>
        </form>
      )}
    </li>
  )
}
