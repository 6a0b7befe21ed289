import type { Interface, LogDescription } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import { compare, type Item, type Line, word } from './holding.ts'

const RANGE = 2_000

/** The arguments that name something; numbers as words of 32 bytes. Which of them an event has, its name tells. */
type EventArgs = Record<
  | 'handle'
  | 'scope'
  | 'referral'
  | 'signerHash'
  | 'delegate'
  | 'newSigner'
  | 'custodian'
  | 'tag'
  | 'member'
  | 'number'
  | 'operator'
  | 'group'
  | 'commitment',
  Hex
>

function argsOf({ args }: LogDescription): EventArgs {
  const named = Object.entries(args.toObject() as Record<string, unknown>)
  return Object.fromEntries(
    named.map(([name, value]) => [name, typeof value === 'bigint' ? word(value) : value]),
  ) as EventArgs
}

/**
 * Everything that events of the older contracts name, each once and ordered by its name: which came first tells nothing.
 *
 * @param itemsOf the things that an event of one of these names tells of
 */
export async function itemsIn(
  line: Line,
  api: Interface,
  names: readonly string[],
  block: number,
  itemsOf: (args: EventArgs, name: string) => Item[],
): Promise<Item[]> {
  const topics = names.map((name) => api.getEvent(name)?.topicHash ?? '')
  const items = new Map<string, Item>()
  for (let from = line.deployedAt; from <= block; from += RANGE) {
    const toBlock = Math.min(from + RANGE - 1, block)
    const where = { address: [...line.older], topics: [topics], fromBlock: from, toBlock }
    for (const log of await line.provider.getLogs(where)) {
      const parsed = api.parseLog(log)
      if (!parsed) continue
      for (const item of itemsOf(argsOf(parsed), parsed.name)) items.set(item.join(), item)
    }
  }
  return [...items.values()].sort(compare)
}
