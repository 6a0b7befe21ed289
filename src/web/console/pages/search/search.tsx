import { Button, Group, NativeSelect, Text, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import type { Filter, Member } from '../../answers.ts'
import { codeOf, download, queryOf } from '../../api.ts'
import { GROUPS } from '../../filter.ts'
import { EventList } from '../../parts/event-list.tsx'
import { fieldsOf } from '../../parts/fields.ts'
import { useTerms } from '../../parts/terms.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { asStaff, useMayAct, useView } from '../../session.tsx'
import { SavedSearches } from './saved-searches.tsx'
import classes from './search.module.css'

const PURPOSES = [
  'TREAT',
  'ETREAT',
  'BTG',
  'COC',
  'HPAYMT',
  'HRESCH',
  'HOPERAT',
  'HCOMPL',
  'PATADMIN',
  'PUBHLTH',
]

/** The trail by filters that stand in the address and name nobody. */
export function Search() {
  const t = useTranslations('search')
  const filter: Filter = useSearch({ from: '/search' })
  const navigate = useNavigate()
  const mayAct = useMayAct()
  const [trouble, setTrouble] = useState<string>()
  const [asked, setAsked] = useState(false)
  const show = (next: Filter) => {
    setAsked(true)
    void navigate({ to: '/search', search: next })
  }
  const save = async (format: 'csv' | 'json') => {
    setTrouble(undefined)
    await asStaff(() => download(`events/export?${queryOf({ ...filter, format })}`)).catch((error: unknown) =>
      setTrouble(codeOf(error)),
    )
  }
  return (
    <Page wide title={t('title')} lead={t('lead')}>
      <Filters key={queryOf(filter)} filter={filter} onShow={show} />
      {mayAct ? <SavedSearches filter={filter} onChoose={show} /> : <Text c="dimmed">{t('auditor')}</Text>}
      {filter.gaps ? <Text>{t('gaps')}</Text> : null}
      <Group>
        {(['csv', 'json'] as const).map((format) => (
          <Button
            key={format}
            variant="default"
            leftSection={<Download size={18} aria-hidden />}
            onClick={() => void save(format)}
          >
            {t('export', { format: format.toUpperCase() })}
          </Button>
        ))}
      </Group>
      <Trouble code={trouble} />
      <EventList key={queryOf(filter)} filter={filter} take={asked} />
    </Page>
  )
}

function Filters({ filter, onShow }: { filter: Filter; onShow: (filter: Filter) => void }) {
  const t = useTranslations('search')
  const term = useTerms()
  const { data } = useView<{ members: Member[] }>('members', filter.with !== undefined)
  const party = data?.members.find(({ reference }) => reference === filter.with)
  const isGroup = filter.kind === undefined || Object.values(GROUPS).includes(filter.kind)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = Object.entries(fieldsOf(event.currentTarget)).filter(([, value]) => value !== '')
    const next = Object.fromEntries(given)
    onShow({ ...next, ...(filter.with ? { with: filter.with } : {}) })
  }
  return (
    <form onSubmit={submit} aria-label={t('filters')}>
      <div className={classes.filters}>
        <NativeSelect
          name="kind"
          label={t('kind')}
          defaultValue={filter.kind ?? ''}
          data={[
            { value: '', label: t('all') },
            ...Object.entries(GROUPS).map(([key, value]) => ({
              value,
              label: t(`group.${key as 'alarms'}`),
            })),
            ...(isGroup || filter.kind === undefined
              ? []
              : [
                  {
                    value: filter.kind,
                    label: filter.kind
                      .split(',')
                      .map((one) => term('kind', one))
                      .join(', '),
                  },
                ]),
          ]}
        />
        <NativeSelect
          name="outcome"
          label={t('outcome')}
          defaultValue={filter.outcome ?? ''}
          data={[
            { value: '', label: t('all') },
            { value: '4,8,12', label: t('failed') },
            { value: '0', label: t('done') },
          ]}
        />
        <NativeSelect
          name="purpose"
          label={t('purpose')}
          defaultValue={filter.purpose ?? ''}
          data={[
            { value: '', label: t('all') },
            ...PURPOSES.map((value) => ({ value, label: term('purpose', value) })),
          ]}
        />
        <TextInput name="from" type="date" label={t('from')} defaultValue={filter.from?.slice(0, 10) ?? ''} />
        <TextInput name="to" type="date" label={t('to')} defaultValue={filter.to?.slice(0, 10) ?? ''} />
      </div>
      <Group mt="md">
        <Button type="submit">{t('show')}</Button>
        <Button variant="subtle" onClick={() => onShow({})}>
          {t('clear')}
        </Button>
        {party ? <Text>{t('with', { name: party.name })}</Text> : null}
      </Group>
    </form>
  )
}
