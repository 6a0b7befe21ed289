import { Button, Loader, Paper, Stack, Text } from '@mantine/core'
import { Check, CircleAlert, Clock, PenLine, Send } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { useTerms } from '../terms.ts'
import classes from './own.module.css'
import { namedInLine, sentencesOf } from './sentence.ts'
import type { Act, Signing } from './signing.ts'

const ICONS: Record<Act['at'], ReactNode> = {
  preparing: <Loader size="xs" aria-hidden />,
  ready: <PenLine size={20} aria-hidden />,
  signing: <Loader size="xs" aria-hidden />,
  kept: <Clock size={20} aria-hidden />,
  sent: <Send size={20} aria-hidden />,
  approval: <Clock size={20} aria-hidden />,
  force: <Check size={20} aria-hidden />,
  beaten: <CircleAlert size={20} aria-hidden />,
  failed: <CircleAlert size={20} aria-hidden />,
}

/** The acts to be signed: each in the words of what is signed, with what has become of it. */
export function Acts({ signing, label }: { signing: Signing; label?: string }) {
  const t = useTranslations('own')
  const { acts, ready, busy, preparing, sign, again } = signing
  const failed = acts.filter(({ at }) => at === 'failed' || at === 'beaten').length
  const done = acts.filter(({ at }) => at === 'force' || at === 'approval').length
  return (
    <Stack>
      {acts.map((act) => (
        <OneAct key={act.key} act={act} />
      ))}
      <Text role="status" fw={600}>
        {acts.length > 0 && done === acts.length ? t('allDone') : null}
        {failed > 0 && !busy && acts.length > 1 ? t('someFailed', { done, all: acts.length }) : null}
      </Text>
      <div className={classes.actions}>
        {ready > 0 || busy ? (
          <Button size="lg" loading={busy || preparing} onClick={sign}>
            {label ?? t('sign', { count: ready })}
          </Button>
        ) : null}
        {failed > 0 && !busy ? (
          <Button size="lg" variant={ready > 0 ? 'default' : 'filled'} onClick={again}>
            {t('again')}
          </Button>
        ) : null}
      </div>
    </Stack>
  )
}

function OneAct({ act }: { act: Act }) {
  const t = useTranslations('own')
  const format = useFormatter()
  const terms = useTerms()
  const { member } = act.hospital
  const hospital = namedInLine(member.name)
  const sentences = act.shown ? sentencesOf(act.shown, member.name, { t, format, terms }) : undefined
  const notes = {
    kept: t('keptText', { hospital }),
    sent: act.at === 'sent' && act.countsAlready ? t('countsText') : t('sentText'),
    approval: t('approvalText'),
    beaten: t('beatenText'),
    failed: act.at === 'failed' ? whyFailed(act.error) : '',
  }
  const note = act.at in notes ? notes[act.at as keyof typeof notes] : undefined
  return (
    <Paper className={classes.act} data-at={act.at}>
      <Text fw={650}>{t('whose', { hospital })}</Text>
      {sentences?.map((sentence) => (
        <p key={sentence} className={classes.sentence}>
          {sentence}
        </p>
      ))}
      <div className={classes.state} role="status">
        {ICONS[act.at]}
        <Text fw={600}>{t(`state.${act.at}`)}</Text>
      </div>
      {note ? <Text>{note}</Text> : null}
      {act.at === 'sent' && act.slow ? <Text>{t('slowText')}</Text> : null}
      {act.at === 'signing' ? <WhereSlow text={t('slowText')} /> : null}
    </Paper>
  )

  function whyFailed(error: unknown): string {
    if (error instanceof Error && error.name === 'ShownDiffers') return t('askHelp')
    return terms.error(error)
  }
}

const SLOW = 4_000

/** Said once it takes a while: from then on the act is kept, so that it may. */
function WhereSlow({ text }: { text: string }) {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW)
    return () => clearTimeout(timer)
  }, [])
  return slow ? <Text>{text}</Text> : null
}
