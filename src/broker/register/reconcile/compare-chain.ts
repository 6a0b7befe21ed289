import type { JsonRpcProvider } from 'ethers'
import type { Kysely } from 'kysely'
import { RecordDirectory__factory } from '../../../chain/contracts.ts'
import { type Hex, ZERO_32 } from '../../../domain/hex.ts'
import type { IndexQueries } from '../../../indexer/index.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import type { Vault } from '../../../store/vault.ts'
import { paddingCommitment } from '../directory-batches.ts'
import type { Findings } from './findings.ts'

/** Blocks whose events are asked for at once. */
const RANGE = 2_000
const PART = 500

const directory = RecordDirectory__factory.createInterface()

type ChainDeps = {
  db: Kysely<BrokerTables>
  provider: JsonRpcProvider
  index: IndexQueries
  vault: Vault
  member: Hex
  /** The directory that is written, then those that it took over from. */
  directories: readonly Hex[]
  deployedAt: number
  findings: Findings
  progress: (done: number, of: number | null) => void
  goOn: () => void
}

/** Every entry on the chain in this member's name is in its books as it stands there, or nobody's; read from its own node. */
export async function compareChain(deps: ChainDeps): Promise<void> {
  const { provider, directories, deployedAt } = deps
  const head = await provider.getBlockNumber()
  const registered = directory.getEvent('RecordRegistered')?.topicHash ?? ''
  for (let from = deployedAt; from <= head; from += RANGE) {
    deps.goOn()
    const logs = await provider.getLogs({
      address: [...directories],
      topics: [registered, deps.member],
      fromBlock: from,
      toBlock: Math.min(from + RANGE - 1, head),
    })
    const entries = logs.flatMap((log) => {
      const event = directory.parseLog(log)
      return event ? [event.args.toObject() as { tag: string; commitment: string; pointer: string }] : []
    })
    for (let i = 0; i < entries.length; i += PART) await compareEntries(deps, entries.slice(i, i + PART))
    deps.progress(Math.min(from + RANGE, head + 1) - deployedAt, head + 1 - deployedAt)
  }
}

async function compareEntries(
  { db, vault, findings }: ChainDeps,
  entries: readonly { tag: string; commitment: string; pointer: string }[],
): Promise<void> {
  const rows = await db
    .selectFrom('records')
    .select(['tag', 'commitment', 'pointer'])
    .where(
      'tag',
      'in',
      entries.map(({ tag }) => tag),
    )
    .execute()
  const books = new Map(rows.map((row) => [row.tag, row]))
  for (const { tag, commitment, pointer } of entries) {
    const row = books.get(tag)
    if (!row) {
      if (paddingCommitment(vault, tag) === commitment) findings.counts.padding++
      else findings.add({ kind: 'unknown', what: tag })
    } else if (row.commitment !== commitment || `0x${Buffer.from(row.pointer).toString('hex')}` !== pointer)
      findings.add({ kind: 'altered', what: tag })
  }
}

/**
 * Every entry in the books is on the chain, or on its way there.
 * @returns tags of those that are not, and that nobody will send.
 */
export async function compareSent(deps: ChainDeps): Promise<string[]> {
  const { db, index, findings, member } = deps
  const [current = ''] = deps.directories
  const contract = RecordDirectory__factory.connect(current, deps.provider)
  const lost: string[] = []
  let last = 0
  for (;;) {
    deps.goOn()
    const rows = await db
      .selectFrom('records')
      .leftJoin('chain_outbox', 'chain_outbox.id', 'records.outbox_id')
      .select(['records.seq', 'records.tag', 'records.commitment', 'chain_outbox.status'])
      .where('records.seq', '>', last)
      .orderBy('records.seq')
      .limit(PART)
      .execute()
    const sent = rows.filter(({ status }) => status === 'mined' || status === 'failed')
    findings.counts.entries += rows.length
    findings.counts.waiting += rows.length - sent.length
    const there = await index.pointers(
      member,
      sent.map(({ tag }) => tag as Hex),
    )
    for (const { tag, commitment } of sent) {
      if (there.has(tag as Hex)) continue
      // The index may lag, and may be wrong: the contract has the last word.
      const stands = await contract.commitmentOf(member, tag)
      if (stands === commitment) continue
      if (stands !== ZERO_32) continue // told as altered, by its event
      findings.add({ kind: 'unsent', what: tag })
      lost.push(tag)
    }
    last = rows.at(-1)?.seq ?? last
    deps.progress(findings.counts.entries, null)
    if (rows.length < PART) return lost
  }
}
