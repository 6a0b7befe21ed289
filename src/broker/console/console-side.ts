import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditSide } from '../audit/audit-side.ts'
import type { Core } from '../core.ts'
import type { EvidenceSide } from '../evidence/evidence-side.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import type { Readiness } from '../operate/readiness.ts'
import type { Reports } from '../reports/reports.ts'
import { createEvents } from './events.ts'
import { createLines } from './lines.ts'
import { createLookUp } from './look-up.ts'
import { createMembers } from './members.ts'
import { createOverview } from './overview.ts'
import { createPasskeys } from './passkeys.ts'
import { createPeople } from './people.ts'
import { createReferences } from './references.ts'
import { createSavedSearches } from './saved-searches.ts'
import { createConsoleSessions } from './sessions.ts'

/** Where scripts/pages.ts builds the console. */
const PAGES = join(import.meta.dirname, '..', '..', '..', 'dist', 'web', 'console')

export type ConsoleSide = NonNullable<ReturnType<typeof createConsoleSide>>

/** What compliance officers sign in to. Undefined where it is not configured, or its pages were not built: then there is none. */
export function createConsoleSide(
  core: Core,
  sides: AuditSide & ExchangeSide & EvidenceSide,
  deps: { readiness: () => Promise<Readiness>; reports: Reports },
) {
  const { config, member, organization, log } = core
  if (!config.console) return undefined
  const { origin, pages = PAGES } = config.console
  if (!existsSync(join(pages, 'index.html'))) {
    log.warn({}, 'the console is off: its pages are not built')
    return undefined
  }
  const own = { id: member, ...organization }
  const people = createPeople({ ...core, own })
  const sessions = createConsoleSessions({ ...core, people })
  const references = createReferences(core)
  const lines = createLines({ ...core, references })
  return {
    ...{ origin, pages, own, people, sessions, references },
    passkeys: createPasskeys({ ...core, people, sessions, own, origin }),
    overview: createOverview({ ...core, ...sides, readiness: deps.readiness }),
    events: createEvents({ trail: sides.trail, books: sides.books, lines, references }),
    members: createMembers({ ...core, ...sides, references }),
    lookUp: createLookUp({ ...core, references, own }),
    searches: createSavedSearches({ ...core, references }),
    reports: deps.reports,
  }
}
