import type { JsonRpcProvider } from 'ethers'
import type { Anchor } from '../domain/audit/reconcile/kept.ts'
import type { Hex } from '../domain/hex.ts'
import { AccessLog__factory } from './contracts.ts'

/** Blocks whose events are asked for at once. */
const RANGE = 2_000

const accessLog = AccessLog__factory.createInterface()

export type Chain = {
  provider: JsonRpcProvider
  /** The access log that is written, then those that it took over from. */
  logs: readonly string[]
  /** The block from which on the contracts are there. */
  deployedAt: number
}

/**
 * A member's windows as the chain's own events tell them, oldest first; read from a node, and from no index.
 * @param since windows that were anchored before this are left out, as far as whole ranges go; seconds
 */
export async function* anchoredWindows(
  { provider, logs, deployedAt }: Chain,
  member: Hex,
  since = 0,
): AsyncGenerator<Anchor> {
  const head = await provider.getBlockNumber()
  const topic = accessLog.getEvent('WindowAnchored').topicHash
  const first = await blockAt(provider, deployedAt, head, since)
  for (let from = first; from <= head; from += RANGE) {
    const found = await provider.getLogs({
      address: [...logs],
      topics: [topic, member],
      fromBlock: from,
      toBlock: Math.min(from + RANGE - 1, head),
    })
    for (const log of found) {
      const { args } = accessLog.parseLog(log) ?? {}
      const block = await provider.getBlock(log.blockNumber)
      if (!args || !block) throw new Error('the node told of a window that it cannot show')
      const {
        number,
        from: begin,
        until,
        root,
      } = args.toObject() as Record<'number' | 'from' | 'until', bigint> & {
        root: Hex
      }
      yield { number: Number(number), from: Number(begin), until: Number(until), root, at: block.timestamp }
    }
  }
}

/** The last block that is no younger than this, or the first one there is. */
async function blockAt(
  provider: JsonRpcProvider,
  lowest: number,
  highest: number,
  time: number,
): Promise<number> {
  let [low, high] = [lowest, highest]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const block = await provider.getBlock(middle)
    if (!block || block.timestamp > time) high = middle - 1
    else low = middle
  }
  return low
}

/** Hands out a member's windows by number, as long as numbers only grow; remembers the last one. */
export function anchorsInOrder(windows: AsyncIterator<Anchor>) {
  let next: Anchor | undefined
  let last: Anchor | undefined
  return async (number: number): Promise<Anchor | undefined> => {
    while (last === undefined || last.number < number) {
      const read = next ?? ((await windows.next()).value as Anchor | undefined)
      next = undefined
      if (!read) return undefined
      if (read.number > number) {
        next = read
        return undefined
      }
      last = read
    }
    return last.number === number ? last : undefined
  }
}
