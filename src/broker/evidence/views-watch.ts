import type { HeadWatch } from '../../chain/head-watch.ts'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf } from '../../domain/errors.ts'
import { CHECKPOINT_EVERY } from '../../domain/evidence/checkpoint.ts'
import type { Hex } from '../../domain/hex.ts'
import type { PeerClient } from '../../exchange/peer-client.ts'
import type { Indexer, IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Lead } from '../../turns/lead.ts'
import type { Checkpoints } from './checkpoints.ts'

export type ViewsWatch = {
  /** Makes what is due, and asks every member; returns when each has answered or not. */
  turn(): Promise<void>
  /**
   * Whether more members contradict this member's chain than hold it, itself included: then it is this member's node that cannot be
   * believed. One member that lies cannot bring it about where there are three.
   */
  contradicted(): boolean
  close(): Promise<void>
}

/** Behind by more than this while others go on, for longer than this: silent. Blocks, and milliseconds. */
const SILENT_BLOCKS = 3 * CHECKPOINT_EVERY
const SILENT_AFTER = 600_000

/** How often it is looked whether a turn is due. Milliseconds. */
const LOOK_EVERY = 250

/** Shows this member's checkpoints to all others and takes theirs, in turns so short that a split is seen within a minute. */
export function createViewsWatch(deps: {
  checkpoints: Checkpoints
  peers: PeerClient
  index: IndexQueries
  indexer: Indexer
  head: HeadWatch
  member: Hex
  /** How many blocks have to stand on a block until it is final. */
  confirmations: number
  everyMs: number
  /** Whoever leads makes and shows them; all others look at what has come. */
  lead: Pick<Lead, 'holds'>
  clock: Clock
  log: Logger
  metrics: Metrics
}): ViewsWatch {
  const { checkpoints, member, clock, log, lead } = deps
  /** When a member's newest checkpoint was last seen to be another one. */
  const heard = new Map<Hex, { block: number; at: number; told: boolean }>()
  let isContradicted = false
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let lastTurn = Number.NEGATIVE_INFINITY

  async function turn(): Promise<void> {
    lastTurn = clock.monotonic()
    const head = deps.head.head()?.number
    const indexed = deps.indexer.position()
    // While the index catches up, hashing would only keep it from doing so.
    if (lead.holds() && head !== undefined && indexed >= head - CHECKPOINT_EVERY)
      await checkpoints.make(Math.min(head, indexed) - deps.confirmations)
    // What is known from before the last stop counts at once; who was silent is told only after all were asked.
    await lookAround(false)
    if (!lead.holds()) return
    const shown = await checkpoints.shown()
    // Whoever has none yet has nothing to compare, and would not be let in.
    if (shown.length === 0) return
    const others = (await deps.index.members()).filter((id) => id !== member)
    await Promise.all(others.map((id) => ask(id, shown)))
    await lookAround(true)
  }

  async function ask(id: Hex, shown: string[]): Promise<void> {
    const profile = await deps.index.profile(id)
    if (!profile || (await deps.index.standing(id)) !== 'live') return
    try {
      const theirs = await deps.peers.postCheckpoints(profile, shown)
      if (theirs.length > 0) await checkpoints.take(theirs)
    } catch (error) {
      log.debug({ code: errorCodeOf(error), member: id }, 'checkpoints wait')
    }
  }

  /** Who stands where, as far as is known now. */
  async function lookAround(asked: boolean): Promise<void> {
    const newest = await checkpoints.newest()
    const own = newest.get(member)?.block ?? 0
    const count = { agrees: 0, behind: 0, silent: 0, split: 0 }
    let holding = 1
    for (const id of await deps.index.members()) {
      if (id === member || (await deps.index.standing(id)) !== 'live') continue
      const known = newest.get(id)
      if (known && known.verdict !== 'split') holding++
      if (known?.verdict === 'split') count.split++
      else if (asked && isSilent(id, known?.block ?? 0, own)) count.silent++
      else if (!known || known.block < own) count.behind++
      else count.agrees++
    }
    isContradicted = count.split > holding
    if (!asked) return
    deps.metrics.state.checkpointBlock.set(own)
    for (const [view, members] of Object.entries(count)) deps.metrics.state.checkpoints.set({ view }, members)
  }

  function isSilent(id: Hex, block: number, own: number): boolean {
    const now = clock.monotonic()
    const before = heard.get(id)
    if (!before || block > before.block) heard.set(id, { block, at: now, told: false })
    const since = heard.get(id) as { block: number; at: number; told: boolean }
    const silent = own - block > SILENT_BLOCKS && now - since.at > SILENT_AFTER
    if (silent && !since.told) {
      log.warn({ member: id, block }, 'a member has shown no checkpoint for long')
      since.told = true
    }
    return silent
  }

  function inTurn(): Promise<void> {
    running = running.then(turn, turn).catch((error: unknown) => {
      log.warn({ error }, 'checkpoints could not be compared; it is tried again')
    })
    return running
  }

  function schedule(): void {
    timer = setTimeout(() => {
      const due = clock.monotonic() - lastTurn >= deps.everyMs
      void (due ? inTurn() : running).finally(() => {
        if (!closed) schedule()
      })
    }, LOOK_EVERY)
  }
  schedule()

  return {
    turn: inTurn,
    contradicted: () => isContradicted,
    close: async () => {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
