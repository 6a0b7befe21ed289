import { Button, Text } from '@mantine/core'
import { useRef } from 'react'
import { useTranslations } from 'use-intl'
import type { Filter } from '../answers.ts'
import { codeOf } from '../api.ts'
import { EventsTable } from './events-table.tsx'
import { Trouble } from './trouble.tsx'
import { useEvents } from './use-events.ts'
import { Waiting } from './waiting.tsx'

/** The lines of a filter, page after page. */
export function EventList({ filter }: { filter: Filter }) {
  const t = useTranslations('events')
  const list = useRef<HTMLDivElement>(null)
  const { data, error, isFetchingNextPage, hasNextPage, fetchNextPage } = useEvents(filter)
  if (!data) return error ? <Trouble code={codeOf(error)} /> : <Waiting />
  const lines = data.pages.flatMap((page) => page.lines)
  const goOn = async () => {
    const before = lines.length
    await fetchNextPage()
    // On from where one was, and not from where the button has gone to.
    const rows = list.current?.querySelectorAll<HTMLElement>('tbody button[aria-expanded]')
    rows?.[before]?.focus()
  }
  return (
    <div ref={list}>
      {lines.length === 0 ? (
        <Text role="status">{t('none')}</Text>
      ) : (
        <EventsTable
          lines={lines}
          caption={t('shown', { count: lines.length, all: hasNextPage ? 'no' : 'yes' })}
        />
      )}
      <Trouble code={error ? codeOf(error) : undefined} />
      {hasNextPage ? (
        <Button mt="md" variant="default" loading={isFetchingNextPage} onClick={() => void goOn()}>
          {t('next')}
        </Button>
      ) : null}
    </div>
  )
}
