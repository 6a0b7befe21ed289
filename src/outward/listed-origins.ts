import { isIP } from 'node:net'
import type { Agent } from 'undici'
import { createAddressGuard, type Resolve } from './address-guard.ts'

/** True for a URL at one of these origins, without user, password or fragment. */
export function isAtOrigin(uri: string, origins: readonly string[]): boolean {
  if (!URL.canParse(uri) || uri.length > 1_024) return false
  const { origin, username, password, hash } = new URL(uri)
  // Compared as parsed, so that no other spelling of a host passes for one that is listed.
  return username === '' && password === '' && hash === '' && origins.includes(origin)
}

export type OriginRules = {
  /** Origins that the operator listed. */
  origins: readonly string[]
  /** Networks in CIDR form in which the names among them may lie although they are not public. */
  networks?: readonly string[]
}

export type ListedOrigins = {
  /** How an address at a listed origin is called, by undici; undefined for any other. */
  to(address: string): { url: string; dispatcher: Agent } | undefined
  close: () => Promise<void>
}

/**
 * Connections to what programs ask to be called at: at origins that the operator listed, and there only at addresses that are
 * public or in a network that was allowed. An origin that is listed as an address may be called at that very address. Who
 * answers for a listed name, or for its name server, cannot lead a call into the hospital's network.
 */
export function createListedOrigins(
  { origins, networks = [] }: OriginRules,
  options: Omit<Agent.Options, 'connect'>,
  resolve?: Resolve,
): ListedOrigins {
  // One for each, so that what is allowed for the one is not for another.
  const agents = new Map(
    origins.flatMap((listed) => {
      if (!URL.canParse(listed)) return []
      const { origin, hostname } = new URL(listed)
      const host = hostname.replace(/^\[(.*)\]$/, '$1')
      const own = isIP(host) === 0 ? [] : [`${host}/${isIP(host) === 4 ? 32 : 128}`]
      const guard = createAddressGuard({ networks: [...networks, ...own] }, resolve)
      return [[origin, guard.agent(options)] as const]
    }),
  )
  return {
    to(address) {
      const dispatcher = isAtOrigin(address, origins) && agents.get(new URL(address).origin)
      return dispatcher ? { url: address, dispatcher } : undefined
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  }
}
