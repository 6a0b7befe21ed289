import { Title } from '@mantine/core'
import { useId } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { WayTo } from '../../parts/way-to.tsx'
import classes from './overview.module.css'

/** A bar a day, the highest labelled; the table behind it has every number, and each leads to its lines. */
export function DayChart({
  title,
  days,
  kind,
  bad,
}: {
  title: string
  days: readonly { day: string; count: number }[]
  kind: string
  bad: boolean
}) {
  const t = useTranslations('overview')
  const format = useFormatter()
  const id = useId()
  const most = Math.max(...days.map(({ count }) => count))
  const sum = days.reduce((all, { count }) => all + count, 0)
  const shown = (day: string) =>
    format.dateTime(new Date(`${day}T00:00:00Z`), { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const width = 100 / days.length
  const highest = days.findIndex(({ count }) => count === most)
  return (
    <section aria-labelledby={id} className={classes.chart}>
      <Title order={2} id={id} size="h3">
        {title}
      </Title>
      {most === 0 ? (
        <p>{t('none')}</p>
      ) : (
        <>
          <div className={classes.drawing}>
            <div className={classes.top} aria-hidden>
              <span
                style={{ marginLeft: `min(calc(${(highest + 0.5) * width}% - 0.5ch), calc(100% - 5ch))` }}
              >
                {format.number(most)}
              </span>
            </div>
            <svg
              viewBox="0 0 400 100"
              preserveAspectRatio="none"
              role="img"
              aria-label={t('chart', { title, sum, most, day: shown(days[highest]?.day ?? '') })}
              className={bad ? classes.badBars : classes.bars}
            >
              {days.map(({ day, count }, i) => (
                <rect
                  key={day}
                  x={(i * width + width * 0.12) * 4}
                  width={width * 0.76 * 4}
                  y={99 - (count / most) * 98}
                  height={(count / most) * 98}
                />
              ))}
              <line x1="0" x2="400" y1="99.5" y2="99.5" />
            </svg>
            <div className={classes.ends} aria-hidden>
              <span>{shown(days[0]?.day ?? '')}</span>
              <span>{shown(days.at(-1)?.day ?? '')}</span>
            </div>
          </div>
          <details>
            <summary>{t('table')}</summary>
            <table className={classes.table}>
              <caption className={classes.unseen}>{title}</caption>
              <thead>
                <tr>
                  <th scope="col">{t('day')}</th>
                  <th scope="col">{t('count')}</th>
                </tr>
              </thead>
              <tbody>
                {days
                  .filter(({ count }) => count > 0)
                  .map(({ day, count }) => (
                    <tr key={day}>
                      <th scope="row">{shown(day)}</th>
                      <td>
                        <WayTo to="/search" search={{ kind, from: day, to: day }}>
                          {format.number(count)}
                          <span className={classes.unseen}>
                            {' '}
                            {t('behind', { label: `${title}, ${shown(day)}` })}
                          </span>
                        </WayTo>
                      </td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </details>
        </>
      )}
    </section>
  )
}
