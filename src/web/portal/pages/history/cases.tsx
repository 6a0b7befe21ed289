import { Alert, Button, Loader, Text } from '@mantine/core'
import { useMutation, useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleCheck, Clock, MessageSquare } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnCase } from '../../../../domain/portal/cases.ts'
import { Page } from '../../../shared/page.tsx'
import { queries } from '../../../shared/providers.tsx'
import { harmless, Stranger } from '../../../shared/stranger.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'
import { harmlessText } from '../records/long-text.ts'
import classes from './history.module.css'

const EVERY = 10_000
const ICONS = { open: Clock, answered: MessageSquare, closed: CircleCheck } as const

/** What the patient said looks wrong, at every hospital, and what each answered. */
export function Cases() {
  const t = useTranslations('history')
  const { hospitals } = useDevice()
  const { cases, silent, isLoading } = useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: ['cases', member.id],
      queryFn: () => client.cases(),
      refetchInterval: EVERY,
    })),
    combine: (answers) => ({
      cases: answers
        .flatMap(({ data }, place) => {
          const hospital = hospitals[place]
          return hospital && data ? data.map((one) => ({ hospital, one })) : []
        })
        .toSorted((a, b) => (a.one.at < b.one.at ? 1 : -1)),
      silent: answers.flatMap(({ isError }, place) => (isError ? (hospitals[place] ?? []) : [])),
      isLoading: answers.length === 0 || answers.some(({ isPending }) => isPending),
    }),
  })
  return (
    <Page title={t('case.title')} lead={t('case.lead')}>
      {silent.map(({ member }) => (
        <Alert key={member.id} color="orange" role="status">
          {t.rich('silent', { hospital: () => <Stranger>{member.name}</Stranger> })}
        </Alert>
      ))}
      {isLoading ? <Loader role="status" aria-label={t('loading')} /> : null}
      {!isLoading && cases.length === 0 ? (
        <div>
          <Text fw={650}>{t('case.none')}</Text>
          <Text>{t('case.noneText')}</Text>
        </div>
      ) : null}
      <ol className={classes.list}>
        {cases.map(({ hospital, one }) => (
          <OneCase key={one.id} hospital={hospital} one={one} />
        ))}
      </ol>
      <div>
        <Button variant="default" component={Link} to="/history">
          {t('case.toHistory')}
        </Button>
      </div>
    </Page>
  )
}

function OneCase({ hospital: { client, member }, one }: { hospital: OwnHospital; one: OwnCase }) {
  const t = useTranslations('history.case')
  const whole = useTranslations('history')
  const terms = useTerms()
  const format = useFormatter()
  const date = (at: string) => format.dateTime(new Date(at), { dateStyle: 'long', timeStyle: 'short' })
  const withdrawing = useMutation({
    mutationFn: () => client.withdrawCase(one),
    onSettled: () => queries.invalidateQueries({ queryKey: ['cases', member.id] }),
  })
  const Icon = ICONS[one.state]
  return (
    <li className={classes.item}>
      <div className={classes.body}>
        <h2 className={classes.caseHead}>
          {t('at', { date: date(one.at), hospital: harmless(member.name) })}
        </h2>
        <Text component="span" fw={650} className={classes.ending}>
          <Icon aria-hidden size={20} />
          {one.withdrawn ? t('withdrawn') : t(`state.${one.state}`)}
        </Text>
        <Said who={t('yours')} text={one.text} />
        {one.answers.map(({ at, text, by: { name, role } }) => {
          const said = { name: name && harmless(name), role: role && terms.role(role) }
          const named =
            said.name && said.role
              ? whole('whoPerson', { name: said.name, role: said.role })
              : (said.name ?? said.role ?? t('staff'))
          return <Said key={at} who={`${t('answeredBy', { who: named })}, ${date(at)}`} text={text} />
        })}
        {one.state === 'closed' ? null : (
          <div className={classes.actions}>
            <Button
              variant="default"
              loading={withdrawing.isPending}
              onClick={() => {
                if (!withdrawing.isPending) withdrawing.mutate()
              }}
            >
              {t('withdraw')}
            </Button>
          </div>
        )}
        {withdrawing.isError ? (
          <Alert role="alert" color="red">
            {terms.error(withdrawing.error)}
          </Alert>
        ) : null}
      </div>
    </li>
  )
}

/** Somebody's words, kept apart from ours. */
function Said({ who, text }: { who: string; text: string }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        <bdi>{who}</bdi>
      </Text>
      <blockquote className={classes.said}>
        <bdi>{harmlessText(text)}</bdi>
      </blockquote>
    </div>
  )
}
