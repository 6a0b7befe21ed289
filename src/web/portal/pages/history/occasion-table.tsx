import { useTranslations } from 'use-intl'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import { Ending, loudness } from './ending.tsx'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'

/** The same as a table, for wide screens. */
export function OccasionTable({ occasions }: { occasions: readonly Occasion[] }) {
  const t = useTranslations('history')
  const words = useHistoryWords()
  const heads = [t('when'), t('result'), t('title'), t('who'), t('what'), t('why')]
  return (
    <section className={classes.tableBox} aria-label={t('title')}>
      <table className={classes.table}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {occasions.map((occasion) => (
            <tr key={occasion.key} data-ending={loudness(occasion)}>
              <th scope="row">
                {words.day(occasion.entry.recorded)}
                <br />
                {words.time(occasion.entry.recorded)}
              </th>
              <td>
                <Ending occasion={occasion} />
              </td>
              <td>{words.sentence(occasion)}</td>
              <td>
                <bdi>{words.person(occasion.entry)}</bdi>
              </td>
              <td>{words.what(occasion)}</td>
              <td>
                {words.why(occasion.entry)}
                {occasion.ending === 'allowed' ? null : (
                  <>
                    <br />
                    {words.whyRefused(occasion.entry)}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
