import { TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { Agent, type buildConnector } from 'undici'
import type { Bounds } from '../domain/bounds.ts'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { type AddressGuard, createAddressGuard, type Resolve } from '../outward/address-guard.ts'
import { spkiPin } from '../outward/spki-pin.ts'

/** Another member's broker, as its profile on the chain describes it. */
export type Peer = {
  id: Hex
  endpoint: string
  /** Pins of the keys that its server may show, see {@link spkiPin}; the present one and, while it changes, the next. */
  tlsPins?: readonly string[]
}

export type PeerRules = {
  /** See AddressRules. */
  networks?: readonly string[]
  ports?: readonly number[] | 'any'
  plainHttp?: boolean
  /** Member → origins at which its broker may be called; of a member that is not named, whatever its profile says. */
  endpoints?: ReadonlyMap<Hex, readonly string[]>
  /** Whether a member that `endpoints` does not name is called at all. */
  onlyListed?: boolean
  /** PEM certificates of which each peer's must descend, besides its pin; none: the pin alone decides. */
  ca?: string
}

export type PeerConnections = {
  /**
   * The dispatcher by which this member's broker is called, and the address of a path there.
   * @throws WayleaveError `address-refused`, `peer-untrusted`
   */
  to(peer: Peer, path: string, size?: 'bounded' | 'unbounded'): { url: string; dispatcher: Agent }
  close(): Promise<void>
}

/**
 * Connections to other members' brokers: at allowed addresses only, and over TLS only with a server that shows a key which
 * the member's profile on the chain pins. That is seen before the first byte of a request leaves.
 */
export function createPeerConnections(rules: PeerRules, bounds: Bounds, resolve?: Resolve): PeerConnections {
  const guard = createAddressGuard(rules, resolve)
  const open = new Map<string, { origin: string; pins: readonly string[]; agent: Agent }>()

  /** What a profile says may have changed; then what was opened under the former one serves no request any more. */
  function agentOf({ id }: Peer, origin: string, pins: readonly string[], size: string): Agent {
    const name = `${id}/${size}`
    const known = open.get(name)
    if (known?.origin === origin && isDeepStrictEqual(known.pins, pins)) return known.agent
    if (known) void known.agent.close().catch(() => {})
    const agent = new Agent({
      ...(size === 'bounded' ? { maxResponseSize: bounds.maxBytes } : {}),
      headersTimeout: bounds.headersMs,
      bodyTimeout: bounds.bodyMs,
      connect: pinned(guard, pins, rules.ca),
    })
    open.set(name, { origin, pins, agent })
    return agent
  }

  return {
    to(peer, path, size = 'bounded') {
      const { origin, protocol, search } = guard.check(peer.endpoint)
      // A path that is put behind it would go there, and not where it seems.
      if (search !== '' || peer.endpoint.includes('?')) throw wayleaveError('address-refused', 'with a query')
      const listed = rules.endpoints?.get(peer.id)
      if (listed ? !listed.includes(origin) : rules.onlyListed === true)
        throw wayleaveError('address-refused', 'an endpoint that is not on the list of this member')
      const pins = peer.tlsPins ?? []
      if (protocol === 'https:' && pins.length === 0)
        throw wayleaveError('peer-untrusted', 'the profile pins no key')
      return { url: `${peer.endpoint}${path}`, dispatcher: agentOf(peer, origin, pins, size) }
    },
    async close() {
      await Promise.all([...open.values()].map(({ agent }) => agent.close()))
    },
  }
}

/** A resumed session shows no certificate, so none is kept. */
const NO_SESSIONS = { maxCachedSessions: 0 }

function pinned(guard: AddressGuard, pins: readonly string[], ca?: string): buildConnector.connector {
  // Without a CA the pin decides alone: it stands on the chain, signed for by the member itself (docs/decisions/0070).
  const connect = guard.connector({ ...NO_SESSIONS, ...(ca ? { ca } : { rejectUnauthorized: false }) })
  return (target, done) =>
    connect(target, (error, socket) => {
      if (error)
        return done(isTlsError(error) ? wayleaveError('peer-untrusted', String(error), error) : error, null)
      if (!(socket instanceof TLSSocket)) return done(null, socket)
      const certificate = socket.getPeerX509Certificate()
      if (certificate && pins.includes(spkiPin(certificate))) return done(null, socket)
      socket.destroy()
      return done(wayleaveError('peer-untrusted', 'another key than the profile pins'), null)
    })
}

/** What OpenSSL and Node's own checks of certificates say; what a network says is not among it. */
function isTlsError(error: Error & { code?: string }): boolean {
  return /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_)/.test(
    error.code ?? '',
  )
}
