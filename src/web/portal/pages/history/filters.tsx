import { Button, NativeSelect } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { DATA_CLASSES } from '../../../../domain/consent/data-classes.ts'
import { harmless } from '../../../shared/stranger.tsx'
import { useNetwork } from '../../network.tsx'
import { useTerms } from '../../terms.ts'
import classes from './history.module.css'
import { type HistorySearch, PERIODS, readHistorySearch } from './history-search.ts'

/** Choices that narrow the list. They stand in the address, so that the back button undoes them. */
export function HistoryFilters() {
  const t = useTranslations('history')
  const terms = useTerms()
  const { members } = useNetwork()
  const search = useSearch({ from: '/history' })
  const navigate = useNavigate({ from: '/history' })
  const choose = (name: keyof HistorySearch, value: string) =>
    void navigate({
      search: readHistorySearch({
        ...search,
        [name]: (name === 'who' || name === 'days') && value !== '' ? Number(value) : value,
      }),
      replace: true,
    })
  const select = (
    name: Exclude<keyof HistorySearch, 'table'>,
    label: string,
    data: { value: string; label: string }[],
  ) => (
    <NativeSelect
      label={label}
      data={data}
      value={String(search[name] ?? '')}
      onChange={({ currentTarget: { value } }) => choose(name, value)}
    />
  )
  const isNarrowed = Object.keys(search).some((name) => name !== 'table')
  // On a small screen the list comes first.
  const [isOpen] = useState(() => isNarrowed || matchMedia('(min-width: 48rem)').matches)
  return (
    <details open={isOpen} className={classes.narrow}>
      <summary>{t('filters')}</summary>
      <div className={classes.filters}>
        {select('show', t('show'), [
          { value: '', label: t('showLooks') },
          { value: 'own', label: t('showOwn') },
          { value: 'all', label: t('showAll') },
        ])}
        {select('who', t('organisation'), [
          { value: '', label: t('anybody') },
          ...members.map(({ name }, place) => ({ value: String(place), label: harmless(name) })),
        ])}
        {select('ending', t('result'), [
          { value: '', label: t('endingAll') },
          ...(['allowed', 'refused', 'emergency'] as const).map((value) => ({
            value,
            label: t(`ending.${value}`),
          })),
        ])}
        {select('kind', t('kind'), [
          { value: '', label: t('kindAll') },
          ...Object.keys(DATA_CLASSES).map((value) => ({ value, label: terms.dataClass(value) })),
        ])}
        {select('days', t('period'), [
          { value: '', label: t('periodAll') },
          ...PERIODS.map((days) => ({ value: String(days), label: t('periodDays', { days }) })),
        ])}
        {isNarrowed ? (
          <Button
            variant="subtle"
            onClick={() => void navigate({ search: search.table ? { table: true } : {}, replace: true })}
          >
            {t('clear')}
          </Button>
        ) : null}
      </div>
    </details>
  )
}
