import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import type { IndexQueries, MemberProfile } from './queries.ts'

/** How long a profile is believed where another process writes the index. Milliseconds. */
const BELIEVED = 1_000

/**
 * The index with profiles remembered until it moves: each release looks several up, and they change a few times a year. A key
 * that a member took back is refused as soon as this process has indexed the block, or a second after another one has.
 */
export function rememberProfiles(
  index: IndexQueries,
  { clock, onMove }: { clock: Clock; onMove: (listener: () => void) => void },
): IndexQueries {
  let known = new Map<Hex, { at: number; profile: Promise<MemberProfile | undefined> }>()
  onMove(() => {
    known = new Map()
  })
  return {
    ...index,
    profile(member) {
      const now = clock.monotonic()
      const before = known.get(member)
      if (before && now - before.at < BELIEVED) return before.profile
      const here = known
      const profile = index.profile(member)
      here.set(member, { at: now, profile })
      // A failure is asked anew.
      profile.catch(() => here.delete(member))
      return profile
    },
  }
}
