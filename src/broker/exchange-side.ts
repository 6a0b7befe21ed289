import { readFileSync } from 'node:fs'
import { keptFrom, retentionOf } from '../domain/audit/retention.ts'
import type { Bounds } from '../domain/bounds.ts'
import { memberId, parseIdentifierText } from '../domain/identity/member-id.ts'
import { createExchangeOutbox } from '../exchange/outbox.ts'
import { createPeerClient } from '../exchange/peer-client.ts'
import type { PeerRules } from '../exchange/peer-connections.ts'
import { createExchangeBooks } from './audit/exchange-books.ts'
import { createAuditReconciler } from './audit/reconcile/audit-reconciler.ts'
import type { BrokerConfig } from './config.ts'
import type { Core } from './core.ts'
import { observedPeers } from './observed.ts'

export type ExchangeSide = Awaited<ReturnType<typeof createExchangeSide>>

/** How other brokers are reached: asked at once, or written to until they have it. */
export async function createExchangeSide(core: Core, bounds?: Partial<Bounds>) {
  const { member, signing, clock, db, log, index, observer } = core
  const rules = rulesOf(core.config.peers)
  const client = await createPeerClient({ member, signing, clock, rules, ...(bounds ? { bounds } : {}) })
  const peers = observedPeers(client, observer)
  const outbox = createExchangeOutbox({
    db,
    clock,
    log,
    peers,
    lead: core.lead,
    peerOf: (id) => index.profile(id),
  })
  const { contracts, predecessors = {}, deployedAt } = core.config.chain
  const logs = [contracts.accessLog, ...(predecessors.accessLog ?? [])]
  const chain = { provider: core.provider, logs, deployedAt }
  const { retention } = core.config.audit ?? {}
  const kept = retention && retentionOf(retention)
  const auditReconciler = createAuditReconciler({
    ...{ ...core, peers, chain },
    ...(kept ? { keptFrom: () => Date.parse(keptFrom(kept, clock.now())) } : {}),
  })
  return { peers, outbox, books: createExchangeBooks({ ...core, peers }), auditReconciler }
}

function rulesOf({ endpoints, ca, ...rest }: NonNullable<BrokerConfig['peers']> = {}): PeerRules {
  const listed = Object.entries(endpoints ?? {}).map(
    ([identifier, origins]) => [memberId(parseIdentifierText(identifier)), origins] as const,
  )
  return { ...rest, endpoints: new Map(listed), ...(ca ? { ca: readFileSync(ca, 'utf8') } : {}) }
}
