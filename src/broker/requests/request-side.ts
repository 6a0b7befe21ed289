import type { Core } from '../core.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import { createApprovals } from './approvals.ts'
import { createReceivedRequests } from './received-requests.ts'
import { createSentRequests } from './sent-requests.ts'

export type RequestSide = ReturnType<typeof createRequestSide>

/** Requests for access, sent and received, and the grants that wait for this hospital's approval. */
export function createRequestSide(core: Core, { outbox }: ExchangeSide) {
  const { head, sender, sealing, signing, member } = core
  const requests = createReceivedRequests({
    ...core,
    chainTime: () => head.head()?.time,
    own: { member, key: sealing },
    afterClose: () => void sender.flush(),
  })
  const sentRequests = createSentRequests({
    ...core,
    signing,
    afterSend: () => {
      void sender.flush()
      void outbox.flush()
    },
  })
  const approvals = createApprovals({ ...core, afterApprove: () => void sender.flush() })
  return { requests, sentRequests, approvals }
}
