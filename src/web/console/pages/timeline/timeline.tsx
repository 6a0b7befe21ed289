import { Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { EventList } from '../../parts/event-list.tsx'
import { useEvents } from '../../parts/use-events.ts'
import { WayTo } from '../../parts/way-to.tsx'

/** Everything about one patient, consent or request; which one, only this session knows. */
export function Timeline() {
  const t = useTranslations('timeline')
  const { of = '', sort } = useSearch({ from: '/timeline' })
  const filter = { of, sort: sort ?? '-date' }
  const about = useEvents(filter).data?.pages[0]?.about
  return (
    <Page wide title={about ? t(about) : t('title')} lead={sort ? t('oldest') : t('newest')}>
      <WayTo to="/timeline" search={{ of, ...(sort ? {} : { sort: 'date' as const }) }} w="fit-content">
        {sort ? t('toNewest') : t('toOldest')}
      </WayTo>
      <Text c="dimmed">{t('reference', { short: of.slice(0, 4) })}</Text>
      <EventList filter={filter} />
    </Page>
  )
}
