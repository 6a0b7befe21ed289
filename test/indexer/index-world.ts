import type { Kysely } from 'kysely'
import { watchHead } from '../../src/chain/head-watch.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import { systemClock } from '../../src/domain/clock.ts'
import { createIndexer, type Indexer } from '../../src/indexer/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { type Database, type DatabaseConfig, openDatabase } from '../../src/store/database.ts'
import { openIndexTables } from '../../src/store/migrate.ts'
import type { IndexTables } from '../../src/store/schema.ts'
import type { TestChain } from '../chain/test-chain.ts'
import { openFreshDatabase } from '../support/databases.ts'

export type TestIndex = {
  db: Kysely<IndexTables>
  indexer: Indexer
  /** Brings the index to the head that the node has now. */
  follow(): Promise<void>
  close(): Promise<void>
}

/**
 * An index of the chain: in this database, or in one of its own; so many blocks at once. It moves only when told to.
 * @param more.rpc another node than the chain's own
 * @param more.withinMs how long the node may take
 * @param more.depth how deep a reorganisation may be
 * @param more.database one that is open, and stays so
 */
export async function openIndex(
  chain: TestChain,
  config?: DatabaseConfig,
  range?: number,
  more: {
    rpc?: string
    withinMs?: number
    depth?: number
    out?: { write(line: string): void }
    database?: Database
  } = {},
): Promise<TestIndex> {
  const database: Database =
    more.database ?? (config ? await openDatabase(config) : await openFreshDatabase())
  const db = await openIndexTables(database.db)
  const head = watchHead({ provider: chain.provider, clock: systemClock, everyMs: 3_600_000 })
  const rpc = createNodeRpc({
    url: more.rpc ?? chain.anvil.rpc,
    ...(more.withinMs ? { withinMs: more.withinMs } : {}),
  })
  const { contracts, deployedAt } = chain
  const log = createLog(
    more.out ? { level: 'info', hospital: 'test', out: more.out } : { level: 'silent', hospital: 'test' },
  )
  const indexer = await createIndexer({
    db,
    rpc,
    contracts,
    from: deployedAt,
    head,
    log,
    lead: { holds: () => true },
    ...(range ? { range } : {}),
    reorganisationDepth: more.depth,
  })
  return {
    db,
    indexer,
    async follow() {
      await head.refresh()
      await indexer.catchUp()
    },
    async close() {
      await head.close()
      await indexer.close()
      await rpc.close()
      if (!more.database) await database.close()
    },
  }
}

/** Every row, in total order. */
export async function dump(db: Kysely<IndexTables>): Promise<IndexTables['events'][]> {
  return db.selectFrom('events').selectAll().orderBy('block').orderBy('log_index').execute()
}

/** The rows that an index which never saw anything but the chain of now has. */
export async function replayed(chain: TestChain): Promise<IndexTables['events'][]> {
  const fresh = await openIndex(chain)
  await fresh.follow()
  const rows = await dump(fresh.db)
  await fresh.close()
  return rows
}
