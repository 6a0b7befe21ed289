import type { Core } from '../core.ts'
import type { Freezing } from '../identity/identity-side.ts'
import { createChainProjection } from './project-chain.ts'
import { createResolutions } from './resolutions.ts'
import { createWindows } from './windows.ts'

export type AuditSide = ReturnType<typeof createAuditSide>

/** The windows that anchor the broker's own log, and the trail made of the chain's events. */
export function createAuditSide(core: Core, freezing: Freezing) {
  const { db, clock, contracts, log, config, index, member, sender, patients, vault, timeOf, events } = core
  const windows = createWindows({
    db,
    clock,
    contracts,
    log,
    everyMs: config.timing.windowMs,
    anchored: () => index.lastWindow(member),
    afterClose: () => void sender.flush(),
  })
  const projection = createChainProjection({
    ...{ db, index, patients, vault, timeOf, events, log },
    ...freezing,
    custodian: member,
  })
  return { windows, projection, resolutions: createResolutions(core) }
}
