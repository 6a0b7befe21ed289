import { JsonRpcProvider, type Log } from 'ethers'
import { lastIndexed, lineOf, linesOf } from '../../indexer/canonical/rows.ts'
import { createDecoder } from '../../indexer/decode.ts'
import type { OpenedIndex } from './open-index.ts'
import type { Output } from './output.ts'

/** Blocks asked for at once; halved where the node will not answer so many. */
const RANGE = 2_000
/** Of each kind of difference so many are named. */
const EXAMPLES = 10

type Place = string
type Differences = { missing: Place[]; extra: Place[]; different: Place[] }

const WORDS: Readonly<Record<keyof Differences, string>> = {
  missing: 'on the chain and not in the index',
  extra: 'in the index and not on the chain',
  different: 'in both, and not the same',
}

/** Holds every row against the logs of a node. @returns the exit code */
export async function verifyIndex(
  opened: OpenedIndex,
  rpc: string | undefined,
  output: Output,
): Promise<number> {
  const { database, index, config } = opened
  const { chainId, contracts, predecessors, deployedAt } = config.chain
  const provider = new JsonRpcProvider(rpc ?? config.chain.rpc, chainId, {
    staticNetwork: true,
    cacheTimeout: -1,
  })
  try {
    if (Number(await provider.send('eth_chainId', [])) !== chainId)
      throw new Error('The node is of another chain')
    const end = await lastIndexed(index)
    if (end === undefined) throw new Error('The index is empty')
    const decoder = createDecoder(contracts, predecessors)
    const found: Differences = { missing: [], extra: [], different: [] }
    let rows = 0
    let range = RANGE
    for (let from = deployedAt; from <= end; ) {
      const to = Math.min(from + range - 1, end)
      const filter = { address: decoder.addresses, fromBlock: from, toBlock: to }
      const logs = await provider.getLogs(filter).catch((error: unknown) => {
        if (range === 1) throw error
        return undefined
      })
      if (!logs) {
        range = Math.ceil(range / 2)
        continue
      }
      const chain = new Map(logs.flatMap((log) => lineIn(decoder, log)))
      for await (const page of linesOf(index, { after: from - 1, to })) {
        rows += page.length
        for (const { block, logIndex, line } of page) {
          const place = `block ${block}, log ${logIndex}`
          const there = chain.get(place)
          if (there === undefined) found.extra.push(place)
          else if (there !== line) found.different.push(place)
          chain.delete(place)
        }
      }
      found.missing.push(...chain.keys())
      from = to + 1
    }
    output.out(inWords(rows, end, found))
    return Object.values(found).every((places) => places.length === 0) ? 0 : 1
  } finally {
    provider.destroy()
    await database.close()
  }
}

function lineIn(decoder: ReturnType<typeof createDecoder>, log: Log): [Place, string][] {
  const decoded = decoder.decode(log)
  if (!decoded) return []
  const line = lineOf({
    ...decoded,
    ...{ block: log.blockNumber, log_index: log.index, transaction: log.transactionHash },
  })
  return [[`block ${log.blockNumber}, log ${log.index}`, line]]
}

function inWords(rows: number, end: number, found: Differences): string {
  const lines = [`${rows} events in the index up to block ${end}.`]
  for (const [kind, places] of Object.entries(found) as [keyof Differences, Place[]][]) {
    if (places.length === 0) continue
    lines.push(
      `${kind}: ${places.length} ${WORDS[kind]}`,
      ...places.slice(0, EXAMPLES).map((place) => `  ${place}`),
    )
    if (places.length > EXAMPLES) lines.push(`  and ${places.length - EXAMPLES} more`)
  }
  lines.push(lines.length === 1 ? 'Index and node agree.' : 'Index and node do not agree.')
  return `${lines.join('\n')}\n`
}
