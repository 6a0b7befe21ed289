import { useQueries } from '@tanstack/react-query'
import type { OwnNotice, OwnNotices } from '../../../../domain/portal/notices.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'

export type NoticeHere = { hospital: OwnHospital; notice: OwnNotice }

export type NoticesHere = {
  /** Newest first. */
  all: readonly NoticeHere[]
  /** Of each hospital the one that it told last: what it means by all until then. */
  last: readonly NoticeHere[]
  unread: number
  silent: readonly OwnHospital[]
  isLoading: boolean
}

/** Notices of one hospital that are read at once. */
const MOST = 100
const EVERY = 15_000

/** What every hospital has to tell. */
export function useNotices(): NoticesHere {
  const { hospitals } = useDevice()
  return useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: ['notices', member.id],
      queryFn: (): Promise<OwnNotices> => client.notices({ count: MOST }),
      refetchInterval: EVERY,
    })),
    combine: (answers) => ({
      all: answers
        .flatMap(({ data }, place) => {
          const hospital = hospitals[place]
          return hospital && data ? data.notices.map((notice) => ({ hospital, notice })) : []
        })
        .toSorted((a, b) => (a.notice.at < b.notice.at ? 1 : -1)),
      last: answers.flatMap(({ data }, place) => {
        const hospital = hospitals[place]
        const notice = data?.notices[0]
        return hospital && notice ? [{ hospital, notice }] : []
      }),
      unread: answers.reduce((sum, { data }) => sum + (data?.unread ?? 0), 0),
      silent: answers.flatMap(({ isError }, place) => (isError ? (hospitals[place] ?? []) : [])),
      // Before the device has opened there is nobody to ask.
      isLoading: answers.length === 0 || answers.some(({ isPending }) => isPending),
    }),
  })
}
