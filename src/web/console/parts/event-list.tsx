import { Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Filter } from '../answers.ts'
import { codeOf } from '../api.ts'
import { BusyButton } from './busy-button.tsx'
import { EventsTable } from './events-table.tsx'
import { Trouble } from './trouble.tsx'
import { useEvents } from './use-events.ts'
import { Waiting } from './waiting.tsx'

/**
 * The lines of a filter, page after page.
 * @param take whether they take the focus once they are there: somebody has just asked for them
 */
export function EventList({ filter, take = false }: { filter: Filter; take?: boolean }) {
  const t = useTranslations('events')
  const list = useRef<HTMLElement>(null)
  const { data, error, isFetchingNextPage, hasNextPage, fetchNextPage } = useEvents(filter)
  const lines = data?.pages.flatMap((page) => page.lines) ?? []
  const [before, setBefore] = useState<number>()
  // On from where one was, and not from where the button has gone to.
  useEffect(() => {
    if (before === undefined || lines.length <= before) return
    list.current?.querySelectorAll<HTMLElement>('tbody button[aria-expanded]')[before]?.focus()
    setBefore(undefined)
  }, [before, lines.length])
  const goOn = () => {
    setBefore(lines.length)
    void fetchNextPage()
  }
  const isThere = data !== undefined
  useEffect(() => {
    if (take && isThere) list.current?.focus()
  }, [take, isThere])
  if (!data) return error ? <Trouble code={codeOf(error)} /> : <Waiting />
  return (
    <section ref={list} tabIndex={-1} aria-label={t('lines')}>
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
        <BusyButton mt="md" variant="default" busy={isFetchingNextPage} onClick={goOn}>
          {t('next')}
        </BusyButton>
      ) : null}
    </section>
  )
}
