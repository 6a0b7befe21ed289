import { ActionIcon, Button, Group, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { harmless, Stranger } from '../../../shared/stranger.tsx'
import type { Filter, SavedSearch } from '../../answers.ts'
import { ask, codeOf } from '../../api.ts'
import { fieldsOf } from '../../parts/fields.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { asStaff } from '../../session.tsx'
import classes from './search.module.css'

/** Searches that this person keeps at the broker; none is about one patient. */
export function SavedSearches({ filter, onChoose }: { filter: Filter; onChoose: (filter: Filter) => void }) {
  const t = useTranslations('search')
  const field = useRef<HTMLInputElement>(null)
  const [trouble, setTrouble] = useState<string>()
  const { data, refetch } = useQuery({
    queryKey: ['view', 'searches'],
    queryFn: () => asStaff(() => ask<{ searches: SavedSearch[] }>('GET', 'searches')),
  })
  const doing = async (work: () => Promise<unknown>) => {
    setTrouble(undefined)
    await asStaff(work).catch((error: unknown) => setTrouble(codeOf(error)))
    await refetch()
    field.current?.focus()
  }
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const { name = '' } = fieldsOf(form)
    void doing(async () => {
      await ask('POST', 'searches', { name, filter })
      form.reset()
    })
  }
  return (
    <section aria-label={t('saved')}>
      {data && data.searches.length > 0 ? (
        <ul className={classes.saved}>
          {data.searches.map((search) => (
            <li key={search.id} className={classes.one}>
              <Button variant="light" size="compact-md" onClick={() => onChoose(search.filter)}>
                <Stranger>{search.name}</Stranger>
              </Button>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={t('remove', { name: harmless(search.name) })}
                onClick={() => void doing(() => ask('DELETE', `searches/${search.id}`))}
              >
                <X size={18} aria-hidden />
              </ActionIcon>
            </li>
          ))}
        </ul>
      ) : null}
      <Trouble code={trouble} />
      <form onSubmit={save}>
        <Group align="flex-end" mt="sm">
          <TextInput ref={field} name="name" label={t('name')} maxLength={80} required />
          <Button type="submit" variant="default">
            {t('save')}
          </Button>
        </Group>
      </form>
    </section>
  )
}
