import { Anchor, Button, Paper, Text, Title } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { ErrorSummary } from '../../own/error-summary.tsx'
import { useSources } from '../../own/hospitals.ts'
import own from '../../own/own.module.css'
import { dayInWords } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import { useDraft } from './draft.tsx'
import classes from './share.module.css'
import { STEPS, type Step } from './steps.ts'

/** One step: its question, what is chosen so far, and the ways on and back. */
export function ShareStep({
  step,
  problem,
  field,
  children,
}: {
  step: Step
  /** What is still missing; nothing goes on until it is chosen. */
  problem: string | undefined
  /** Where it is chosen. */
  field: string
  children: ReactNode
}) {
  const t = useTranslations('share')
  const navigate = useNavigate()
  const [tried, setTried] = useState(0)
  const at = STEPS.indexOf(step)
  return (
    <Page title={t(`title.${step}`)}>
      <Text c="dimmed">{t('step', { at: at + 1, all: STEPS.length })}</Text>
      {tried > 0 && problem ? (
        <ErrorSummary key={tried} title={t('problem')} text={problem} field={field} />
      ) : null}
      <SoFar before={step} />
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (problem) setTried(tried + 1)
          else void navigate({ to: `/share/${STEPS[at + 1] ?? 'check'}` })
        }}
      >
        {children}
        <div className={`${own.actions} ${classes.ways}`}>
          <Button type="submit" size="lg">
            {t('next')}
          </Button>
          <Back step={step} />
        </div>
      </form>
    </Page>
  )
}

export function Back({ step }: { step: Step }) {
  const t = useTranslations('share')
  const before = STEPS[STEPS.indexOf(step) - 1]
  return (
    <Button
      size="lg"
      variant="default"
      renderRoot={(props) => <Link to={before ? `/share/${before}` : '/'} {...props} />}
    >
      {before ? t('back') : t('cancel')}
    </Button>
  )
}

/** The summary, which grows with each step. */
export function SoFar({ before }: { before: Step }) {
  const t = useTranslations('share')
  const home = useTranslations('home')
  const format = useFormatter()
  const terms = useTerms()
  const { draft } = useDraft()
  const sources = useSources(draft.to).filter(({ member }) => !draft.without.includes(member.id))
  const lines: Record<Exclude<Step, 'check'>, ReactNode> = {
    who: draft.to ? <Stranger>{terms.party(draft.to)}</Stranger> : null,
    what: (
      <>
        {terms.dataClasses(draft.classes)};{' '}
        {draft.kinds.length === 0 ? home('nothingPrivate') : terms.kinds(draft.kinds)}
        <br />
        {sources.map(({ member }, i) => (
          <span key={member.id}>
            {i === 0 ? null : ', '}
            <Stranger>{member.name}</Stranger>
          </span>
        ))}
      </>
    ),
    why: terms.purpose(draft.purpose),
    until: draft.until ? dayInWords(draft.until, { format }) : null,
  }
  const done = STEPS.slice(0, STEPS.indexOf(before)).filter((step) => step !== 'check')
  if (done.length === 0) return null
  return (
    <Paper className={classes.sofar}>
      <Title order={2} size="h4">
        {t('soFar')}
      </Title>
      <dl className={classes.lines}>
        {done.map((step) => (
          <div key={step} className={classes.line}>
            <dt>{t(`title.${step}`)}</dt>
            <dd>{lines[step]}</dd>
            <dd>
              <Anchor
                renderRoot={(props) => (
                  <Link
                    to={`/share/${step}`}
                    aria-label={t('changeOf', { what: t(`title.${step}`) })}
                    {...props}
                  />
                )}
              >
                {t('change')}
              </Anchor>
            </dd>
          </div>
        ))}
      </dl>
    </Paper>
  )
}
