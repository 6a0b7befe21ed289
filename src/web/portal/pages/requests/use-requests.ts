import { useQueries } from '@tanstack/react-query'
import type { OwnRequest } from '../../../../domain/consent/own-requests.ts'
import { identifierText } from '../../../../domain/identity/member-id.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { type OwnAt, useOwnConsents } from '../../own/hospitals.ts'

/** A request, and the hospital whose records it is about. */
export type Asked = { hospital: OwnHospital; request: OwnRequest }

/** How often hospitals are asked for requests: while somebody looks at them, and else. Milliseconds. */
export const OFTEN = 3_000
const SELDOM = 30_000

export type RequestsHere = {
  asked: readonly Asked[]
  silent: readonly OwnHospital[]
  isLoading: boolean
}

/** What every hospital knows of requests to this person, those that are due first at the top. */
export function useRequests(every: number = SELDOM): RequestsHere {
  const { hospitals } = useDevice()
  return useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: ['requests', member.id],
      queryFn: () => client.requests(),
      refetchInterval: every,
    })),
    combine: (answers) => {
      const asked = answers.flatMap(({ data }, place) => {
        const hospital = hospitals[place]
        return hospital && data ? data.map((request) => ({ hospital, request })) : []
      })
      return {
        asked: asked.toSorted((a, b) => a.request.deadline - b.request.deadline),
        silent: answers.flatMap(({ isError }, place) => (isError ? (hospitals[place] ?? []) : [])),
        // Before the device has opened there is nobody to ask.
        isLoading: answers.length === 0 || answers.some(({ isPending }) => isPending),
      }
    },
  })
}

/** Whether the patient is still to say something. */
export const isWaiting = ({ request: { answered, decision } }: Asked): boolean =>
  !answered && decision !== 'rejected'

/** How many requests wait for an answer. */
export const useWaitingCount = (): number => useRequests().asked.filter(isWaiting).length

export type RequestStanding = 'asks' | 'rejectedAlready' | 'waits' | 'onTheWay' | 'force' | 'hospitalRefused'

/** What has become of a request, as far as its hospital tells. */
export function useRequestStanding({ hospital, request }: Asked): RequestStanding {
  const at = useOwnConsents().find((one) => one.hospital.member.id === hospital.member.id)
  if (!request.answered) return request.decision === 'rejected' ? 'rejectedAlready' : 'asks'
  if (request.decision === 'rejected') return 'hospitalRefused'
  if (request.decision === undefined) return 'waits'
  return at && isShared(at, request) ? 'force' : 'onTheWay'
}

function isShared({ shares }: OwnAt, { requester, purpose }: OwnRequest): boolean {
  const grantee = requester.identifier && identifierText(requester.identifier)
  return shares.some(
    ({ to, purpose: shared, standing }) =>
      to.granteeType === 'Organization' &&
      to.grantee === grantee &&
      shared === purpose &&
      (standing === 'open' || standing === 'later'),
  )
}
