/**
 * A process that writes entries to an access log as fast as it can, by two replicas of a broker that share its database, while both
 * close windows; until it is killed. Its clock, and the chain's, go five seconds on at each step. On standard output: `entry ID`
 * once an entry is durable, and `age MS` after each step.
 */
import { JsonRpcProvider } from 'ethers'
import { createAccessLog } from '../../../src/broker/audit/access-log.ts'
import { createWindows } from '../../../src/broker/audit/windows.ts'
import type { Contracts } from '../../../src/chain/contracts.ts'
import { createSender } from '../../../src/chain/sender.ts'
import { createLog } from '../../../src/observe/log.ts'
import { type DatabaseConfig, openDatabase } from '../../../src/store/database.ts'
import { openBrokerTables } from '../../../src/store/migrate.ts'
import { createVault } from '../../../src/store/vault.ts'

/** What a writer works on. */
export type WriterWork = {
  database: DatabaseConfig
  rpc: string
  chainId: number
  contracts: Contracts
  operator: string
}

/** How far the clocks go at each step. Seconds. */
const STEP = 5

/** The parts of a broker that the access log and its windows are, twice, with one sender. */
export async function openWriter({ database: config, rpc, chainId, contracts, operator }: WriterWork) {
  const database = await openDatabase(config)
  const db = await openBrokerTables(database.db)
  const provider = new JsonRpcProvider(rpc, chainId, { staticNetwork: true, cacheTimeout: -1 })
  const log = createLog({ level: 'silent', hospital: 'test' })
  await provider.send('evm_mine', [])
  const { timestamp = 0 } = (await provider.getBlock('latest')) ?? {}
  let offset = timestamp * 1_000 - Math.floor(Date.now() / 1_000) * 1_000
  const clock = { now: () => Date.now() + offset, monotonic: () => performance.now() }
  const vault = createVault(Buffer.alloc(32, 1))
  // Both: what keeps windows apart where the lead is in doubt is the database.
  const lead = { holds: () => true }
  const sender = createSender({ db, provider, operator, clock, log, lead, everyMs: 3_600_000 })
  const replicas = [0, 1].map(() => ({
    accessLog: createAccessLog({ vault, clock }),
    windows: createWindows({
      ...{ db, clock, contracts, log, lead, everyMs: 3_600_000 },
      // The books are the only ones here: nothing was restored.
      anchored: async () => undefined,
      afterClose: () => {},
    }),
  }))
  return {
    ...{ db, vault, clock, sender, replicas },
    /** Time goes on, both replicas close the window, and what they closed is sent. */
    async step(seconds = STEP): Promise<number> {
      await provider.send('evm_increaseTime', [seconds])
      offset += seconds * 1_000
      await Promise.all(replicas.map(({ windows }) => windows.close()))
      await sender.flush()
      return (await replicas[0]?.windows.unanchoredAge()) ?? 0
    },
    async close(): Promise<void> {
      for (const { windows } of replicas) await windows.stop()
      await sender.close()
      provider.destroy()
      await database.close()
    },
  }
}

/** Writers at each replica: as many as a busy broker has releases under way. */
const AT_ONCE = 8

if (import.meta.main) {
  const writer = await openWriter(JSON.parse(process.argv[2] ?? '') as WriterWork)
  const { db, replicas } = writer
  const write = async (of: number): Promise<never> => {
    for (;;) {
      const id = await replicas[of]?.accessLog.append(db, { kind: 'disclosure', outcome: '0' })
      process.stdout.write(`entry ${id}\n`)
      // PGlite answers without ever leaving the thread: nothing else would come to its turn.
      await new Promise((done) => setImmediate(done))
    }
  }
  const writing = replicas.flatMap((_, of) => Array.from({ length: AT_ONCE }, () => write(of)))
  void Promise.all(writing)
  for (;;) process.stdout.write(`age ${await writer.step()}\n`)
}
