import { Alert, Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import type { Resolver } from '../../../../domain/own-record/unify.ts'
import { useLanguage } from '../../../shared/providers.tsx'
import { fileName, saveFile } from '../../files/save-file.ts'
import { useRecordWords } from './record-words.ts'
import classes from './records.module.css'
import type { HospitalRecords } from './use-records.ts'

/** Everything as a file, made on this device of what is on the page. */
export function RecordsDownload({
  sources,
  entries,
  resolvers,
  isAsking,
}: {
  sources: readonly HospitalRecords[]
  entries: readonly OwnEntry[]
  resolvers: ReadonlyMap<number, Resolver>
  isAsking: boolean
}) {
  const t = useTranslations('records')
  const shared = useTranslations('history.download')
  const words = useRecordWords()
  const format = useFormatter()
  const { language } = useLanguage()
  const silent = sources.filter(({ state }) => state === 'silent')
  const listed = (some: readonly HospitalRecords[]) =>
    format.list(some.map(({ source }) => words.hospital(source)))

  const making = useMutation({
    mutationFn: async (extension: 'html' | 'json') => {
      const now = new Date()
      const name = fileName(t('download.name'), extension, now)
      const { recordBody, recordBundle } = await import('./record-file.ts')
      if (extension === 'json') {
        saveFile(name, 'application/fhir+json', [JSON.stringify(recordBundle(sources, now), null, 2)])
        return
      }
      const { htmlFile } = await import('../../files/html-file.ts')
      const date = format.dateTime(now, { dateStyle: 'long', timeStyle: 'short' })
      const asked = sources.filter(({ state }) => state !== 'silent')
      const notes = [
        t('download.made', { date, hospitals: listed(asked) }),
        ...(silent.length > 0 ? [t('download.missing', { hospitals: listed(silent) })] : []),
      ]
      const body = recordBody(entries, resolvers, words)
      saveFile(name, 'text/html;charset=utf-8', htmlFile({ language, title: t('title'), notes, body }))
    },
  })
  const button = (extension: 'html' | 'json', label: string) => (
    <Button
      variant="default"
      disabled={isAsking || making.isPending}
      onClick={() => {
        if (!making.isPending) making.mutate(extension)
      }}
    >
      {label}
    </Button>
  )
  return (
    <section aria-labelledby="take" className={classes.take}>
      <h2 id="take" className={classes.year}>
        {t('download.title')}
      </h2>
      <Text>{t('download.text')}</Text>
      <div className={classes.actions}>
        {button('html', t('download.html'))}
        {button('json', t('download.fhir'))}
      </div>
      <div role="status">
        {isAsking ? <Text>{t('download.wait')}</Text> : null}
        {making.isSuccess ? <Text>{shared('done')}</Text> : null}
        {!isAsking && silent.length > 0 ? (
          <Text fw={650}>{t('download.missing', { hospitals: listed(silent) })}</Text>
        ) : null}
      </div>
      {making.isError ? (
        <Alert role="alert" color="red">
          {shared('failed')}
        </Alert>
      ) : null}
    </section>
  )
}
