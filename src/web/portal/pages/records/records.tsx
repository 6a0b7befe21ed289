import { Alert, Button, Loader, Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { byYear, isWanted, type Resolver, resolverOf, unify } from '../../../../domain/own-record/unify.ts'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { RecordsDownload } from './download.tsx'
import { RecordFilters } from './record-filters.tsx'
import { RecordLine } from './record-line.tsx'
import classes from './records.module.css'
import { filterOf } from './records-search.ts'
import { useRecords } from './use-records.ts'

/** Lines that are drawn before somebody asks for more. */
const PIECE = 150

const nothing: Resolver = () => undefined

export function Records() {
  const t = useTranslations('records')
  const { hospitals } = useDevice()
  const search = useSearch({ from: '/records' })
  const [words, find] = useState('')
  const [drawn, draw] = useState(PIECE)
  const { sources, askAgain } = useRecords()
  const searched = useDeferredValue(words)

  const { entries, resolvers } = useMemo(() => {
    const all = sources.map(({ source, entries: found }) => ({
      source,
      resources: found.map(({ resource }) => resource),
    }))
    return {
      entries: unify(all),
      resolvers: new Map(all.map(({ source, resources }) => [source, resolverOf(resources)])),
    }
  }, [sources])
  const wanted = useMemo(() => {
    const filter = filterOf(search, searched)
    return entries.filter((entry) => isWanted(entry, filter))
  }, [entries, search, searched])
  const years = useMemo(() => byYear(wanted.slice(0, drawn)), [wanted, drawn])

  const isAsking =
    hospitals.length === 0 ||
    sources.length < hospitals.length ||
    sources.some((one) => one.state === 'asking')
  const nameOf = (source: number) => () => <Stranger>{hospitals[source]?.member.name ?? ''}</Stranger>
  return (
    <Page title={t('title')} lead={t('lead')} wide>
      {sources.flatMap(({ source, state: now, notices }) => [
        now === 'silent' ? (
          <Alert key={source} color="orange" role="status">
            <Text fw={650}>{t.rich('silent', { hospital: nameOf(source) })}</Text>
            <Button mt="sm" variant="default" onClick={() => askAgain(source)}>
              {t('again')}
            </Button>
          </Alert>
        ) : null,
        ...(['incomplete', 'security'] as const).map((notice) =>
          notices.has(notice) ? (
            <Alert key={`${source} ${notice}`} color="orange" role="status">
              {t.rich(notice, { hospital: nameOf(source) })}
            </Alert>
          ) : null,
        ),
      ])}
      <RecordFilters entries={entries} words={words} find={find} />
      <Text role="status">
        {isAsking ? t('loading') : null}
        {isAsking && entries.length > 0 ? '. ' : null}
        {isAsking && entries.length === 0
          ? null
          : wanted.length === entries.length
            ? t('loaded', { count: entries.length })
            : t('loadedOf', { shown: wanted.length, count: entries.length })}
      </Text>
      {isAsking ? <Loader role="status" aria-label={t('loading')} /> : null}
      {!isAsking && wanted.length === 0 ? (
        <Text fw={650}>{entries.length === 0 ? t('empty') : t('emptyFiltered')}</Text>
      ) : null}
      <div>
        {years.map(({ year, groups }) => (
          <section key={year ?? ''} aria-labelledby={`year-${year ?? ''}`}>
            <h2 id={`year-${year ?? ''}`} className={classes.year}>
              {year ?? t('noDate')}
            </h2>
            <ol className={classes.list}>
              {groups.map((group) => (
                <li key={group[0]?.key} className={classes.item}>
                  {group.length > 1 ? (
                    <div className={classes.pair}>
                      <Text size="sm">{t('alike', { count: group.length })}</Text>
                      <div className={classes.sideBySide}>
                        {group.map((entry) => (
                          <RecordLine
                            key={entry.key}
                            entry={entry}
                            resolve={resolvers.get(entry.source) ?? nothing}
                          />
                        ))}
                      </div>
                    </div>
                  ) : (
                    group.map((entry) => (
                      <RecordLine
                        key={entry.key}
                        entry={entry}
                        resolve={resolvers.get(entry.source) ?? nothing}
                      />
                    ))
                  )}
                </li>
              ))}
            </ol>
          </section>
        ))}
      </div>
      {wanted.length > drawn ? <Button onClick={() => draw(drawn + 2 * PIECE)}>{t('more')}</Button> : null}
      {isAsking ? null : (
        <>
          <Text size="sm">{t('notFetched')}</Text>
          <Text size="sm">{t('private')}</Text>
        </>
      )}
      <RecordsDownload sources={sources} entries={entries} resolvers={resolvers} isAsking={isAsking} />
    </Page>
  )
}
