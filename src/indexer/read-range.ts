import type { NodeRpc, RawBlock, RawLog } from '../chain/node-rpc.ts'
import { copyLine } from '../store/copy-rows.ts'
import type { IndexTables } from '../store/schema.ts'
import type { Decoder } from './decode.ts'
import { MalformedLogError } from './event-layout.ts'
import { isWhole } from './log-bloom.ts'

/** The events of consecutive blocks, checked and ready to be written. */
export type ReadRange = {
  from: number
  /** Its last block; the range ends with it. */
  checkpoint: IndexTables['blocks']
  /** Hash of the block before the first one. */
  parent: string
  /** Our events, and lines of `EVENT_COLUMNS` for them. */
  events: number
  lines: string
  /** How many logs the node answered, and how long that took. */
  logs: number
  ms: number
}

/** The columns of `events`, in the order of a line. */
export const EVENT_COLUMNS = [
  'block',
  'log_index',
  'transaction',
  'contract',
  'name',
  'key1',
  'key2',
  'args',
] as const

/** What was read does not belong together: the chain or the node changed meanwhile. It is read again. */
export class ChainChangedError extends Error {
  override readonly name = 'ChainChangedError'
}

/** The node answered a block's logs without one that the block's header has. */
class LogLeftOutError extends Error {
  override readonly name = 'LogLeftOutError'
}

const HASH = /^0x[0-9a-f]{64}$/
const quantity = (value: string) => {
  const number = Number(value)
  if (!/^0x[0-9a-f]+$/.test(value) || !Number.isSafeInteger(number))
    throw new MalformedLogError('a number of the node is none')
  return number
}

/** @throws NodeError where the node does not answer; Error where it does not have the block. */
export async function readBlock(rpc: NodeRpc, number: number): Promise<RawBlock | null> {
  const block = await rpc.call<RawBlock | null>('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
  if (block && (!HASH.test(block.hash) || !HASH.test(block.parentHash) || quantity(block.number) !== number))
    throw new MalformedLogError('a block is not the one that was asked for')
  return block
}

/**
 * Reads the events of the blocks `from` to `to`.
 *
 * A single block is asked for by its hash, with the logs of everybody, and held against the filter in its header: a log that
 * the node leaves out is found. Of several blocks only our contracts' logs are asked for; there the header is read before and
 * after, since its hash pins all blocks before it, and what the node leaves out is not seen.
 * @throws NodeError, ChainChangedError, LogLeftOutError, MalformedLogError
 */
export async function readRange(
  { rpc, decoder }: { rpc: NodeRpc; decoder: Decoder },
  from: number,
  to: number,
): Promise<ReadRange> {
  const [first, last] = await Promise.all([
    readBlock(rpc, from),
    from === to ? undefined : readBlock(rpc, to),
  ])
  const end = last === undefined ? first : last
  if (!first || !end) throw new ChainChangedError('a block is gone')
  const started = performance.now()
  const logs = await (from === to
    ? logsOfBlock(rpc, end)
    : rpc.call<RawLog[]>('eth_getLogs', [
        { address: decoder.addresses, fromBlock: first.number, toBlock: end.number },
      ]))
  const ms = performance.now() - started
  if (from !== to && (await readBlock(rpc, to))?.hash !== end.hash)
    throw new ChainChangedError('the chain changed while it was being read')
  const { events, lines } = linesOf(decoder, inOrder(logs, from, to, end.hash))
  return {
    from,
    checkpoint: { number: to, hash: end.hash, parent: end.parentHash, time: quantity(end.timestamp) },
    parent: first.parentHash,
    ...{ events, lines, logs: logs.length, ms },
  }
}

async function logsOfBlock(rpc: NodeRpc, { hash, logsBloom }: RawBlock): Promise<RawLog[]> {
  const logs = await rpc.call<RawLog[]>('eth_getLogs', [{ blockHash: hash }])
  if (!isWhole(logsBloom, logs)) throw new LogLeftOutError('the node leaves out a log')
  return logs
}

type Placed = { block: number; index: number; log: RawLog }

/** In total order, each once: nodes may answer in any order, and twice. */
function inOrder(logs: readonly RawLog[], from: number, to: number, hash: string): Placed[] {
  const placed: Placed[] = []
  let sorted = true
  let before: Placed | undefined
  for (const log of logs) {
    if (log.removed) throw new ChainChangedError('a log was taken back')
    const next = { block: quantity(log.blockNumber), index: quantity(log.logIndex), log }
    if (next.block < from || next.block > to) throw new MalformedLogError('a log was not asked for')
    if (next.block === to && log.blockHash !== hash) throw new ChainChangedError('a log is of another branch')
    if (before && compare(before, next) >= 0) sorted = false
    before = next
    placed.push(next)
  }
  if (sorted) return placed
  placed.sort(compare)
  return placed.filter((next, i) => {
    const previous = placed[i - 1]
    if (!previous || compare(previous, next) !== 0) return true
    if (JSON.stringify(previous.log) !== JSON.stringify(next.log))
      throw new ChainChangedError('two logs have one place')
    return false
  })
}

const compare = (a: Placed, b: Placed) => a.block - b.block || a.index - b.index

function linesOf(decoder: Decoder, placed: readonly Placed[]): { events: number; lines: string } {
  let events = 0
  let lines = ''
  for (const { block, index, log } of placed) {
    const decoded = decoder.decode(log)
    if (!decoded) continue
    if (!HASH.test(log.transactionHash)) throw new MalformedLogError('a transaction has no hash')
    events++
    const { contract, name, key1, key2, args } = decoded
    lines += copyLine([block, index, log.transactionHash, contract, name, key1, key2, args])
  }
  return { events, lines }
}
