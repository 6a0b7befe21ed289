import { readFileSync } from 'node:fs'
import { retentionOf } from '../../domain/audit/retention.ts'
import type { Core } from '../core.ts'
import type { Freezing } from '../identity/identity-side.ts'
import { createDelegates } from '../patients/delegates.ts'
import { createExpiry } from './expire-trail.ts'
import { createFiling } from './file-trail.ts'
import { createHolds } from './holds.ts'
import { createChainProjection } from './project-chain.ts'
import { createTrailDelivery } from './push/deliver-trail.ts'
import { createFileSink } from './push/file-sink.ts'
import { createSyslogSink } from './push/syslog-sink.ts'
import { createTrailFeed } from './push/trail-feed.ts'
import { createTrailReader } from './read-trail.ts'
import { createResolutions } from './resolutions.ts'
import { createWindows } from './windows.ts'

const PACKAGE = new URL('../../../package.json', import.meta.url)
const { version: VERSION } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }

export type AuditSide = ReturnType<typeof createAuditSide>

/** The windows that anchor the broker's own log, the trail made of it and of the chain's events, and its readers. */
export function createAuditSide(core: Core, freezing: Freezing) {
  const { db, clock, contracts, log, config, index, member, sender, patients, vault, timeOf, events, lead } =
    core
  const windows = createWindows({
    db,
    clock,
    contracts,
    log,
    lead,
    everyMs: config.timing.windowMs,
    anchored: () => index.lastWindow(member),
    afterClose: () => void sender.flush(),
  })
  const projection = createChainProjection({
    ...{ db, index, patients, vault, timeOf, events, log, lead },
    ...freezing,
    delegates: createDelegates(core),
    custodian: member,
  })
  const filing = createFiling(core)
  const trail = createTrailReader({ ...core, filing })
  const feed = createTrailFeed({ ...core, filing })
  const own = { id: member, ...core.organization }
  const holds = createHolds({ ...core, own })
  const { retention, file, syslog } = config.audit ?? {}
  const expiry = createExpiry({
    ...{ ...core, holds, own },
    retention: retention && retentionOf(retention),
  })
  const pushing = createTrailDelivery({
    ...{ ...core, feed },
    sinks: [
      ...(file ? [createFileSink(file, clock)] : []),
      ...(syslog ? [createSyslogSink(syslog, VERSION)] : []),
    ],
  })
  return {
    windows,
    projection,
    filing,
    trail,
    feed,
    holds,
    expiry,
    pushing,
    resolutions: createResolutions(core),
  }
}
