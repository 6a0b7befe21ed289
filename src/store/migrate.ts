import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import * as broker0001 from './migrations/0001-broker.ts'
import * as index0001 from './migrations/0001-index.ts'
import * as index0002 from './migrations/0002-forks.ts'
import * as broker0002 from './migrations/0002-requests.ts'
import * as broker0003 from './migrations/0003-proposals.ts'
import * as broker0004 from './migrations/0004-feed-gaps.ts'
import * as broker0006 from './migrations/0006-his-platform.ts'
import * as broker0007 from './migrations/0007-exchanges.ts'
import * as broker0008 from './migrations/0008-identity.ts'
import * as broker0009 from './migrations/0009-releases.ts'
import * as index0095 from './migrations/0095-row-hashes.ts'
import * as broker0096 from './migrations/0096-checkpoints.ts'
import * as broker0100 from './migrations/0100-trail.ts'
import * as broker0101 from './migrations/0101-retention.ts'
import * as broker0102 from './migrations/0102-trail-subscriptions.ts'
import * as broker0105 from './migrations/0105-reconciliation.ts'
import * as broker0110 from './migrations/0110-reports.ts'
import * as broker0115 from './migrations/0115-signed-by.ts'
import * as broker0120 from './migrations/0120-oldest-entry.ts'
import * as broker0130 from './migrations/0130-self-enrolment.ts'
import * as broker0131 from './migrations/0131-notices-and-cases.ts'
import * as broker0135 from './migrations/0135-recoveries.ts'
import * as broker0136 from './migrations/0136-delegations.ts'
import * as broker0155 from './migrations/0155-console.ts'
import type { BrokerTables, IndexTables } from './schema.ts'

const MIGRATIONS = {
  broker: {
    '0001-broker': broker0001,
    '0002-requests': broker0002,
    '0003-proposals': broker0003,
    '0004-feed-gaps': broker0004,
    '0006-his-platform': broker0006,
    '0007-exchanges': broker0007,
    '0008-identity': broker0008,
    '0009-releases': broker0009,
    '0096-checkpoints': broker0096,
    '0100-trail': broker0100,
    '0101-retention': broker0101,
    '0102-trail-subscriptions': broker0102,
    '0105-reconciliation': broker0105,
    '0110-reports': broker0110,
    '0115-signed-by': broker0115,
    '0120-oldest-entry': broker0120,
    '0130-self-enrolment': broker0130,
    '0131-notices-and-cases': broker0131,
    '0135-recoveries': broker0135,
    '0136-delegations': broker0136,
    '0155-console': broker0155,
  },
  chain_index: { '0001-index': index0001, '0002-forks': index0002, '0095-row-hashes': index0095 },
} as const

type SchemaName = keyof typeof MIGRATIONS

async function migrate(db: Kysely<unknown>, schema: SchemaName): Promise<void> {
  await sql`create schema if not exists ${sql.id(schema)}`.execute(db)
  // The tables are made unqualified in whatever schema comes first on the search path of this connection.
  await db.connection().execute(async (connection) => {
    await sql`select set_config('search_path', ${schema}, false)`.execute(connection)
    try {
      const migrator = new Migrator({
        db: connection,
        migrationTableSchema: schema,
        provider: { getMigrations: async () => MIGRATIONS[schema] },
        // Those that were written side by side may reach a database in another order than their numbers'.
        allowUnorderedMigrations: true,
      })
      const { error } = await migrator.migrateToLatest()
      if (error)
        throw new Error(`The schema ${schema} could not be brought to its newest form`, { cause: error })
    } finally {
      await sql`select set_config('search_path', 'public', false)`.execute(connection)
    }
  })
}

/** The broker's tables, brought to the newest form. Safe to call at every start. */
export async function openBrokerTables(db: Kysely<unknown>): Promise<Kysely<BrokerTables>> {
  await migrate(db, 'broker')
  return db.withSchema('broker')
}

/** The index's tables, brought to the newest form. Safe to call at every start. */
export async function openIndexTables(db: Kysely<unknown>): Promise<Kysely<IndexTables>> {
  await migrate(db, 'chain_index')
  return db.withSchema('chain_index')
}

/** Forgets the index, which is replayed from the chain. What it looks for there has changed. */
export async function dropIndex(db: Kysely<unknown>): Promise<void> {
  await sql`drop schema if exists ${sql.id('chain_index')} cascade`.execute(db)
}
