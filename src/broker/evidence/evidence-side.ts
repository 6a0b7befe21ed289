import { sha256 } from '../../domain/evidence/canonical-row.ts'
import { createRowHashes, viewLineOf } from '../../indexer/index.ts'
import type { Core } from '../core.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import { createCheckpoints } from './checkpoints.ts'
import { createViewsWatch } from './views-watch.ts'

/** How many blocks are final by default: none that has fewer on top. A chain with immediate finality says 0. */
const CONFIRMATIONS = 12

/** How often members are asked: four times and more within the minute in which a split has to be seen. Milliseconds. */
const EVERY = 15_000

export type EvidenceSide = ReturnType<typeof createEvidenceSide>

/** What this member says that the chain is, and what the others say. */
export function createEvidenceSide(core: Core, { peers }: ExchangeSide) {
  const { config, indexDb, chainId, contracts, observer } = core
  const view = sha256(viewLineOf(chainId, contracts, config.chain.predecessors))
  const rowHashes = createRowHashes({ db: indexDb, start: view, from: config.chain.deployedAt })
  const checkpoints = createCheckpoints({ ...core, rowHashes, view })
  const views = createViewsWatch({
    ...core,
    ...{ checkpoints, peers, metrics: observer.metrics },
    confirmations: config.chain.reorganisationDepth ?? CONFIRMATIONS,
    everyMs: config.timing.checkpointMs ?? EVERY,
  })
  return { rowHashes, checkpoints, views }
}
