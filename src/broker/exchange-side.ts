import type { Bounds } from '../domain/bounds.ts'
import { createExchangeOutbox } from '../exchange/outbox.ts'
import { createPeerClient } from '../exchange/peer-client.ts'
import type { Core } from './core.ts'
import { observedPeers } from './observed.ts'

export type ExchangeSide = Awaited<ReturnType<typeof createExchangeSide>>

/** How other brokers are reached: asked at once, or written to until they have it. */
export async function createExchangeSide(core: Core, bounds?: Partial<Bounds>) {
  const { member, signing, clock, db, log, index, observer } = core
  const client = await createPeerClient({ member, signing, clock, ...(bounds ? { bounds } : {}) })
  const peers = observedPeers(client, observer)
  const outbox = createExchangeOutbox({
    db,
    clock,
    log,
    peers,
    endpointOf: async (id) => (await index.profile(id))?.endpoint,
  })
  return { peers, outbox }
}
