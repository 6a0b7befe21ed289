import { Alert, Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { occasionsOf } from '../../../../domain/own-history/occasions.ts'
import { useLanguage } from '../../../shared/providers.tsx'
import { harmless } from '../../../shared/stranger.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { fileName, saveFile } from '../../files/save-file.ts'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'
import { localDay } from './local-day.ts'
import { pageOf } from './use-history.ts'

const TYPES = {
  html: 'text/html;charset=utf-8',
  csv: 'text/csv;charset=utf-8',
  json: 'application/fhir+json',
} as const

/** The whole history as a file, made on this device. */
export function HistoryDownload() {
  const t = useTranslations('history')
  const words = useHistoryWords()
  const format = useFormatter()
  const { language } = useLanguage()
  const { hospitals } = useDevice()
  const [count, setCount] = useState(0)
  const listed = (some: readonly OwnHospital[]) =>
    format.list(some.map(({ member }) => harmless(member.name)))

  const making = useMutation({
    mutationFn: async (extension: keyof typeof TYPES) => {
      setCount(0)
      const name = fileName(t('download.name'), extension, new Date())
      const { wholeHistory, wholeTrail } = await import('./whole-history.ts')
      if (extension === 'json') {
        const { all, silent } = await wholeTrail(hospitals, setCount)
        saveFile(name, TYPES.json, [JSON.stringify(all, null, 2)])
        return silent
      }
      const { all, silent } = await wholeHistory(
        hospitals,
        (hospital, next) => pageOf(hospital, 'all', next),
        setCount,
      )
      const occasions = occasionsOf(all, localDay)
      const heads = {
        ...{ when: t('when'), result: t('result'), title: t('title'), who: t('who'), what: t('what') },
        ...{ why: t('why'), whyRefused: t('whyRefused'), hospital: t('hospital') },
      }
      const { historyBody, historyCsv } = await import('./history-file.ts')
      if (extension === 'csv') {
        // Spreadsheets take it for UTF-8 only with this mark before it.
        saveFile(name, TYPES.csv, ['\ufeff', ...historyCsv(occasions, words, heads)])
        return silent
      }
      const { htmlFile } = await import('../../files/html-file.ts')
      const date = format.dateTime(new Date(), { dateStyle: 'long', timeStyle: 'short' })
      const asked = hospitals.filter((one) => !silent.includes(one))
      const notes = [
        t('download.made', { date, hospitals: listed(asked) }),
        ...(silent.length > 0 ? [t('download.missing', { hospitals: listed(silent) })] : []),
      ]
      saveFile(
        name,
        TYPES.html,
        htmlFile({ language, title: t('title'), notes, body: historyBody(occasions, words, heads) }),
      )
      return silent
    },
  })
  const button = (extension: keyof typeof TYPES, label: string) => (
    <Button
      variant="default"
      disabled={making.isPending}
      onClick={() => {
        if (!making.isPending) making.mutate(extension)
      }}
    >
      {label}
    </Button>
  )
  return (
    <section aria-labelledby="take" className={classes.take}>
      <h2 id="take" className={classes.day}>
        {t('download.title')}
      </h2>
      <Text>{t('download.text')}</Text>
      <div className={classes.actions}>
        {button('html', t('download.html'))}
        {button('csv', t('download.csv'))}
        {button('json', t('download.fhir'))}
      </div>
      <div role="status">
        {making.isPending ? <Text>{t('download.busy', { count })}</Text> : null}
        {making.isSuccess ? <Text>{t('download.done')}</Text> : null}
        {making.data && making.data.length > 0 ? (
          <Text fw={650}>{t('download.missing', { hospitals: listed(making.data) })}</Text>
        ) : null}
      </div>
      {making.isError ? (
        <Alert role="alert" color="red">
          {t('download.failed')}
        </Alert>
      ) : null}
    </section>
  )
}
