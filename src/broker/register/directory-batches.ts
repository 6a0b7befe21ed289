import { randomBytes, randomInt } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Contracts, RecordDirectory__factory } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import { SEALED_POINTER_BYTES } from '../../domain/records/pointer-seal.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'

/**
 * How batches hide what is in them: each is filled up to one of these sizes, and whether a round without entries sends a
 * batch of the smallest size all the same. `none`: entries go as they come.
 */
export type Padding = 'none' | { sizes: readonly number[]; quietRounds: boolean }

/** Entries of one transaction without padding: far below the block's gas and EIP-7825's bound. */
const BATCH = 100
/** Entries of one round; what is beyond waits for the next. */
const AT_ONCE = 4_000

type Entry = { tag: string; commitment: string; pointer: Uint8Array }

const directory = RecordDirectory__factory.createInterface()

/** Sends entries in batches: as they come, after they were gathered, or padded, in rounds on the boundaries of the clock. */
export function createBatches(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  log: Logger
  vault: Vault
  contracts: Contracts
  batchMs: number
  padding: Padding
  lead: Pick<Lead, 'holds'>
  afterBatch: () => void
}): { soon(): void; close(): Promise<void> } {
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()

  const wait = () =>
    deps.padding === 'none' ? deps.batchMs : deps.batchMs - (deps.clock.now() % Math.max(1, deps.batchMs))

  function soon(): void {
    if (closed || !deps.lead.holds()) return
    timer ??= setTimeout(() => {
      timer = undefined
      if (!deps.lead.holds()) return
      working = batchEntries(deps)
        .then((packed) => {
          if (packed > 0) deps.afterBatch()
          // Rounds follow each other whether there is anything to send or not.
          if (packed > 0 || deps.padding !== 'none') soon()
        })
        .catch((error: unknown) => {
          deps.log.warn({ error }, 'entries wait to be batched')
          soon()
        })
    }, wait())
  }
  soon()

  return {
    soon,
    async close() {
      closed = true
      clearTimeout(timer)
      await working
    },
  }
}

/**
 * Packs entries not yet on their way into transactions, shuffled over all patients, so that neither order nor company
 * tells which belong together (I8), with entries of nobody between them where batches are padded. The bytes are those
 * stored; a retry sends the same.
 * @returns how many entries were packed, those of nobody among them.
 */
async function batchEntries(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  vault: Vault
  contracts: Contracts
  padding: Padding
}): Promise<number> {
  const { db, clock, vault, padding } = deps
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('records')
      .select(['tag', 'commitment', 'pointer'])
      .where('outbox_id', 'is', null)
      .orderBy('seq')
      .limit(AT_ONCE)
      .forUpdate()
      .execute()
    // While nothing can be sent, batches of nobody's entries would only pile up.
    const quiet = rows.length === 0
    if (quiet && (padding === 'none' || !padding.quietRounds || (await isBatchUnsent(trx)))) return 0
    const sizes = sizesOf(rows.length, padding)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const fill = Array.from({ length: total - rows.length }, () => paddingEntry(vault))
    const shuffled = shuffle<Entry>([...rows, ...fill])
    for (const size of sizes) await enqueueBatch(trx, clock, deps.contracts, shuffled.splice(0, size))
    return total
  })
}

/** Sizes of the batches that hold this many entries: as many of the largest as are full, then the smallest that fits. */
export function sizesOf(count: number, padding: Padding): number[] {
  const allowed = padding === 'none' ? [BATCH] : [...padding.sizes].sort((a, b) => a - b)
  const largest = allowed.at(-1) ?? BATCH
  const sizes: number[] = []
  let left = count
  for (; left > largest; left -= largest) sizes.push(largest)
  if (padding === 'none') return left > 0 ? [...sizes, left] : sizes
  return [...sizes, allowed.find((size) => size >= left) ?? largest]
}

/**
 * An entry that is nobody's: random bytes throughout, as a sealed entry looks to whoever has no key. Its commitment is a
 * keyed hash of its tag, so that this hospital alone, and after a loss of its tables too, knows it for what it is.
 */
function paddingEntry(vault: Vault): Entry {
  const tag = `0x${randomBytes(32).toString('hex')}`
  return { tag, commitment: paddingCommitment(vault, tag), pointer: randomBytes(SEALED_POINTER_BYTES) }
}

/** The commitment of an entry that is nobody's, by its tag. */
export function paddingCommitment(vault: Vault, tag: string): Hex {
  return `0x${Buffer.from(vault.lookup('padding', tag), 'base64url').toString('hex')}`
}

async function enqueueBatch(
  trx: Kysely<BrokerTables>,
  clock: Clock,
  contracts: Contracts,
  batch: readonly Entry[],
): Promise<void> {
  const tags = batch.map((row) => row.tag)
  const data = directory.encodeFunctionData('register', [
    tags,
    batch.map((row) => row.commitment),
    `0x${Buffer.concat(batch.map((row) => row.pointer)).toString('hex')}`,
  ]) as Hex
  // Entries that a reorganisation or a faulty node lost are sent a second time, with whatever batch they are in then.
  const dedupeKey = `register/${tags[0] ?? ''}/${clock.now()}`
  const outbox_id = await enqueueCall(trx, clock, {
    contract: contracts.recordDirectory as Hex,
    data,
    dedupeKey,
  })
  await trx.updateTable('records').set({ outbox_id }).where('tag', 'in', tags).execute()
}

async function isBatchUnsent(trx: Kysely<BrokerTables>): Promise<boolean> {
  const row = await trx
    .selectFrom('chain_outbox')
    .select('id')
    .where('status', 'in', ['pending', 'sent'])
    .where('dedupe_key', 'like', 'register/%')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
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
