import { randomInt } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Contracts, RecordDirectory__factory } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import type { BrokerTables } from '../../store/schema.ts'

/** Entries in one transaction: far below the block's gas and EIP-7825's bound. */
const BATCH = 100

const directory = RecordDirectory__factory.createInterface()

/**
 * Packs entries not yet on their way into transactions, shuffled over all patients, so that neither order nor company
 * tells which belong together (I8). The bytes are those stored; a retry sends the same.
 * @returns how many entries were packed.
 */
export async function batchEntries(
  db: Kysely<BrokerTables>,
  clock: Clock,
  contracts: Contracts,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('records')
      .select(['tag', 'commitment', 'pointer'])
      .where('outbox_id', 'is', null)
      .limit(BATCH * 20)
      .forUpdate()
      .execute()
    const shuffled = shuffle(rows)
    for (let i = 0; i < shuffled.length; i += BATCH) {
      const batch = shuffled.slice(i, i + BATCH)
      const pointers = `0x${Buffer.concat(batch.map((row) => row.pointer)).toString('hex')}`
      const tags = batch.map((row) => row.tag)
      const data = directory.encodeFunctionData('register', [
        tags,
        batch.map((row) => row.commitment),
        pointers,
      ]) as Hex
      const first = tags[0] ?? ''
      const call = { contract: contracts.recordDirectory as Hex, data, dedupeKey: `register/${first}` }
      const outbox_id = await enqueueCall(trx, clock, call)
      await trx.updateTable('records').set({ outbox_id }).where('tag', 'in', tags).execute()
    }
    return rows.length
  })
}

/** Fisher and Yates's shuffle with the system's own randomness. */
function shuffle<T>(items: readonly T[]): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    const [a, b] = [out[i] as T, out[j] as T]
    out[i] = b
    out[j] = a
  }
  return out
}
