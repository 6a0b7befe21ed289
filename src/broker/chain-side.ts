import { JsonRpcProvider } from 'ethers'
import type { Kysely } from 'kysely'
import { createConsentReader } from '../chain/consent-reader.ts'
import { watchHead } from '../chain/head-watch.ts'
import { createSender } from '../chain/sender.ts'
import type { Clock } from '../domain/clock.ts'
import { createIndexer, createIndexQueries, type IndexQueries, rememberProfiles } from '../indexer/index.ts'
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
  const head = watchHead({ provider, clock })
  const indexer = await createIndexer({
    db: indexDb,
    provider,
    contracts,
    predecessors,
    from: config.deployedAt,
    head,
    log,
    lead,
  })
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
  const reader = createConsentReader(provider, contracts, codeHashes)

  const times = new Map<number, number>()
  /** A block's time in seconds. */
  async function timeOf(block: number): Promise<number> {
    const time = times.get(block) ?? (await provider.getBlock(block))?.timestamp ?? 0
    if (times.size > REMEMBERED_TIMES) times.clear()
    times.set(block, time)
    return time
  }

  return { provider, head, index, indexer, sender, reader, timeOf }
}
