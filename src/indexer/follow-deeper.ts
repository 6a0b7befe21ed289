import type { Kysely } from 'kysely'
import type { NodeRpc, RawBlock } from '../chain/node-rpc.ts'
import type { Logger } from '../observe/log.ts'
import type { IndexTables } from '../store/schema.ts'
import { createForks } from './forks.ts'
import { lastCheckpoint } from './write-range.ts'

/**
 * Follows, once and by an operator's word, a reorganisation deeper than the broker may follow by itself: takes back the rows of
 * blocks that the chain no longer holds. The broker must not run; at its next start whoever made rows of these rows follows.
 * @returns the first block whose rows went, and how many blocks; undefined where the chain is the one that was indexed
 * @throws NodeError; Error where the node is behind what was indexed and shows no other chain
 */
export async function followDeeper(deps: {
  db: Kysely<IndexTables>
  rpc: NodeRpc
  from: number
  log: Logger
}): Promise<{ block: number; blocks: number } | undefined> {
  const { db, rpc, from, log } = deps
  const latest = await rpc.call<RawBlock>('eth_getBlockByNumber', ['latest', false])
  const head = {
    number: Number(latest.number),
    hash: latest.hash,
    parent: latest.parentHash,
    time: Number(latest.timestamp),
  }
  const last = await lastCheckpoint(db)
  // A node that is only behind would take everything above it back.
  if (last && head.number < last.number)
    throw new Error(
      `The node is at block ${head.number} and the index at ${last.number}: wait for the node first`,
    )
  const forks = createForks({ db, rpc, from, log, head: { head: () => head }, allowed: undefined })
  const now = await forks.unwind(last)
  if (!last || now?.number === last.number) return undefined
  const block = (now?.number ?? from - 1) + 1
  return { block, blocks: last.number - block + 1 }
}
