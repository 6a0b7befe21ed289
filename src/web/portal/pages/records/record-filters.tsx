import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import { yearOf } from '../../../../domain/own-record/unify.ts'
import { harmless } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'
import classes from './records.module.css'
import { type RecordsSearch, readRecordsSearch } from './records-search.ts'

/** Finds by words, kind, hospital and year; only what there is can be chosen. */
export function RecordFilters({
  entries,
  words,
  find,
}: {
  entries: readonly OwnEntry[]
  words: string
  find: (words: string) => void
}) {
  const t = useTranslations('records')
  const terms = useTerms()
  const { hospitals } = useDevice()
  const search = useSearch({ from: '/records' })
  const navigate = useNavigate({ from: '/records' })
  const kinds = useMemo(() => [...new Set(entries.map(({ dataClass }) => dataClass))], [entries])
  const years = useMemo(
    () => [...new Set(entries.flatMap((entry) => yearOf(entry) ?? []))].toSorted().reverse(),
    [entries],
  )
  const isNarrowed = Object.keys(search).length > 0 || words !== ''
  const [isOpen] = useState(() => isNarrowed || matchMedia('(min-width: 48rem)').matches)
  const choose = (name: keyof RecordsSearch, value: string) =>
    void navigate({
      search: readRecordsSearch({ ...search, [name]: name === 'at' && value !== '' ? Number(value) : value }),
      replace: true,
    })
  const select = (name: keyof RecordsSearch, label: string, data: { value: string; label: string }[]) => (
    <NativeSelect
      label={label}
      data={data}
      value={String(search[name] ?? '')}
      onChange={({ currentTarget: { value } }) => choose(name, value)}
    />
  )
  return (
    <details open={isOpen} className={classes.narrow}>
      <summary>{t('filters')}</summary>
      <div className={classes.filters}>
        <TextInput
          label={t('search')}
          description={t('searchHint')}
          type="search"
          autoComplete="off"
          value={words}
          onChange={({ currentTarget }) => find(currentTarget.value)}
        />
        {select('kind', t('kind'), [
          { value: '', label: t('kindAll') },
          ...kinds.map((value) => ({ value, label: terms.dataClass(value) })),
        ])}
        {select('at', t('hospital'), [
          { value: '', label: t('hospitalAll') },
          ...hospitals.map(({ member }, place) => ({ value: String(place), label: harmless(member.name) })),
        ])}
        {select('year', t('year'), [
          { value: '', label: t('yearAll') },
          ...years.map((value) => ({ value, label: value })),
        ])}
        {isNarrowed ? (
          <Button
            variant="subtle"
            onClick={() => {
              find('')
              void navigate({ search: {}, replace: true })
            }}
          >
            {t('clear')}
          </Button>
        ) : null}
      </div>
    </details>
  )
}
