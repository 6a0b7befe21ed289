import { Radio, Text, TextInput } from '@mantine/core'
import { Navigate } from '@tanstack/react-router'
import { useFormatter, useTranslations } from 'use-intl'
import { periodProblem } from '../../../../domain/consent/period.ts'
import { dateOfDay } from '../../../../domain/days.ts'
import { today } from '../../own/hospitals.ts'
import { dayInWords } from '../../own/sentence.ts'
import { useDraft } from './draft.tsx'
import classes from './share.module.css'
import { ShareStep } from './step.tsx'

const MONTHS = [1, 3, 12] as const
const YEARS_AT_MOST = 10

/** The same day some months on, or that month's last day. */
function monthsFrom(day: number, months: number): string {
  const [year = 0, month = 1, date = 1] = dateOfDay(day).split('-').map(Number)
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate()
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10)
}

export function Until() {
  const t = useTranslations('share')
  const format = useFormatter()
  const { draft, choose } = useDraft()
  if (!draft.to) return <Navigate to="/share/who" replace />
  const now = today()
  const ends = new Map(MONTHS.map((months) => [String(months), monthsFrom(now, months)]))
  const wrong = !draft.until || periodProblem({ until: draft.until }, now) !== undefined
  return (
    <ShareStep
      step="until"
      problem={wrong ? t('chooseDate') : undefined}
      field={draft.span === 'date' ? 'last-day' : 'until-1'}
    >
      <Radio.Group
        label={<Text>{t('untilText')}</Text>}
        value={draft.span ?? ''}
        onChange={(span) => choose({ span, until: ends.get(span) ?? draft.until ?? '' })}
      >
        <div className={`${classes.choices} ${classes.list}`}>
          {[...ends].map(([months, date]) => (
            <Radio
              key={months}
              id={`until-${months}`}
              size="md"
              value={months}
              label={t('months', { count: Number(months) })}
              description={t('untilDay', { date: dayInWords(date, { format }) })}
            />
          ))}
          <Radio id="until-date" size="md" value="date" label={t('date')} />
        </div>
      </Radio.Group>
      {draft.span === 'date' ? (
        <TextInput
          id="last-day"
          mt="md"
          type="date"
          label={t('dateLabel')}
          description={t('dateHelp')}
          min={dateOfDay(now)}
          max={monthsFrom(now, YEARS_AT_MOST * 12)}
          value={draft.until ?? ''}
          onChange={({ currentTarget }) => choose({ until: currentTarget.value })}
        />
      ) : null}
    </ShareStep>
  )
}
