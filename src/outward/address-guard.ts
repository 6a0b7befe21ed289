/**
 * Where this process may connect to when somebody else chose the address: another member in its profile, a program in its
 * `jwks_uri` or for its webhook. What was checked is what is dialled: a name is resolved once, by the connection itself, and
 * a second answer of a name server is never asked for.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent, buildConnector } from 'undici'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'

/** Finds all addresses of a host name; `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export type AddressRules = {
  /** Networks in CIDR form that are allowed although they are not public, `127.0.0.1/32` for example. */
  networks?: readonly string[]
  /** Ports that may be called; the usual ones of HTTPS, unless given. */
  ports?: readonly number[] | 'any'
  /** Whether `http:` is allowed. */
  plainHttp?: boolean
}

export type AddressGuard = {
  /**
   * Reads an address that somebody else chose: `https:`, no user or password, no fragment, an allowed port, and, where the
   * host is an address itself, an allowed one.
   * @throws WayleaveError `address-refused`
   */
  check(address: string): URL
  /**
   * An undici dispatcher that connects to allowed addresses only. It follows no redirect. Its requests fail with an error of
   * which {@link refusedAddress} tells whether it was this.
   */
  agent(options?: Omit<Agent.Options, 'connect'>, connect?: buildConnector.BuildOptions): Agent
  /** How it connects, for who needs a connector of its own around it. */
  connector(options?: buildConnector.BuildOptions): buildConnector.connector
}

const HTTPS_PORTS = [443, 8443]

/** All that is handed out as global unicast in IPv6 so far (RFC 4291 §2.4, IANA). The rest means nothing yet. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

export function createAddressGuard(rules: AddressRules = {}, resolve: Resolve = systemLookup): AddressGuard {
  const networks = (rules.networks ?? []).map((network) => readNetwork(network))
  const ports = rules.ports ?? HTTPS_PORTS

  /** Only what is known to be public, or was allowed by name, is; every form that hides another address is not. */
  function isAllowed(address: string): boolean {
    // A zone names an interface of this very machine.
    if (!ipaddr.isValid(address) || address.includes('%')) return false
    const parsed = ipaddr.parse(address)
    if (networks.some(([net, bits]) => net.kind() === parsed.kind() && parsed.match(net, bits))) return true
    if (parsed.range() !== 'unicast') return false
    return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST)
  }

  /** One answer that is not allowed spoils the name: whoever gives both wants us to try. */
  const lookup: LookupFunction = (hostname, options, done) => {
    resolve(hostname, { ...options, all: true, order: 'verbatim' }, (error, addresses) => {
      if (error) return done(error, '')
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => isAllowed(address)))
        return done(wayleaveError('address-refused', 'a name of an address that may not be called'), '')
      if (options.all) return done(null, addresses)
      return done(null, first.address, first.family)
    })
  }

  function connector(options: buildConnector.BuildOptions = {}): buildConnector.connector {
    const connect = buildConnector({ ...options, lookup } as buildConnector.BuildOptions)
    return (target, done) => {
      // An address instead of a name is never looked up, so it is judged here.
      const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
      if (isIP(host) !== 0 && !isAllowed(host))
        return done(wayleaveError('address-refused', 'an address that may not be called'), null)
      return connect(target, done)
    }
  }

  return {
    check(address) {
      const url = URL.canParse(address) ? new URL(address) : undefined
      if (!url) throw wayleaveError('address-refused', 'no address')
      const isHttp = url.protocol === 'http:' && rules.plainHttp === true
      if (url.protocol !== 'https:' && !isHttp) throw wayleaveError('address-refused', 'not https')
      if (url.username !== '' || url.password !== '')
        throw wayleaveError('address-refused', 'with credentials')
      if (address.includes('#')) throw wayleaveError('address-refused', 'with a fragment')
      const port = url.port === '' ? (isHttp ? 80 : 443) : Number(url.port)
      if (ports !== 'any' && !ports.includes(port)) throw wayleaveError('address-refused', `port ${port}`)
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
      if (isIP(host) !== 0 && !isAllowed(host))
        throw wayleaveError('address-refused', 'an address that may not be called')
      return url
    },
    connector,
    agent: (options = {}, connect = {}) => new Agent({ ...options, connect: connector(connect) }),
  }
}

/** The refusal behind a failed request, however deep it lies. */
export function refusedAddress(error: unknown): WayleaveError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++) {
    if (at instanceof WayleaveError) return at
    // With several addresses tried at once, Node gathers what went wrong with each.
    if (at instanceof AggregateError) {
      const found = at.errors.map(refusedAddress).find(Boolean)
      if (found) return found
    }
    at = at.cause
  }
  return undefined
}

/** @throws WayleaveError `request-invalid` for what is no network; the start of a broker ends with it. */
function readNetwork(network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (!ipaddr.isValidCIDR(network)) throw wayleaveError('request-invalid', `not a network: ${network}`)
  return ipaddr.parseCIDR(network)
}
