import type { JSONWebKeySet } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import { isUsableKey } from './client-metadata.ts'

/** How long a key set that was fetched is believed: so long may a key that was withdrawn be used. Milliseconds. */
const BELIEVED = 5 * 60_000
/** How soon an address is asked again, however many unknown keys are shown: nobody is flooded by proxy. Milliseconds. */
const ASK_AGAIN = 5_000

/**
 * The key sets of clients that publish their own: cached, and fetched anew once when an assertion names a key that is not
 * among them, so that a client may rotate its key in the middle of traffic.
 */
export function createClientKeys(deps: {
  clock: Clock
  fetch: (uri: string) => Promise<JSONWebKeySet | undefined>
}): (uri: string, kid?: string) => Promise<JSONWebKeySet | undefined> {
  const { clock } = deps
  const cached = new Map<string, { jwks: JSONWebKeySet | undefined; at: number }>()
  const underWay = new Map<string, Promise<JSONWebKeySet | undefined>>()

  function load(uri: string): Promise<JSONWebKeySet | undefined> {
    const running = underWay.get(uri)
    if (running) return running
    const loading = deps
      .fetch(uri)
      .then((set) => {
        const jwks = set && { keys: set.keys.filter(isUsableKey) }
        cached.set(uri, { jwks, at: clock.monotonic() })
        return jwks
      })
      .finally(() => underWay.delete(uri))
    underWay.set(uri, loading)
    return loading
  }

  return async (uri, kid) => {
    const known = cached.get(uri)
    const age = known ? clock.monotonic() - known.at : Number.POSITIVE_INFINITY
    if (known && age < ASK_AGAIN) return known.jwks
    if (!known?.jwks || age >= BELIEVED) return load(uri)
    const isKnown = kid !== undefined && known.jwks.keys.some((key) => key.kid === kid)
    if (isKnown) return known.jwks
    // Whoever cannot be asked now is believed for as long as any other.
    return (await load(uri)) ?? known.jwks
  }
}
