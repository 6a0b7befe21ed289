import { Alert, Button, Loader, Text } from '@mantine/core'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useRef } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { type Occasion, occasionsOf } from '../../../../domain/own-history/occasions.ts'
import { merged } from '../../../../domain/own-history/streams.ts'
import { isOccasionWanted } from '../../../../domain/own-history/wanted.ts'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useNetwork } from '../../network.tsx'
import { HistoryDownload } from './download.tsx'
import { HistoryFilters } from './filters.tsx'
import classes from './history.module.css'
import { filterOf, readHistorySearch } from './history-search.ts'
import { useHistoryWords } from './history-words.tsx'
import { localDay } from './local-day.ts'
import { OccasionCard } from './occasion-card.tsx'
import { OccasionTable } from './occasion-table.tsx'
import { useHistory } from './use-history.ts'

/** So many are shown before somebody has to ask for more, if there are as many. */
const ENOUGH = 20
/** Pages that one wish for more may read, while what is wanted is rare. */
const MOST_PAGES = 5

export function History() {
  const t = useTranslations('history')
  const format = useFormatter()
  const { hospitals } = useDevice()
  const { members } = useNetwork()
  const search = useSearch({ from: '/history' })
  const navigate = useNavigate({ from: '/history' })
  const { streams, silent, busy, started, more, refresh } = useHistory(search.show ?? 'looks')

  const told = useMemo(() => merged(streams), [streams])
  const occasions = useMemo(() => occasionsOf(told, localDay), [told])
  const filter = useMemo(() => filterOf(search, members, Date.now()), [search, members])
  const shown = useMemo(() => occasions.filter((one) => isOccasionWanted(one, filter)), [occasions, filter])

  const last = told.at(-1)?.entry.recorded
  const isBehindPeriod = filter.since !== undefined && last !== undefined && last < filter.since
  const isAll = started && (streams.every(({ done }) => done) || isBehindPeriod)
  const pages = useRef({ for: filter, left: MOST_PAGES, until: ENOUGH })
  if (pages.current.for !== filter) pages.current = { for: filter, left: MOST_PAGES, until: ENOUGH }
  useEffect(() => {
    const budget = pages.current
    if (!started || busy || isAll || budget.left <= 0 || shown.length >= budget.until) return
    budget.left--
    void more()
  }, [started, busy, isAll, shown.length, more])
  const furtherBack = () => {
    pages.current = { for: filter, left: MOST_PAGES - 1, until: shown.length + ENOUGH }
    void more()
  }

  return (
    <Page title={t('title')} lead={t('lead')} wide>
      <HistoryFilters />
      {silent.map((source) => (
        <Alert key={source} color="orange" role="status">
          <Text fw={650}>
            {t.rich('silent', {
              hospital: () => <Stranger>{hospitals[source]?.member.name ?? ''}</Stranger>,
            })}
          </Text>
          <Text>{t('silentText')}</Text>
        </Alert>
      ))}
      <div className={classes.bar}>
        <Text role="status">{started ? t('shown', { count: shown.length }) : t('loading')}</Text>
        <div className={classes.actions}>
          <Button variant="default" component={Link} to="/history/reported">
            {t('cases')}
          </Button>
          <Button variant="default" onClick={() => void refresh()}>
            {t('fresh')}
          </Button>
          <Button
            variant="default"
            className={classes.wideOnly}
            onClick={() =>
              void navigate({
                search: readHistorySearch({ ...search, table: !search.table }),
                replace: true,
              })
            }
          >
            {search.table ? t('asList') : t('asTable')}
          </Button>
        </div>
      </div>
      {started && !busy && shown.length === 0 ? <Nobody isNarrowed={isNarrowed(search)} /> : null}
      {search.table ? <OccasionTable occasions={shown} /> : <Days occasions={shown} />}
      {busy ? <Loader role="status" aria-label={t('loading')} /> : null}
      {started && !busy ? (
        <div className={classes.bar}>
          <Text>
            {isAll || last === undefined
              ? t('allShown')
              : t('backTo', { date: format.dateTime(new Date(last), { dateStyle: 'long' }) })}
          </Text>
          {isAll ? null : <Button onClick={furtherBack}>{t('more')}</Button>}
        </div>
      ) : null}
      <HistoryDownload />
    </Page>
  )
}

function Nobody({ isNarrowed: narrowed }: { isNarrowed: boolean }) {
  const t = useTranslations('history')
  return (
    <div>
      <Text fw={650}>{narrowed ? t('emptyFiltered') : t('empty')}</Text>
      {narrowed ? null : <Text>{t('emptyText')}</Text>}
    </div>
  )
}

function Days({ occasions }: { occasions: readonly Occasion[] }) {
  const words = useHistoryWords()
  const days = new Map<string, Occasion[]>()
  for (const occasion of occasions) {
    const day = localDay(occasion.entry.recorded)
    const known = days.get(day)
    if (known) known.push(occasion)
    else days.set(day, [occasion])
  }
  return (
    <div>
      {[...days].map(([day, ofDay]) => (
        <section key={day} aria-labelledby={`day-${day}`}>
          <h2 id={`day-${day}`} className={classes.day}>
            {words.day(ofDay[0]?.entry.recorded ?? day)}
          </h2>
          <ol className={classes.list}>
            {ofDay.map((occasion) => (
              <OccasionCard key={occasion.key} occasion={occasion} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  )
}

const isNarrowed = (search: object) => Object.keys(search).some((name) => name !== 'table')
