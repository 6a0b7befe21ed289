import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import type { Kysely } from 'kysely'
import { showLine, shownLeaf } from '../../../domain/audit/leaf.ts'
import type { KeptWindow } from '../../../domain/audit/reconcile/kept.ts'
import type { ProvenLine } from '../../../domain/audit/reconcile/pair.ts'
import type { Hex } from '../../../domain/hex.ts'
import { type EvidencePeriod, type EvidencePlace, MOST_LINES } from '../../../exchange/evidence.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import type { Vault } from '../../../store/vault.ts'
import { keptWindows } from './kept-windows.ts'

/** Windows that one page looks through at most. */
const MOST_WINDOWS = 5_000

export type EvidencePage = { lines: ProvenLine[]; next?: EvidencePlace }

/**
 * What this member's log says of its exchanges with another one: what both know of each line, and the way from its leaf to the
 * root. Nothing of what else the entries say, and nothing about anybody else. Only windows that are on the chain.
 */
export async function showEvidence(
  { db, vault }: { db: Kysely<BrokerTables>; vault: Vault },
  peer: Hex,
  { since, until, after }: EvidencePeriod,
): Promise<EvidencePage> {
  const lines: ProvenLine[] = []
  let windows = 0
  const last = await lastAnchored(db)
  const from = { since: Math.floor(since / 1000), after: after ? after.window - 1 : 0 }
  for await (const window of keptWindows({ db, vault }, from)) {
    if (window.number > last || window.from * 1000 >= until) break
    const skip = after?.window === window.number ? after.shown : 0
    const shown = linesOf(window, peer)
    for (const [i, line] of shown.entries()) {
      if (i < skip) continue
      if (lines.length >= MOST_LINES) return { lines, next: { window: window.number, shown: i } }
      lines.push(line)
    }
    if (++windows >= MOST_WINDOWS) return { lines, next: { window: window.number, shown: shown.length } }
  }
  return { lines }
}

/** Entries that were hashed whole, as those of earlier versions are, cannot be shown in part. */
function linesOf({ number, entries, padding }: KeptWindow, peer: Hex): ProvenLine[] {
  let tree: ReturnType<typeof SimpleMerkleTree.of> | undefined
  return entries.flatMap(({ body, leaf }) => {
    if (body === undefined || body === 'unreadable') return []
    const shown = showLine(body.salt, body.entry)
    if (!shown || (shown.shared.custodian !== peer && shown.shared.requester !== peer)) return []
    if (shownLeaf(shown) !== leaf) return []
    tree ??= SimpleMerkleTree.of([...entries.map((entry) => entry.leaf), padding])
    return [{ ...shown, window: number, path: tree.getProof(leaf) as Hex[] }]
  })
}

async function lastAnchored(db: Kysely<BrokerTables>): Promise<number> {
  const row = await db
    .selectFrom('windows')
    .innerJoin('chain_outbox', 'chain_outbox.id', 'windows.outbox_id')
    .select('number')
    .where('status', '=', 'mined')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.number ?? 0
}
