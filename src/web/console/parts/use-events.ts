import { useInfiniteQuery } from '@tanstack/react-query'
import type { EventPage, Filter } from '../answers.ts'
import { ask, queryOf } from '../api.ts'
import { asStaff } from '../session.tsx'

/** Pages of the trail under a filter. They show it as it was when the first was read. */
export function useEvents(filter: Filter) {
  const query = queryOf(filter)
  return useInfiniteQuery({
    queryKey: ['view', 'events', query],
    queryFn: ({ pageParam }) =>
      asStaff(() => ask<EventPage>('GET', `events?${pageParam ? queryOf({ page: pageParam }) : query}`)),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
}
