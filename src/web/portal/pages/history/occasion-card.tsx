import { Button, Text } from '@mantine/core'
import { useId, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import { Ending, loudness } from './ending.tsx'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'
import { OccasionFacts } from './occasion-facts.tsx'
import { OccasionLines } from './occasion-lines.tsx'
import { ReportForm } from './report-form.tsx'

/** One occasion: what happened in a sentence, what came of it, and what one can do about it. */
export function OccasionCard({ occasion }: { occasion: Occasion }) {
  const t = useTranslations('history')
  const words = useHistoryWords()
  const [isReporting, report] = useState(false)
  const sentence = useId()
  const canReport = occasion.manner === 'look' || occasion.manner === 'house'
  return (
    <li className={classes.item} data-ending={loudness(occasion)}>
      <div className={classes.body}>
        <div className={classes.head}>
          <Text component="time" size="sm" dateTime={occasion.entry.recorded}>
            {words.time(occasion.entry.recorded)}
          </Text>
          <Ending occasion={occasion} />
        </div>
        <Text id={sentence} className={classes.sentence}>
          {words.sentence(occasion)}
        </Text>
        <OccasionFacts occasion={occasion} />
        {occasion.inBothBooks ? <Text size="sm">{t('bothBooks')}</Text> : null}
        {occasion.lines.length > 1 ? <OccasionLines occasion={occasion} /> : null}
        {isReporting ? (
          <ReportForm occasion={occasion} onEnd={() => report(false)} />
        ) : canReport ? (
          <div className={classes.actions}>
            <Button variant="default" aria-describedby={sentence} onClick={() => report(true)}>
              {t('wrong')}
            </Button>
          </div>
        ) : null}
      </div>
    </li>
  )
}
