import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { pathOf, type WindowProof } from '../../domain/evidence/window-proof.ts'
import { type Hex, toHex } from '../../domain/hex.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, type Vault } from '../../store/vault.ts'

/**
 * The proof that an entry of this member's log lies in an anchored window.
 * @param id of the entry, which is that of its AuditEvent
 * @throws WayleaveError `not-found` for what is not of the own log; `not-ready` while its window is not on the chain
 */
export async function proveEntry(
  deps: { db: Kysely<BrokerTables>; vault: Vault; member: Hex; chainId: number },
  id: string,
): Promise<WindowProof> {
  const { db, vault, member, chainId } = deps
  const known = await db.selectFrom('audit_events').select('recorded').where('id', '=', id).executeTakeFirst()
  // The log keeps its entries sealed: those of the same millisecond are opened.
  const rows = known
    ? await db
        .selectFrom('access_log')
        .selectAll()
        .where('at', '=', known.recorded)
        .where('sealed', 'is not', null)
        .execute()
    : []
  // Of what was deleted at the end of its retention the leaf is left: it proves what somebody else has kept.
  const opened = rows.flatMap(({ sealed, salt, ...row }) =>
    sealed && salt ? [{ row, salt, entry: openJson<AuditEntry>(vault.storeKey, sealed) }] : [],
  )
  const found = opened.find(({ entry }) => entry.id === id)
  // Of what others wrote on the chain there is no entry: it proves itself.
  if (!found) throw wayleaveError('not-found')
  const { row, salt, entry } = found
  const window = await db
    .selectFrom('windows')
    .innerJoin('chain_outbox', 'chain_outbox.id', 'windows.outbox_id')
    .select(['number', 'root', 'padding'])
    .where('number', '=', row.window_number ?? -1)
    .where('status', '=', 'mined')
    .executeTakeFirst()
  if (!window) throw wayleaveError('not-ready', 'the window is not anchored yet')
  const leaves = await db
    .selectFrom('access_log')
    .select('leaf')
    .where('window_number', '=', window.number)
    .orderBy('seq')
    .execute()
  return {
    format: 'wayleave-window-proof-1',
    ...{ chainId, member, window: window.number, root: window.root as Hex, entry },
    salt: toHex(salt),
    path: pathOf(
      leaves.map(({ leaf }) => leaf),
      window.padding,
      row.leaf,
    ),
  }
}
