import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from '../../hex.ts'
import { isLeafOf, leafOf } from '../leaf.ts'
import { createEntryOrder } from './entry-order.ts'
import type { Finding } from './findings.ts'
import { type Anchor, type KeptEntry, type KeptWindow, LOG_BOUNDS } from './kept.ts'

/** Entries that fit no window, and windows that fit no set, are kept to the end to be matched; so many at most. */
const MOST_OPEN = 64
/** In a window of more entries than this nobody looks which single one does not belong: each look computes a tree. */
const MOST_TRIED = 500

export type LogChecker = {
  /** The next window number: what the books have under it, and what the chain has. */
  window(kept: KeptWindow | undefined, anchors: readonly Anchor[]): Promise<void>
  /** Entries in no window. */
  open(entries: readonly KeptEntry[]): Promise<void>
  /** Tells what could be told only now. */
  end(): void
}

/**
 * Holds a member's log against the roots that it anchored, window by window; keeps no more than one window and what does not
 * fit. Pure but for `seen`.
 *
 * @param seen which of these entry ids it was given before; it remembers all of them
 * @param keptFrom of entries from before it the content may have been deleted, at the end of their retention; milliseconds
 * @param since releases from before it may have their intent in windows that are not looked at; milliseconds
 * @param dueBefore windows that end before this, and entries from before it, are on the chain by now; seconds
 */
