import { useFormatter, useTranslations } from 'use-intl'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'

/** What is shown of the lines of one occasion at most; the rest is counted, and stands in the downloads. */
const MOST = 200

/** Every line of the trail that an occasion is made of: when, and about what. */
export function OccasionLines({ occasion }: { occasion: Occasion }) {
  const t = useTranslations('history')
  const format = useFormatter()
  const words = useHistoryWords()
  const { lines } = occasion
  return (
    <details className={classes.details}>
      <summary>
        {t('details')} ({t('times', { count: lines.length })})
      </summary>
      <ul className={classes.lines}>
        {lines.slice(0, MOST).map(({ entry }) => {
          const what = entry.record?.dataClass ?? entry.record?.resourceType
          return (
            <li key={entry.id}>
              {format.dateTime(new Date(entry.recorded), {
                hour: 'numeric',
                minute: '2-digit',
                second: '2-digit',
              })}
              {what === undefined ? '' : ` – ${words.what({ ...occasion, about: [{ what, count: 1 }] })}`}
            </li>
          )
        })}
        {lines.length > MOST ? <li>… {format.number(lines.length - MOST)}</li> : null}
      </ul>
    </details>
  )
}
