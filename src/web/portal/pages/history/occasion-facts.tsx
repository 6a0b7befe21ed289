import { useTranslations } from 'use-intl'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'
import { ShareName } from './share-name.tsx'

/** Who, what and why of an occasion, under which share, and why it was refused. What is not known is left out. */
export function OccasionFacts({ occasion }: { occasion: Occasion }) {
  const t = useTranslations('history')
  const words = useHistoryWords()
  const { entry, source } = occasion
  const refused = occasion.ending === 'allowed' ? '' : words.whyRefused(entry)
  const facts = [
    [t('who'), words.person(entry)],
    [t('what'), words.what(occasion)],
    [t('why'), words.why(entry)],
    [t('whyRefused'), refused],
  ] as const
  return (
    <dl className={classes.facts}>
      {facts.map(([label, text]) =>
        text === '' ? null : (
          <div key={label} className={classes.fact}>
            <dt>{label}</dt>
            <dd>
              <bdi>{text}</bdi>
            </dd>
          </div>
        ),
      )}
      {entry.policy === undefined ? null : (
        <div className={classes.fact}>
          <dt>{t('underShare')}</dt>
          <dd>
            <ShareName source={source} policy={entry.policy} />
          </dd>
        </div>
      )}
    </dl>
  )
}
