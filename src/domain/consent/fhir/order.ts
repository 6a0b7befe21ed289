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
export function compare(a: Effect, b: Effect): number {
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

/** The same between consents, and some order besides. */
export const comparePlain = (a: Effect, b: Effect) =>
  a.rank - b.rank || strength(a) - strength(b) || a.depth - b.depth || compareNames(a, b)

export function orderOf(effects: readonly Effect[]): Order {
  const all = effects.toSorted(comparePlain)
  if (agrees(all)) return { entries: all.map(entryOf), isExact: true }
  const heard = withoutOverruled(all)
  if (heard.length > MAX_COMPARED) return denialsLast(heard)
  const sorted = withoutPowerless(heard)
  if (agrees(sorted)) return { entries: sorted.map(entryOf), isExact: true }
  const orders = circles(sorted).map(orderCircle)
  return {
    entries: orders.flatMap(({ entries }) => entries),
    isExact: orders.every(({ isExact }) => isExact),
  }
}

/** Beyond this, comparing each with each takes too long; nobody writes so many that disagree. */
const MAX_COMPARED = 500

/** Where any denial beats any permit, nothing is permitted that the rules deny. */
const denialsLast = (effects: readonly Effect[]): Order => ({
  entries: [...effects, ...effects.filter(({ type }) => type === 'deny')].map(entryOf),
  isExact: false,
})

/** Without what stands above a provision of its consent that is about everything. */
function withoutOverruled(effects: readonly Effect[]): Effect[] {
  const overall = new Map<unknown, Effect>()
  for (const effect of effects) {
    const there = overall.get(effect.consent)
    if (isUnfiltered(effect.filter) && (!there || compare(effect, there) > 0))
      overall.set(effect.consent, effect)
  }
  return effects.filter((effect) => {
    const strongest = overall.get(effect.consent)
    return !strongest || effect === strongest || compare(effect, strongest) > 0
  })
}

/** Without what never decides: another of its consent always comes first, or another consent always speaks louder. */
function withoutPowerless(effects: readonly Effect[]): Effect[] {
  const deciders = effects.filter(
    (weak) =>
      !effects.some((strong) => isOwn(strong, weak) && compare(strong, weak) > 0 && includes(strong, weak)),
  )
  const loudest = deciders
    .filter((one) => isUnfiltered(one.filter))
    .filter((one) => !deciders.some((other) => isOwn(other, one) && compare(other, one) > 0))
    .at(-1)
  if (!loudest) return deciders
  const isLouder = (one: Effect) => one === loudest || compare(one, loudest) > 0
  // One that is not heard itself may still keep another of its consent from speaking.
  return deciders.filter(
    (one) =>
      isLouder(one) ||
      deciders.some((other) => isOwn(one, other) && compare(one, other) > 0 && isLouder(other)),
  )
}

const isOwn = (a: Effect, b: Effect) => a !== b && a.consent === b.consent

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

/** Beyond this the combinations are too many. */
const MAX_CIRCLE = 10

function orderCircle(circle: Effect[]): Order {
  const types = new Set(circle.map(({ type }) => type))
  if (types.size < 2) return { entries: circle.map(entryOf), isExact: true }
  if (circle.length <= MAX_CIRCLE) return combine(circle)
  return denialsLast(circle)
}

/**
 * Finds the list from its end: a line is right where every set of provisions that may match together, holds all of the
 * line's, and is not caught by a later line, has the line's outcome. Lines are for one provision, or for what matches
 * several. One that says it exactly is there at nearly every step. Otherwise one that permits less or denies more will
 * do, and a set that is to be permitted and cannot be said is left to whatever comes before: nothing ever widens.
 */
function combine(circle: readonly Effect[]): Order {
  let left = setsOf(circle).map((set) => ({ set, type: winnerOf(membersOf(circle, set))?.type }))
  const lines = linesOf(circle)
  const entries: Entry[] = []
  let isExact = true
  while (left.length > 0) {
    const line = lines.find(({ set, entry: { type } }) => {
      const caught = left.filter((one) => (one.set & set) === set)
      return caught.length > 0 && caught.every((one) => one.type === type)
    })
    if (line) entries.unshift(line.entry)
    if (!line || line.loss > 0) isExact = false
    const unsaid = left.findLast(({ type }) => type === 'permit')
    left = left.filter((one) => (line ? (one.set & line.set) !== line.set : one !== unsaid))
  }
  return { entries, isExact }
}

/** Sets of provisions are bits, by their place in the circle. */
type CombinedLine = { set: number; entry: Entry; loss: number }

/** The sets that may match a resource together, as far as their filters tell; not the empty one. */
function setsOf(circle: readonly Effect[]): number[] {
  const implied = circle.map((a) =>
    circle.reduce((set, b, j) => (isUnfiltered(b.filter) || includes(b, a) ? set | (1 << j) : set), 0),
  )
  return subsets(circle.length).filter(
    (set) =>
      implied.every((needs, i) => (set & (1 << i)) === 0 || (set & needs) === needs) &&
      intersect(membersOf(circle, set), 'deny') !== 'nothing',
  )
}

/** Every line that can be said, those that say it exactly first, and those for few provisions. */
function linesOf(circle: readonly Effect[]): CombinedLine[] {
  const lines = subsets(circle.length)
    .filter((set) => bits(set) <= MAX_COMBINED)
    .flatMap((set) =>
      (['permit', 'deny'] as const).flatMap((type) => {
        const members = membersOf(circle, set)
        const effect = winnerOf(members)
        const filter = intersect(members, type)
        if (!effect || typeof filter === 'string') return []
        return [{ set, entry: { type, filter: filter.filter, effect }, loss: filter.loss }]
      }),
    )
  const cost = ({ loss, entry: { type } }: CombinedLine) => (loss === 2 && type === 'deny' ? 3 : loss)
  return lines.sort((a, b) => cost(a) - cost(b))
}

const MAX_COMBINED = 3

const subsets = (size: number): number[] =>
  Array.from({ length: 2 ** size - 1 }, (_, i) => i + 1).sort((a, b) => bits(a) - bits(b) || a - b)

const bits = (set: number): number => (set === 0 ? 0 : (set & 1) + bits(set >>> 1))

const membersOf = (circle: readonly Effect[], set: number) => circle.filter((_, i) => set & (1 << i))

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
