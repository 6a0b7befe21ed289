import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../domain/clock.ts'
import type { Logger } from '../../../observe/log.ts'
import type { Registration } from '../registration.ts'
import { compareChain, compareSent } from './compare-chain.ts'
import { type CompareDeps, compareBooks, compareServer, tellMissing } from './compare-server.ts'
import { createFindings, type Findings, type Report } from './findings.ts'

type Step = 'server' | 'books' | 'chain' | 'sent' | 'mending' | 'done' | 'failed'

/** One comparison, under way or ended. */
export type Reconciliation = {
  id: string
  mend: boolean
  step: Step
  /** Of this step; `of` is null where it is not known. */
  done: number
  of: number | null
  report?: Report
  /** Why it failed, for the operator. */
  error?: string
}

export type Reconciler = {
  /** Begins a comparison, or hands back the one that is under way. */
  start(mend: boolean): Reconciliation
  find(id: string): Reconciliation | undefined
  close(): Promise<void>
}

/** The feed is asked this often for what a comparison found to be missing, while it is being filled. Milliseconds. */
const LOOK_EVERY = 200

/**
 * Compares FHIR server, books and chain, and mends what can be mended: what is missing is registered, what was never sent is
 * sent, what the server has no more is retired. What was altered cannot be mended by a program, and is only told.
 */
export function createReconciler(
  deps: Omit<CompareDeps, 'findings' | 'progress' | 'goOn'> &
    Omit<Parameters<typeof compareChain>[0], 'findings' | 'progress' | 'goOn'> & {
      clock: Clock
      log: Logger
      registration: Registration
    },
): Reconciler {
  const { db, log, clock, registration } = deps
  let current: Reconciliation | undefined
  let working: Promise<void> = Promise.resolve()
  let closed = false

  async function compare(state: Reconciliation): Promise<void> {
    const findings = createFindings()
    const at = (step: Step) => Object.assign(state, { step, done: 0, of: null })
    const with_ = {
      ...deps,
      findings,
      progress: (done: number, of: number | null) => Object.assign(state, { done, of }),
      goOn: () => {
        if (closed) throw new Error('the broker stops')
      },
    }
    const startedAt = new Date(clock.now()).toISOString()
    at('server')
    const candidates = await compareServer(with_)
    await registration.run()
    await tellMissing(with_, candidates)
    at('books')
    const gone = await compareBooks(with_, startedAt)
    at('chain')
    await compareChain(with_)
    at('sent')
    const lost = await compareSent(with_)
    if (state.mend) {
      at('mending')
      await mend(state, findings, gone, lost)
    }
    state.report = findings.report()
    await db.deleteFrom('reconciled').execute()
    at('done')
    log.info(
      { agree: state.report.agree, versions: state.report.versions },
      'FHIR server, books and chain were compared',
    )
  }

  async function mend(
    state: Reconciliation,
    findings: Findings,
    gone: Awaited<ReturnType<typeof compareBooks>>,
    lost: string[],
  ): Promise<void> {
    const { missing, extra } = findings.report().differences
    if (missing.found > 0) {
      await registration.alone((feed) => feed.readAllAgain())
      void registration.run()
      for (;;) {
        if (closed) throw new Error('the broker stops')
        const { backlog } = await registration.progress()
        if (!backlog) break
        Object.assign(state, { done: backlog.read, of: backlog.inAll })
        await new Promise((done) => setTimeout(done, LOOK_EVERY))
      }
      findings.mended('missing', missing.found)
    }
    if (gone.length > 0) {
      const at = new Date(clock.now()).toISOString()
      const deletions = gone.map((one) => ({ ...one, versionId: `expunged-${at}` }))
      await registration.alone((feed) => feed.take(deletions))
      findings.mended('extra', extra.found)
    }
    for (let i = 0; i < lost.length; i += 500) {
      const tags = lost.slice(i, i + 500)
      await db.updateTable('records').set({ outbox_id: null }).where('tag', 'in', tags).execute()
    }
    findings.mended('unsent', lost.length)
    if (lost.length > 0) registration.batchSoon()
  }

  const isUnderWay = (state: Reconciliation | undefined) =>
    state !== undefined && state.step !== 'done' && state.step !== 'failed'

  return {
    start(mend) {
      if (current && isUnderWay(current)) return current
      const state: Reconciliation = { id: randomUUID(), mend, step: 'server', done: 0, of: null }
      current = state
      working = compare(state).catch((error: unknown) => {
        log.error({ error }, 'FHIR server, books and chain could not be compared')
        Object.assign(state, { step: 'failed', error: String(error) })
      })
      return state
    },
    find: (id) => (current?.id === id ? current : undefined),
    async close() {
      closed = true
      await working
    },
  }
}
