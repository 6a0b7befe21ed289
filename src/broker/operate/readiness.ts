import type { HeadWatch } from '../../chain/head-watch.ts'
import type { Sender } from '../../chain/sender.ts'
import type { Indexer, IndexProgress } from '../../indexer/index.ts'
import type { Observer } from '../../observe/observer.ts'
import { ANCHOR_WITHIN, type Windows } from '../audit/windows.ts'
import { MAX_HEAD_AGE } from '../consent/consent-state.ts'
import type { ViewsWatch } from '../evidence/views-watch.ts'
import type { Registration } from '../register/registration.ts'

/** Why a broker is not ready, in the order in which they are told. `docs/operate.md` says what to do about each. */
export const READINESS_REASONS = [
  'starting',
  'draining',
  'database-unavailable',
  'head-stale',
  'chain-reorganised',
  'node-behind',
  'index-behind',
  'anchor-overdue',
  'view-contradicted',
  'source-unavailable',
] as const
export type ReadinessReason = (typeof READINESS_REASONS)[number]

/** The index may be this far behind the head: the block that is being read, and the next. */
const MAX_LAG = 2

/** A database that does not answer within this counts as gone. Milliseconds. */
const DATABASE_WITHIN = 5_000

/** What the database tells of it; null where it does not answer. */
type Stored = Awaited<ReturnType<Registration['progress']>> & { unsent: number; unanchoredMs: number }

export type Readiness = {
  ready: boolean
  reasons: ReadinessReason[]
  head: number | null
  headAgeMs: number | null
  /** Whether the node tells of new blocks by itself, over `chain.ws`. */
  headNotices: boolean
  indexed: number
  /** How far the index is on its way to the head; null while it only follows it. */
  building: (Pick<IndexProgress, 'read' | 'inAll' | 'secondsLeft'> & { perSecond: number | null }) | null
  registered: number | null
  waiting: number | null
  /** What is still to be read of a long history; null where nothing is. */
  backlog: Stored['backlog'] | null
  unsent: number | null
  unanchoredMs: number | null
}

/** Whether a broker can release: all that could keep it from it is looked at anew each time. Never throws. */
export function createReadiness(deps: {
  head: HeadWatch
  indexer: Indexer
  registration: Registration
  windows: Windows
  sender: Sender
  views: Pick<ViewsWatch, 'contradicted'>
  observer: Observer
  starting: () => boolean
  draining: () => boolean
}): () => Promise<Readiness> {
  async function stored(): Promise<Stored> {
    return {
      ...(await deps.registration.progress()),
      unsent: await deps.sender.pending(),
      unanchoredMs: await deps.windows.unanchoredAge(),
    }
  }

  return async () => {
    const head = deps.head.head()
    const age = deps.head.age()
    const indexed = deps.indexer.position()
    const found = await within(
      stored().catch(() => undefined),
      DATABASE_WITHIN,
    )
    const holds: Record<ReadinessReason, boolean> = {
      starting: deps.starting(),
      draining: deps.draining(),
      'database-unavailable': found === undefined,
      'head-stale': head === undefined || age > MAX_HEAD_AGE,
      'chain-reorganised': deps.indexer.tooDeep() !== undefined,
      'node-behind': head !== undefined && head.number < indexed,
      'index-behind': head !== undefined && indexed < head.number - MAX_LAG,
      'anchor-overdue': (found?.unanchoredMs ?? 0) > ANCHOR_WITHIN,
      'view-contradicted': deps.views.contradicted(),
      'source-unavailable': deps.observer.sourceOutcome() === 'source-unavailable',
    }
    const reasons = READINESS_REASONS.filter((reason) => holds[reason])
    return {
      ready: reasons.length === 0,
      reasons,
      head: head?.number ?? null,
      headAgeMs: Number.isFinite(age) ? Math.round(age) : null,
      headNotices: deps.head.live(),
      indexed,
      building: holds['index-behind'] ? buildingOf(deps.indexer.progress()) : null,
      registered: found?.registered ?? null,
      waiting: found?.waiting ?? null,
      backlog: found?.backlog ?? null,
      unsent: found?.unsent ?? null,
      unanchoredMs: found?.unanchoredMs ?? null,
    }
  }
}

function buildingOf({ read, inAll, eventsPerSecond, secondsLeft }: IndexProgress): Readiness['building'] {
  const whole = (value: number | null) => (value === null ? null : Math.round(value))
  return { read, inAll, perSecond: whole(eventsPerSecond), secondsLeft: whole(secondsLeft) }
}

/** Undefined where something takes longer. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
