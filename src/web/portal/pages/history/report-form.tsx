import { Alert, Anchor, Button, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useId, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import { LONGEST_CASE_TEXT } from '../../../../domain/portal/cases.ts'
import { queries } from '../../../shared/providers.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'
import classes from './history.module.css'

/** "This looks wrong": a few words to the hospital that wrote the line down. */
export function ReportForm({ occasion, onEnd }: { occasion: Occasion; onEnd: () => void }) {
  const t = useTranslations('history.report')
  const terms = useTerms()
  const { hospitals } = useDevice()
  const hospital = hospitals[occasion.source]
  const [text, write] = useState('')
  const [wasSent, send] = useState(false)
  // Pressed twice it is one case.
  const [key] = useState(() => crypto.randomUUID())
  const field = useRef<HTMLTextAreaElement>(null)
  const id = useId()
  useEffect(() => field.current?.focus(), [])
  const sending = useMutation({
    mutationFn: async () => hospital?.client.openCase({ text: text.trim(), about: occasion.entry.id }, key),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['cases'] }),
  })
  const problem =
    text.trim() === ''
      ? t('missing')
      : text.trim().length > LONGEST_CASE_TEXT
        ? t('tooLong', { most: LONGEST_CASE_TEXT })
        : undefined
  const shown = wasSent ? problem : undefined
  if (sending.isSuccess) {
    return (
      <div role="status" className={classes.report}>
        <Text fw={650}>{t('sent')}</Text>
        <Text>{t('next2')}</Text>
        <Anchor component={Link} to="/history/reported">
          {t('toCases')}
        </Anchor>
      </div>
    )
  }
  return (
    <form
      noValidate
      aria-labelledby={id}
      className={classes.report}
      onSubmit={(event) => {
        event.preventDefault()
        send(true)
        if (problem !== undefined) field.current?.focus()
        else if (!sending.isPending) sending.mutate()
      }}
    >
      <Text id={id} fw={650}>
        {t.rich('lead', { hospital: () => <Stranger>{hospital?.member.name ?? ''}</Stranger> })}
      </Text>
      <Textarea
        ref={field}
        label={t('label')}
        description={t('hint')}
        rows={5}
        value={text}
        error={shown}
        onChange={({ currentTarget }) => write(currentTarget.value)}
      />
      <div>
        <Text fw={600}>{t('next')}</Text>
        <ol className={classes.lines}>
          <li>{t('next1')}</li>
          <li>{t('next2')}</li>
          <li>
            {t('next3')}{' '}
            <Anchor component={Link} to="/">
              {t('toShares')}
            </Anchor>
          </li>
        </ol>
      </div>
      {sending.isError ? (
        <Alert role="alert" color="red" title={t('problem')}>
          {terms.error(sending.error)}
        </Alert>
      ) : null}
      <div className={classes.actions}>
        <Button type="submit" loading={sending.isPending}>
          {t('send')}
        </Button>
        <Button variant="default" onClick={onEnd}>
          {t('cancel')}
        </Button>
      </div>
    </form>
  )
}
