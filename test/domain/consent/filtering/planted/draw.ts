/** What is drawn from a seed: the same for the same seed, everywhere. */
export type Draw = {
  /** 0 to n - 1. */
  below(n: number): number
  chance(share: number): boolean
  one<T>(list: readonly T[]): T
  shuffled<T>(list: readonly T[]): T[]
  /** Letters that no rule knows and nothing else contains. */
  canary(): string
  uuid(): string
}

/** mulberry32 */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0
  let canaries = 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  const one = <T>(list: readonly T[]): T => {
    const found = list[below(list.length)]
    if (found === undefined) throw new RangeError('nothing to draw from')
    return found
  }
  const hex = (n: number) => Array.from({ length: n }, () => below(16).toString(16)).join('')
  return {
    below,
    chance: (share) => next() < share,
    one,
    shuffled(list) {
      const left = [...list]
      return list.map(() => left.splice(below(left.length), 1)[0] as (typeof list)[number])
    },
    canary: () => `zq${hex(8)}x${canaries++}q`,
    uuid: () => `urn:uuid:${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  }
}
