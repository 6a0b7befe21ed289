import type { JsonRpcProvider } from 'ethers'
import type { JSONWebKeySet, JWK } from 'jose'
import type { Hex } from '../domain/hex.ts'
import { MemberRegistry__factory } from './contracts.ts'

const RANGE = 10_000

const registry = MemberRegistry__factory.createInterface()

/**
 * Every key that a member ever published on the chain, read from a node: what a former key signed was signed by that member,
 * too. Undefined for whoever published none.
 */
export function publishedKeys({
  provider,
  registries,
  deployedAt,
}: {
  provider: JsonRpcProvider
  registries: readonly string[]
  deployedAt: number
}): (member: Hex) => Promise<JSONWebKeySet | undefined> {
  const read = new Map<Hex, Promise<JSONWebKeySet | undefined>>()

  async function keysOf(member: Hex): Promise<JSONWebKeySet | undefined> {
    const head = await provider.getBlockNumber()
    const topic = registry.getEvent('ProfileSet').topicHash
    const keys = new Map<string, JWK>()
    for (let from = deployedAt; from <= head; from += RANGE) {
      const logs = await provider.getLogs({
        address: [...registries],
        topics: [topic, member],
        fromBlock: from,
        toBlock: Math.min(from + RANGE - 1, head),
      })
      for (const log of logs) {
        const profile = String(registry.parseLog(log)?.args.profile ?? '')
        for (const key of keysIn(profile)) keys.set(JSON.stringify([key.kid, key.x]), key)
      }
    }
    return keys.size === 0 ? undefined : { keys: [...keys.values()] }
  }

  return (member) => {
    const known = read.get(member) ?? keysOf(member)
    read.set(member, known)
    return known
  }
}

function keysIn(profile: string): JWK[] {
  try {
    const { jwks } = JSON.parse(profile) as { jwks?: { keys?: unknown } }
    return Array.isArray(jwks?.keys) ? (jwks.keys as JWK[]) : []
  } catch {
    return []
  }
}
