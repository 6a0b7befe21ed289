import type { Kysely } from 'kysely'
import { anchoredWindows, type Chain } from '../../../chain/anchored-windows.ts'
import type { AuditEntry } from '../../../domain/audit/audit-entry.ts'
import type { ReportBuilder } from '../../../domain/audit/reconcile/findings.ts'
import type { Anchor, KeptEntry } from '../../../domain/audit/reconcile/kept.ts'
import { createLogChecker } from '../../../domain/audit/reconcile/own-log.ts'
import { compareEntries, compareOwnLines } from '../../../domain/audit/reconcile/trail-lines.ts'
import type { Hex } from '../../../domain/hex.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import { openJson, type Vault } from '../../../store/vault.ts'
import { entriesWithoutWindow, keptWindows } from './kept-windows.ts'

export type CompareDeps = {
  db: Kysely<BrokerTables>
  vault: Vault
  chain: Chain
  member: Hex
  report: ReportBuilder
  /** Names this comparison; what it has met lies under this name. */
  run: string
  /** Milliseconds: what is older is left out, and what is younger need not be on the chain or with the other side yet. */
  since: number
  until: number
  /** What is older may have been deleted at the end of its retention. */
  keptFrom: number
  now: () => number
  progress: (done: number, of: number | null) => void
  /** @throws Error when the broker stops */
  goOn: () => void
}

/** Ids, and lines of the trail, that are looked up at once. */
const PART = 500
/** Windows from before the period are read for so long, for what began in them. Milliseconds. */
const LEAD = 3_600_000
/** A window and its anchor are on the chain after this. Seconds. */
const DUE = 120

/** The log against its anchors, read from the member's own node, and against the trail that people read. */
export async function compareLog(deps: CompareDeps): Promise<void> {
  const { report, since, member } = deps
  const start = Math.max(0, since - LEAD)
  const checker = createLogChecker({
    member,
    found: (finding) => report.found(finding),
    seen: (ids) => metBefore(deps, ids),
    dueBefore: Math.floor(Math.min(deps.until, deps.now()) / 1000) - DUE,
    // What began before may have its beginning where nobody looks, or where it was deleted.
    since: Math.max(start === 0 ? 0 : since, deps.keptFrom === 0 ? 0 : deps.keptFrom + LEAD),
    keptFrom: deps.keptFrom,
  })
  const kept = keptWindows(deps, { since: Math.floor(start / 1000) })
  const anchors = anchoredWindows(deps.chain, member, Math.floor(start / 1000))
  let [window, anchor] = [await next(kept), await next(anchors)]
  // The first range of blocks may hold windows from before the first one that is read of the books.
  while (anchor && anchor.until * 1000 <= start) anchor = await next(anchors)
  while (window || anchor) {
    deps.goOn()
    const number = Math.min(
      window?.number ?? Number.POSITIVE_INFINITY,
      anchor?.number ?? Number.POSITIVE_INFINITY,
    )
    const same: Anchor[] = []
    while (anchor?.number === number) {
      same.push(anchor)
      anchor = await next(anchors)
    }
    const here = window?.number === number ? window : undefined
    await checker.window(here, same)
    if (here) {
      await againstTrail(deps, here.entries)
      report.compared.windows++
      window = await next(kept)
    }
    deps.progress(report.compared.windows, null)
  }
  for await (const entries of entriesWithoutWindow(deps, iso(start))) {
    deps.goOn()
    await checker.open(entries)
    await againstTrail(deps, entries)
  }
  checker.end()
}

const next = async <T>(from: AsyncGenerator<T>): Promise<T | undefined> =>
  (await from.next()).value ?? undefined

const iso = (ms: number) => new Date(ms).toISOString()

/** Which ids were met before in this comparison; all are from now on. */
async function metBefore({ db, run }: CompareDeps, ids: readonly string[]): Promise<Set<string>> {
  const again = new Set<string>()
  const at = new Date().toISOString()
  for (let i = 0; i < ids.length; i += PART) {
    const part = [...new Set(ids.slice(i, i + PART))]
    const added = await db
      .insertInto('compared_entries')
      .values(part.map((id) => ({ run, id, at })))
      .onConflict((oc) => oc.doNothing())
      .returning('id')
      .execute()
    const isNew = new Set(added.map(({ id }) => id))
    for (const id of part) if (!isNew.has(id)) again.add(id)
  }
  return again
}

async function againstTrail(deps: CompareDeps, entries: readonly KeptEntry[]): Promise<void> {
  const { report, member } = deps
  report.compared.entries += entries.length
  report.compared.expired += entries.filter(({ body }) => body === undefined).length
  // The end of their retention takes line and content, not always in one turn.
  const readable = entries.flatMap(({ body, at }) =>
    body === undefined || body === 'unreadable' || Date.parse(at) < deps.keptFrom ? [] : [body.entry],
  )
  for (let i = 0; i < readable.length; i += PART) {
    const part = readable.slice(i, i + PART)
    const lines = await linesOf(
      deps,
      part.map(({ id }) => id),
    )
    const once = [...new Map(part.map((entry) => [entry.id, entry])).values()]
    for (const finding of compareEntries(member, once, lines)) report.found(finding)
  }
}

/** Lines of the trail by their ids. */
export async function linesOf(
  { db, vault }: Pick<CompareDeps, 'db' | 'vault'>,
  ids: readonly string[],
): Promise<Map<string, AuditEntry | 'unreadable'>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('audit_events')
    .select(['id', 'sealed'])
    .where('id', 'in', [...ids])
    .execute()
  return new Map(rows.map(({ id, sealed }) => [id, opened(vault, sealed)]))
}

export function opened(vault: Vault, sealed: Uint8Array): AuditEntry | 'unreadable' {
  try {
    return openJson<AuditEntry>(vault.storeKey, sealed)
  } catch {
    return 'unreadable'
  }
}

/** Every line of the trail that is the broker's own word stands in the log. After compareLog, which has met the log's. */
export async function compareTrail(deps: CompareDeps): Promise<void> {
  const { db, run, report, member, since, until } = deps
  let last = 0
  for (;;) {
    deps.goOn()
    const rows = await db
      .selectFrom('audit_events')
      .select(['id', 'seq'])
      .where('block', 'is', null)
      .where('seq', '>', last)
      .where('recorded', '>=', iso(Math.max(since, deps.keptFrom)))
      .where('recorded', '<', iso(until))
      .orderBy('seq')
      .limit(PART)
      .execute()
    const ids = rows.map(({ id }) => id)
    if (ids.length === 0) return
    const met = await db
      .selectFrom('compared_entries')
      .select('id')
      .where('run', '=', run)
      .where('id', 'in', ids)
      .execute()
    for (const finding of compareOwnLines(member, ids, new Set(met.map(({ id }) => id))))
      report.found(finding)
    report.compared.trailLines += rows.length
    deps.progress(report.compared.trailLines, null)
    last = rows.at(-1)?.seq ?? last
  }
}
