import { Group, NativeSelect, Text } from '@mantine/core'
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { type Overview as Answer, COUNTED, type Counted, type Filter, KINDS_OF } from '../../answers.ts'
import { codeOf } from '../../api.ts'
import { BusyButton } from '../../parts/busy-button.tsx'
import { useTerms } from '../../parts/terms.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { WayTo } from '../../parts/way-to.tsx'
import { useView } from '../../session.tsx'
import { DayChart } from './day-chart.tsx'
import classes from './overview.module.css'

const SPANS = ['7', '14', '30', '90'] as const

/** What went wrong comes before what went well; every number leads to the lines behind it. */
export function Overview() {
  const t = useTranslations('overview')
  const format = useFormatter()
  const [days, setDays] = useState('14')
  const { data, error, isFetching, refetch } = useView<Answer>(`overview?days=${days}`)
  return (
    <Page wide title={t('title')} lead={t('lead')}>
      <Group align="flex-end">
        <NativeSelect
          label={t('span')}
          data={SPANS.map((value) => ({ value, label: t('days', { count: Number(value) }) }))}
          value={days}
          onChange={({ currentTarget: { value } }) => setDays(value)}
        />
        <BusyButton
          variant="default"
          onClick={() => void refetch()}
          busy={isFetching}
          leftSection={<RefreshCw size={18} aria-hidden />}
        >
          {t('refresh')}
        </BusyButton>
        {data ? (
          <Text size="sm" c="dimmed">
            {t('asOf', {
              at: format.dateTime(new Date(data.at), { timeStyle: 'medium', dateStyle: 'medium' }),
            })}
          </Text>
        ) : null}
      </Group>
      <Trouble code={error ? codeOf(error) : undefined} />
      {data ? <Numbers overview={data} /> : error ? null : <Waiting />}
    </Page>
  )
}

function Numbers({ overview }: { overview: Answer }) {
  const t = useTranslations('overview')
  const term = useTerms()
  const { days, totals, gaps, unanchored, head } = overview
  const from = days[0]?.day
  const seconds = (ms: number | null) =>
    ms === null ? t('unknown') : t('seconds', { count: Math.round(ms / 1000) })
  const count = (name: Counted) => (
    <Figure
      key={name}
      label={t(name)}
      value={totals[name]}
      bad={(name === 'alarms' || name === 'refusals') && totals[name] > 0}
      search={{ kind: KINDS_OF[name], ...(from ? { from } : {}) }}
    />
  )
  return (
    <>
      {overview.ready ? null : (
        <Text className={classes.notReady} role="status">
          <strong>{t('notReady')}</strong>{' '}
          {overview.reasons.map((reason) => term('readiness', reason)).join(' ')}
        </Text>
      )}
      <ul className={classes.numbers}>
        {count('alarms')}
        <Figure
          label={t('gaps')}
          value={gaps.count}
          more={gaps.more}
          bad={gaps.count > 0}
          search={{ gaps: 'yes' }}
        />
        {count('refusals')}
        <Figure
          label={t('unanchored')}
          value={unanchored.count}
          note={unanchored.ageMs ? t('oldest', { age: seconds(unanchored.ageMs) }) : undefined}
          bad={(unanchored.ageMs ?? 0) > 60_000}
          search={unanchored.since ? { from: unanchored.since } : {}}
        />
        {count('requests')}
        {count('disclosures')}
        <li className={classes.number}>
          <span className={classes.label}>{t('head')}</span>
          <span className={classes.words}>{seconds(head.ageMs)}</span>
          <WayTo to="/members" size="sm">
            {t('state')}
          </WayTo>
        </li>
      </ul>
      <div className={classes.charts}>
        {COUNTED.map((name) => (
          <DayChart
            key={name}
            title={t(name)}
            bad={name === 'alarms' || name === 'refusals'}
            days={days.map((day) => ({ day: day.day, count: day[name] }))}
            kind={KINDS_OF[name]}
          />
        ))}
      </div>
    </>
  )
}

function Figure({
  label,
  value,
  more = false,
  note,
  bad,
  search,
}: {
  label: string
  value: number
  more?: boolean
  note?: string | undefined
  bad: boolean
  search: Filter
}) {
  const t = useTranslations('overview')
  const format = useFormatter()
  return (
    <li className={bad ? `${classes.number} ${classes.bad}` : classes.number}>
      <span className={classes.label}>{label}</span>
      <WayTo to="/search" search={search} className={classes.value}>
        {format.number(value)}
        {more ? '+' : ''}
        <span className={classes.unseen}> {t('behind', { label })}</span>
      </WayTo>
      <Text size="sm" c="dimmed">
        {note ?? (bad ? t('look') : null)}
      </Text>
    </li>
  )
}
