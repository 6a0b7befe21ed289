/**
 * A process that indexes and nothing else, to be killed. One argument, JSON: the database, the node, the contracts, the first block,
 * the longest range. It prints a line when it begins to index, and one whenever it has come to the head.
 */
import { JsonRpcProvider } from 'ethers'
import type { Contracts } from '../../src/chain/contracts.ts'
import { watchHead } from '../../src/chain/head-watch.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { createIndexer } from '../../src/indexer/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { type DatabaseConfig, openDatabase } from '../../src/store/database.ts'
import type { IndexTables } from '../../src/store/schema.ts'

export type KilledArgs = {
  config: DatabaseConfig
  rpc: string
  chainId: number
  contracts: Contracts
  from: number
  range: number
}

const { config, rpc, chainId, contracts, from, range } = JSON.parse(process.argv[2] ?? '') as KilledArgs
const provider = new JsonRpcProvider(rpc, chainId, { staticNetwork: true, cacheTimeout: -1 })
const database = await openDatabase(config)
const head = watchHead({ provider, clock: systemClock, everyMs: 10 })
const indexer = await createIndexer({
  // The tables are there: whoever kills this has opened them before.
  db: database.db.withSchema('chain_index') as import('kysely').Kysely<IndexTables>,
  rpc: createNodeRpc({ url: rpc }),
  ...{ contracts, from, head, range, lead: { holds: () => true } },
  log: createLog({ level: 'silent', hospital: 'killed' }),
})
indexer.onReorganisation(async () => {})
console.log('begins')
await head.refresh()
await indexer.catchUp()
console.log('head')
