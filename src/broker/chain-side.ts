import { JsonRpcProvider } from 'ethers'
import type { Kysely } from 'kysely'
import { createConsentReader } from '../chain/consent-reader.ts'
import { type HeadWatch, watchHead } from '../chain/head-watch.ts'
import { createNodeRpc } from '../chain/node-rpc.ts'
import { createSender } from '../chain/sender.ts'
import { createSignerReader } from '../chain/signer-reader.ts'
import type { Clock } from '../domain/clock.ts'
import {
  createIndexer,
  createIndexQueries,
  type Indexer,
  type IndexQueries,
  rememberProfiles,
} from '../indexer/index.ts'
import type { Logger } from '../observe/log.ts'
import type { BrokerTables, IndexTables } from '../store/schema.ts'
import type { Lead } from '../turns/lead.ts'
import type { BrokerConfig } from './config.ts'

const REMEMBERED_TIMES = 10_000

/** All that a broker does with its own member's node: watch heads, index events, read consents, send transactions. */
export async function openChainSide(args: {
  config: BrokerConfig['chain']
  operator: string
  lead: Lead
  db: Kysely<BrokerTables>
  indexDb: Kysely<IndexTables>
  clock: Clock
  log: Logger
}) {
  const { config, db, indexDb, clock, log, lead } = args
  const { contracts, chainId, predecessors = {}, codeHashes = {} } = config
  const provider = new JsonRpcProvider(config.rpc, chainId, {
    staticNetwork: true,
    cacheTimeout: -1,
    batchMaxCount: 1,
  })
  const seen = watchHead({ provider, clock, ws: config.ws })
  const rpc = createNodeRpc({ url: config.rpc })
  const indexing = await createIndexer({
    ...{ db: indexDb, rpc, contracts, predecessors, from: config.deployedAt, head: seen, log, clock, lead },
    reorganisationDepth: config.reorganisationDepth,
    ...(config.maxRange === undefined ? {} : { range: config.maxRange }),
  })
  const nodeBehind = () => (seen.head()?.number ?? Number.POSITIVE_INFINITY) < indexing.position()
  const head: HeadWatch = {
    ...seen,
    // A chain that took back what may not be taken back, or that was further before, decides nothing (I3).
    age: () =>
      indexing.tooDeep() || (config.reorganisationDepth !== undefined && nodeBehind())
        ? Number.POSITIVE_INFINITY
        : seen.age(),
  }
  const indexer: Indexer = {
    ...indexing,
    async close() {
      // First the node, so that a silent one holds up nothing.
      await rpc.close()
      await indexing.close()
    },
  }
  const queries = createIndexQueries(indexDb)
  const profile: IndexQueries['profile'] = async (member) => {
    const found = await queries.profile(member)
    // Whoever has a profile is a member, and the log may name it.
    if (found) log.admit('member', member)
    return found
  }
  const index = rememberProfiles(
    { ...queries, profile },
    {
      clock,
      onMove: (listener) => {
        indexer.onAdvance(listener)
        indexer.onReorganisation(async () => listener())
      },
    },
  )
  const sender = createSender({ db, provider, operator: args.operator, clock, log, lead })
  const reader = createConsentReader(rpc, contracts, codeHashes)
  const signers = createSignerReader(rpc, contracts)

  const times = new Map<number, number>()
  /** A block's time in seconds. */
  async function timeOf(block: number): Promise<number> {
    const time = times.get(block) ?? (await provider.getBlock(block))?.timestamp ?? 0
    if (times.size > REMEMBERED_TIMES) times.clear()
    times.set(block, time)
    return time
  }

  return { provider, rpc, head, index, indexer, sender, reader, signers, timeOf }
}
