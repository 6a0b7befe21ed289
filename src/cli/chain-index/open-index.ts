import { loadBrokerConfig } from '../../broker/index.ts'
import { openDatabase } from '../../store/database.ts'
import { openIndexTables } from '../../store/migrate.ts'

export type OpenedIndex = Awaited<ReturnType<typeof openIndexOf>>

/** The index that a broker's configuration names. */
export async function openIndexOf(file: string | undefined) {
  const config = loadBrokerConfig({ file, env: process.env })
  const database = await openDatabase(config.database)
  return { config, database, index: await openIndexTables(database.db) }
}
