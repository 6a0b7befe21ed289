/**
 * What follows from one resource for others: whoever points at something withheld is withheld, and what came along is
 * released only where something released leads to it.
 */
import { aliasesOf, type Item } from './collect.ts'
import { isAlias } from './identifiers.ts'
import type { Whole } from './judge-resource.ts'
import type { WithheldReason } from './placement.ts'

type Released = Extract<Whole, { released: true }>

/** Withholds further items, in place, until nothing more follows. */
export function spread(
  items: readonly Item[],
  judgedOf: (item: Item) => Whole | undefined,
  patientKeys: ReadonlySet<string>,
): void {
  const byKey = indexed(items, ({ keys }) => keys)
  const releasedOf = (item: Item): Released | undefined => {
    const judged = item.refusal ? undefined : judgedOf(item)
    return judged?.released ? judged : undefined
  }
  // Only links to what is in the answer matter, and the patient is no secret to whoever asks for the patient.
  const linkers = indexed(items, (item) =>
    (releasedOf(item)?.links ?? []).filter(
      (key) => (byKey.has(key) && !patientKeys.has(key)) || isAlias(key),
    ),
  )
  const open = items.filter(({ refusal }) => refusal)
  const withhold = (item: Item, reason: WithheldReason, why?: string) => {
    if (item.refusal) return
    const judged = releasedOf(item)
    const isPatients = judged !== undefined && judged.as !== 'directory'
    item.refusal = { reason, isPatients, ...(why === undefined ? {} : { why }) }
    open.push(item)
  }

  // What is withheld with a whole, and by a name, is so once and for all.
  const done = new Set<unknown>()
  const isFirst = (one: unknown) => !done.has(one) && done.add(one)
  for (;;) {
    for (let item = open.pop(); item; item = open.pop()) {
      for (const inside of [item.whole, item.inside])
        if (inside && isFirst(inside)) for (const other of inside) withhold(other, 'part-of-whole')
      for (const key of item.keys) {
        if (!isFirst(key)) continue
        for (const other of byKey.get(key) ?? []) withhold(other, 'same-resource', key)
        for (const other of linkers.get(key) ?? []) withhold(other, 'refers-to-withheld', key)
      }
      for (const alias of aliasesOf(item)) {
        if (!isFirst(alias)) continue
        for (const other of linkers.get(alias) ?? []) withhold(other, 'refers-to-withheld', alias.slice(1))
      }
    }
    const reached = reach(items, byKey, linkers, releasedOf)
    for (const item of items) {
      if (item.refusal || reached.has(item)) continue
      const needsOther = item.read.kind === 'deletion' || releasedOf(item)?.as === 'dependent'
      withhold(item, needsOther ? 'not-placed' : 'no-released-referrer')
    }
    if (open.length === 0) return
  }
}

type Index = ReadonlyMap<string, readonly Item[]>

function indexed(items: readonly Item[], keysOf: (item: Item) => readonly string[]): Index {
  const index = new Map<string, Item[]>()
  for (const item of items) {
    for (const key of keysOf(item)) {
      const there = index.get(key)
      if (there) there.push(item)
      else index.set(key, [item])
    }
  }
  return index
}

/** What was asked for, and what it leads to. */
function reach(
  items: readonly Item[],
  byKey: Index,
  linkers: Index,
  releasedOf: (item: Item) => Released | undefined,
): Set<Item> {
  const reached = new Set<Item>()
  const open: Item[] = []
  const add = (item: Item) => {
    if (item.refusal || reached.has(item)) return
    reached.add(item)
    open.push(item)
  }
  const isIncluded = ({ read }: Item) => read.kind === 'resource' && read.isInclude
  const waiting: Item[] = []
  for (const item of items) {
    const judged = releasedOf(item)
    if (item.refusal || item.read.kind === 'deletion') continue
    // A Bundle is no more than what is in it.
    if (!judged || (judged.as === 'record' && !isIncluded(item))) add(item)
    else if (judged.as === 'dependent') waiting.push(item)
  }
  const dependents = indexed(waiting, (item) => releasedOf(item)?.on ?? [])
  const missing = new Map(waiting.map((item) => [item, new Set(releasedOf(item)?.on)]))
  for (let item = open.pop(); item; item = open.pop()) {
    for (const key of releasedOf(item)?.links ?? []) {
      for (const other of byKey.get(key) ?? []) {
        const as = releasedOf(other)?.as
        if (as === 'record' || as === 'directory') add(other)
      }
    }
    for (const key of item.keys) {
      for (const other of byKey.get(key) ?? []) if (other.read.kind === 'deletion') add(other)
      // A search may include what points at a match (_revinclude).
      for (const other of linkers.get(key) ?? [])
        if (isIncluded(other) && releasedOf(other)?.as === 'record') add(other)
      for (const other of dependents.get(key) ?? []) {
        missing.get(other)?.delete(key)
        if (missing.get(other)?.size === 0) add(other)
      }
    }
  }
  return reached
}