export function createLogChecker(deps: {
  member: string
  dueBefore: number
  since: number
  keptFrom: number
  seen: (ids: readonly string[]) => Promise<Set<string>>
  found: (finding: Finding) => void
}): LogChecker {
  const tell = (code: Finding['code'], what: string, note?: string) =>
    deps.found({ code, what, of: deps.member, ...(note === undefined ? {} : { note }) })
  const order = createEntryOrder(tell, deps.since)
  let lastAnchor: Anchor | undefined
  /** Entries in a window that fits without them, and windows that lack something. */
  const extras: { entry: KeptEntry; window: number | undefined }[] = []
  const lacking: { number: number; leaves: Hex[]; root: Hex }[] = []

  /** What an entry says of itself, wherever it stands. @returns whether it is one more of an entry met before. */
  function entryAlone(entry: KeptEntry, isDouble: boolean): void {
    if (entry.body === undefined) {
      if (Date.parse(entry.at) >= deps.keptFrom) tell('entry-emptied', `line ${entry.seq}`)
      return
    }
    if (entry.body === 'unreadable') {
      tell('entry-unreadable', `line ${entry.seq}`)
      return
    }
    const { salt, entry: said } = entry.body
    if (isDouble) tell('entry-doubled', nameOf(entry))
    else if (!isLeafOf(entry.leaf, salt, said) || entry.at !== said.recorded)
      tell('entry-altered', nameOf(entry))
  }

  async function doublesAmong(entries: readonly KeptEntry[]): Promise<Set<KeptEntry>> {
    const seen = await deps.seen(entries.flatMap((entry) => idOf(entry) ?? []))
    const here = new Set<string>()
    return new Set(
      entries.filter((entry) => {
        const id = idOf(entry)
        if (id === undefined) return false
        const again = seen.has(id) || here.has(id)
        here.add(id)
        return again
      }),
    )
  }

  function anchorsInOrder(anchors: readonly Anchor[], kept: KeptWindow | undefined): Anchor | undefined {
    const [anchor, ...more] = anchors
    if (!anchor) return undefined
    const what = `window ${anchor.number}`
    if (more.length > 0) tell('anchor-doubled', what)
    if (lastAnchor && (anchor.number !== lastAnchor.number + 1 || anchor.from !== lastAnchor.until))
      tell('anchor-gap', what)
    lastAnchor = anchor
    if (kept && (kept.from !== anchor.from || kept.until !== anchor.until)) tell('window-times-differ', what)
    return anchor
  }

  /** Which of the kept entries the anchored root is of; tells of those that it is not of. */
  function fitting(kept: KeptWindow, root: Hex, doubles: ReadonlySet<KeptEntry>): KeptEntry[] {
    const fits = (entries: readonly KeptEntry[], leaf = (entry: KeptEntry) => entry.leaf) =>
      rootOf([...entries.map(leaf), kept.padding]) === root
    const { entries } = kept
    if (fits(entries)) return entries
    const once = entries.filter((entry) => !doubles.has(entry))
    if (doubles.size > 0 && fits(once)) return once
    // The column was changed, and the entry is what it was: told as altered.
    if (fits(once, (entry) => recomputed(entry) ?? entry.leaf)) return once
    const extra = once.length <= MOST_TRIED ? once.find((_, i) => fits(once.toSpliced(i, 1))) : undefined
    if (extra) {
      if (extras.length < MOST_OPEN) extras.push({ entry: extra, window: kept.number })
      else tell('entry-after-the-fact', nameOf(extra), `window ${kept.number}`)
      return once.filter((entry) => entry !== extra)
    }
    const leaves = [...once.map(({ leaf }) => leaf), kept.padding]
    if (lacking.length < MOST_OPEN) lacking.push({ number: kept.number, leaves, root })
    else tell('window-altered', `window ${kept.number}`)
    return once
  }

  function inTime({ from, until, number }: Anchor, entries: readonly KeptEntry[]): void {
    for (const entry of entries) {
      const at = Date.parse(entry.at)
      if (at >= until * 1000 || at < from * 1000 - LOG_BOUNDS.lateCommit)
        tell('entry-outside-window', nameOf(entry), `window ${number}`)
    }
  }

  return {
    async window(kept, anchors) {
      const anchor = anchorsInOrder(anchors, kept)
      if (!kept) {
        if (anchor) tell('window-missing', `window ${anchor.number}`)
        return
      }
      const doubles = await doublesAmong(kept.entries)
      for (const entry of kept.entries) entryAlone(entry, doubles.has(entry))
      if (!anchor) {
        if (kept.until < deps.dueBefore) tell('anchor-missing', `window ${kept.number}`)
        order.window(kept.entries.filter((entry) => !doubles.has(entry)))
        return
      }
      const isOther = kept.root !== anchor.root
      if (isOther) tell('root-differs', `window ${kept.number}`)
      // Where the entries are those of the books' own root, that root was changed, and they with it.
      const own = rootOf([...kept.entries.map(({ leaf }) => leaf), kept.padding])
      const fit = isOther && own === kept.root ? kept.entries : fitting(kept, anchor.root, doubles)
      const entries = fit.filter((entry) => !doubles.has(entry))
      inTime(anchor, entries)
      order.window(entries, anchor.at)
    },

    async open(entries) {
      const doubles = await doublesAmong(entries)
      for (const entry of entries) {
        entryAlone(entry, doubles.has(entry))
        if (doubles.has(entry) || Date.parse(entry.at) >= deps.dueBefore * 1000) continue
        if (extras.length < MOST_OPEN) extras.push({ entry, window: undefined })
        else tell('entry-unanchored', nameOf(entry))
      }
    },

    end() {
      const missed = new Set(lacking)
      for (const { entry, window } of extras) {
        const home = [...missed].find(({ leaves, root }) => rootOf([...leaves, entry.leaf]) === root)
        if (home) missed.delete(home)
        if (home) tell('entry-in-wrong-window', nameOf(entry), `anchored in window ${home.number}`)
        else if (window === undefined) tell('entry-unanchored', nameOf(entry))
        else tell('entry-after-the-fact', nameOf(entry), `window ${window}`)
      }
      for (const { number } of missed) tell('window-altered', `window ${number}`)
      order.end()
    },
  }
}

const idOf = ({ body }: KeptEntry): string | undefined =>
  body === undefined || body === 'unreadable' ? undefined : body.entry.id

const nameOf = (entry: KeptEntry): string => {
  const id = idOf(entry)
  return id === undefined ? `line ${entry.seq}` : `entry ${id}`
}

const recomputed = ({ body }: KeptEntry): Hex | undefined =>
  body === undefined || body === 'unreadable' ? undefined : leafOf(body.salt, body.entry)

const isLeaf = (leaf: string) => /^0x[0-9a-f]{64}$/.test(leaf)

/** Undefined where something that is no hash stands among the leaves. */
const rootOf = (leaves: readonly Hex[]): Hex | undefined =>
  leaves.every(isLeaf) ? (SimpleMerkleTree.of([...leaves]).root as Hex) : undefined
