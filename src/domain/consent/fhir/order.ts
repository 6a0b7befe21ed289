/**
 * The order of the provisions that take effect, such that of those which match a resource the last decides.
 *
 * Within one consent the deeper provision beats the shallower one, and at equal depth a denial beats a permit; between
 * consents the more specific provision beats the less specific one, and a denial an equally specific permit (rules 4
 * and 7 of docs/decide.md). Whatever decides a resource beats everything else that matches it, so that any order that
 * agrees with all these comparisons is right. There is one unless they go in circles: a deep, unspecific provision beats
 * the shallow, specific one of its consent, which beats a provision of another consent, which beats the deep one.
 */
import { type DataFilter, isUnfiltered, matchesData, type Verdict, writeFilter } from './data-filter.ts'
import type { Effect } from './effects.ts'
import type { Features } from './features.ts'
import { includes, intersect } from './filter-algebra.ts'

/** One line of the list: what it matches, it permits or denies. */
export type Entry = { readonly type: Verdict; readonly filter: DataFilter; readonly effect: Effect }

export type Order = {
  /** The last that matches decides; where none does, nothing is permitted. */
  readonly entries: readonly Entry[]
  /** False where the list denies more than the rules do, for want of words: "both of two labels" cannot be said. */
  readonly isExact: boolean
}

/** Below 0 where `a` gives way to `b`. */
function compare(a: Effect, b: Effect): number {
  if (a.consent === b.consent) return a.depth - b.depth || strength(a) - strength(b) || a.rank - b.rank
  return a.rank - b.rank || strength(a) - strength(b)
}

const strength = ({ type }: Effect) => (type === 'deny' ? 1 : 0)

/** Between equals the outcome is the same either way; this only makes it independent of the order of the input. */
const compareNames = (a: Effect, b: Effect): number =>
  compareText(a.consent.id, b.consent.id) ||
  compareText(a.path, b.path) ||
  compareText(written(a), written(b))

const written = ({ filter, type }: Effect) => JSON.stringify(writeFilter(filter, type))

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const comparePlain = (a: Effect, b: Effect) =>
  a.rank - b.rank || strength(a) - strength(b) || a.depth - b.depth || compareNames(a, b)

export function orderOf(effects: readonly Effect[]): Order {
  const sorted = [...effects].sort(comparePlain)
  if (agrees(sorted)) return { entries: sorted.map(entryOf), isExact: true }
  const groups = circles(sorted).map(orderCircle)
  return {
    entries: groups.flatMap(({ entries }) => entries),
    isExact: groups.every(({ isExact }) => isExact),
  }
}

const entryOf = (effect: Effect): Entry => ({ type: effect.type, filter: effect.filter, effect })

/** Whether the order by specificity keeps the order within each consent. */
function agrees(sorted: readonly Effect[]): boolean {
  const last = new Map<unknown, Effect>()
  for (const effect of sorted) {
    const before = last.get(effect.consent)
    if (before && compare(before, effect) > 0) return false
    last.set(effect.consent, effect)
  }
  return true
}

/** The sets within which comparisons go in circles, from the weakest up: the components of a tournament. */
function circles(sorted: readonly Effect[]): Effect[][] {
  const wins = sorted.map((a, i) => sorted.filter((b, j) => i !== j && (compare(a, b) || i - j) > 0).length)
  const byWins = sorted.map((effect, i) => ({ effect, wins: wins[i] ?? 0 })).sort((a, b) => a.wins - b.wins)
  const found: Effect[][] = []
  let open: Effect[] = []
  let total = 0
  for (const [index, { effect, wins: won }] of byWins.entries()) {
    open.push(effect)
    total += won
    // The first k have won only against each other exactly when they won k over 2 times.
    if (total !== ((index + 1) * index) / 2) continue
    found.push(open)
    open = []
  }
  return found
}

/** Beyond this the combinations are too many to write down. */
const MAX_CIRCLE = 8

function orderCircle(circle: Effect[]): Order {
  const denials = circle.filter(({ type }) => type === 'deny')
  const permits = circle.filter(({ type }) => type === 'permit')
  // Where any denial wins over any permit, nothing is permitted that the rules deny.
  const entries = [...permits, ...denials].map(entryOf)
  if (denials.length === 0 || permits.length === 0) return { entries, isExact: true }
  if (circle.length > MAX_CIRCLE) return { entries, isExact: false }
  return addCombinations(circle, entries)
}

/**
 * For every set of provisions that may match together, from the smallest up: where the list so far says otherwise than
 * the rules, an entry for what matches all of them. It can change the outcome of larger sets only, whose turn is still
 * to come.
 */
function addCombinations(circle: readonly Effect[], entries: Entry[]): Order {
  let isExact = true
  const index = new Map(circle.map((effect, i) => [effect, 1 << i]))
  const masks = entries.map(({ effect }) => index.get(effect) ?? 0)
  const implied = circle.map((a) =>
    circle.reduce((mask, b, j) => (includes(b, a) ? mask | (1 << j) : mask), 0),
  )
  const always = circle.reduce((mask, { filter }, i) => (isUnfiltered(filter) ? mask | (1 << i) : mask), 0)
  const sets = Array.from({ length: 2 ** circle.length }, (_, set) => set)
    .filter((set) => (set & always) === always)
    .filter((set) => implied.every((needs, i) => (set & (1 << i)) === 0 || (set & needs) === needs))
    .sort((a, b) => bits(a) - bits(b) || a - b)
  for (const set of sets) {
    const members = circle.filter((_, i) => set & (1 << i))
    const winner = winnerOf(members)
    const at = masks.findLastIndex((mask) => (mask & set) === mask)
    if (!winner || entries[at]?.type === winner.type) continue
    const filter = intersect(members, winner.type)
    if (filter === 'nothing') continue
    if (filter === 'cannot be said' || !filter.isExact) isExact = false
    if (filter === 'cannot be said') continue
    entries.push({ type: winner.type, filter: filter.filter, effect: winner })
    masks.push(set)
  }
  return { entries, isExact }
}

const bits = (set: number): number => (set === 0 ? 0 : (set & 1) + bits(set >>> 1))

/** What decides among provisions that all match: of each consent its own decider, of these the most specific. */
export function winnerOf(matching: readonly Effect[]): Effect | undefined {
  const deciders = new Map<unknown, Effect>()
  for (const effect of matching) {
    const there = deciders.get(effect.consent)
    const order = there ? compare(effect, there) || comparePlain(effect, there) : 1
    if (order > 0) deciders.set(effect.consent, effect)
  }
  let winner: Effect | undefined
  for (const effect of deciders.values()) {
    const order = winner ? compare(effect, winner) || comparePlain(effect, winner) : 1
    if (order > 0) winner = effect
  }
  return winner
}

/** The last entry that matches; undefined where none does. */
export function lastMatch(entries: readonly Entry[], resource: Features): Entry | undefined {
  return entries.findLast(({ filter, type }) => matchesData(filter, resource, type))
}
