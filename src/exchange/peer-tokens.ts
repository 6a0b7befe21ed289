import { LRUCache } from 'lru-cache'
import type { Clock } from '../domain/clock.ts'
import type { Asker } from './b2b.ts'
import type { Peer } from './peer-connections.ts'

/** What a member's broker answered when it was asked for a token. */
export type IssuedToken = { token: string; expiresIn: number }

export type PeerTokens = {
  /** A token for what is behind a share, kept or asked for. `kept` says which: one that was kept may have lost its worth. */
  take(
    peer: Peer,
    share: string,
    asker: Asker,
    deadline?: AbortSignal,
  ): Promise<{ token: string; kept: boolean }>
  /** Forgets the token that `take` gives. */
  drop(peer: Peer, share: string, asker: Asker): void
}

/** No peer token lives longer (design §6), whatever the peer says; and none is used in its last seconds. Seconds. */
const LONGEST = 60
const LAST = 5

/** How many tokens are kept. */
const KEPT = 5_000

/**
 * Tokens of other members' brokers, each for one person, role and purpose and one share, and in memory alone. Consent is not
 * remembered with them: the custodian decides on each record anew.
 */
export function createPeerTokens({
  clock,
  ask,
}: {
  clock: Pick<Clock, 'monotonic'>
  ask: (peer: Peer, share: string, asker: Asker, deadline?: AbortSignal) => Promise<IssuedToken>
}): PeerTokens {
  const kept = new LRUCache<string, { token: string; until: number }>({ max: KEPT })
  const nameOf = ({ id, endpoint }: Peer, share: string, asker: Asker) =>
    JSON.stringify([id, endpoint, share, Object.entries(asker).sort()])

  return {
    async take(peer, share, asker, deadline) {
      const name = nameOf(peer, share, asker)
      const asked = clock.monotonic()
      const known = kept.get(name)
      if (known && asked < known.until) return { token: known.token, kept: true }
      const { token, expiresIn } = await ask(peer, share, asker, deadline)
      // From when it was asked for, since that is before it was issued. What is no number keeps nothing.
      const seconds = Math.min(expiresIn, LONGEST) - LAST
      if (seconds > 0) kept.set(name, { token, until: asked + seconds * 1_000 })
      return { token, kept: false }
    },
    drop(peer, share, asker) {
      kept.delete(nameOf(peer, share, asker))
    },
  }
}
