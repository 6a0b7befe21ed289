import { loadBrokerConfig } from '../../broker/index.ts'
import { createNodeRpc } from '../../chain/node-rpc.ts'
import { followDeeper } from '../../indexer/index.ts'
import { createLog } from '../../observe/log.ts'
import { openDatabase } from '../../store/database.ts'
import { openIndexTables } from '../../store/migrate.ts'
import type { Output } from './output.ts'

/**
 * Has the index follow a reorganisation that the broker refuses to follow. The broker must be stopped.
 * @returns the exit code
 * @throws Error where the node does not answer or is behind, or the database is in use
 */
export async function followIndex(file: string | undefined, { out }: Pick<Output, 'out'>): Promise<number> {
  const config = loadBrokerConfig({ file, env: process.env })
  const rpc = createNodeRpc({ url: config.chain.rpc })
  const database = await openDatabase(config.database)
  try {
    const db = await openIndexTables(database.db)
    const log = createLog({ level: 'silent', hospital: config.name })
    const gone = await followDeeper({ db, rpc, log, from: config.chain.deployedAt })
    out(
      gone
        ? `The rows of ${gone.blocks} blocks, from block ${gone.block} on, were taken back. Start the broker: it reads what took their place.\n`
        : 'The chain is the one that was indexed; nothing was taken back.\n',
    )
    return 0
  } finally {
    await database.close()
    await rpc.close()
  }
}
