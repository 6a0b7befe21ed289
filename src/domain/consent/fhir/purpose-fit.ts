/** Purposes claimed against purposes named. */
import { ancestorsOf, PURPOSE_SYSTEM } from '../purposes.ts'
import { codingKey } from './codings.ts'

export type PurposeFit = {
  readonly any: boolean
  readonly all: boolean
  /** Steps up from a purpose claimed to the nearest one named that covers it; the farthest of several claimed. */
  readonly farthest: number
}

const distances = new Map<string, ReadonlyMap<string, number>>()

/** What covers a purpose, each with its distance; a purpose outside the hierarchy is covered by itself only. */
function coverOf(claimed: string): ReadonlyMap<string, number> | undefined {
  const known = distances.get(claimed)
  if (known) return known
  const prefix = codingKey(PURPOSE_SYSTEM, '')
  const ancestors = claimed.startsWith(prefix) ? ancestorsOf(claimed.slice(prefix.length)) : []
  if (ancestors.length === 0) return undefined
  const cover = new Map(ancestors.map(({ code, distance }) => [codingKey(PURPOSE_SYSTEM, code), distance]))
  distances.set(claimed, cover)
  return cover
}

export function fitPurposes(named: ReadonlySet<string>, claimed: readonly string[]): PurposeFit {
  let covered = 0
  let farthest = 0
  for (const claim of claimed) {
    const cover = coverOf(claim)
    let nearest = named.has(claim) ? 0 : Infinity
    if (cover) for (const one of named) nearest = Math.min(nearest, cover.get(one) ?? Infinity)
    if (nearest === Infinity) continue
    covered++
    farthest = Math.max(farthest, nearest)
  }
  return { any: covered > 0, all: covered === claimed.length, farthest }
}
