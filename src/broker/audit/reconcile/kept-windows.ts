import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../../domain/audit/audit-entry.ts'
import type { KeptEntry, KeptWindow } from '../../../domain/audit/reconcile/kept.ts'
import type { Hex } from '../../../domain/hex.ts'
import type { BrokerTables } from '../../../store/schema.ts'
import { openJson, type Vault } from '../../../store/vault.ts'

type Store = { db: Kysely<BrokerTables>; vault: Vault }

/** Windows, and entries without one, that are read at once. */
const PAGE = 200

type Row = { seq: number; at: string; leaf: string; salt: Uint8Array | null; sealed: Uint8Array | null }
const COLUMNS = ['seq', 'at', 'leaf', 'salt', 'sealed'] as const

function keptOf(vault: Vault, { seq, at, leaf, salt, sealed }: Row): KeptEntry {
  return { seq, at, leaf: leaf as Hex, body: bodyOf(vault, salt, sealed) }
}

function bodyOf(vault: Vault, salt: Uint8Array | null, sealed: Uint8Array | null): KeptEntry['body'] {
  if (salt === null || sealed === null) return undefined
  try {
    return { salt, entry: openJson<AuditEntry>(vault.storeKey, sealed) }
  } catch {
    return 'unreadable'
  }
}

/** The books' windows with their entries, in order, one at a time. @param since those that end later; seconds */
export async function* keptWindows(
  { db, vault }: Store,
  { since = 0, after = 0 }: { since?: number; after?: number } = {},
): AsyncGenerator<KeptWindow> {
  let last = after
  for (;;) {
    const windows = await db
      .selectFrom('windows')
      .select(['number', 'from_time', 'until_time', 'root', 'padding'])
      .where('number', '>', last)
      .where('until_time', '>', since)
      .orderBy('number')
      .limit(PAGE)
      .execute()
    if (windows.length === 0) return
    const numbers = windows.map(({ number }) => number)
    const filled = await db
      .selectFrom('access_log')
      .select('window_number')
      .distinct()
      .where('window_number', 'in', numbers)
      .execute()
    const isFilled = new Set(filled.map(({ window_number }) => Number(window_number)))
    for (const { number, from_time, until_time, root, padding } of windows) {
      const entries = isFilled.has(number) ? await entriesOf({ db, vault }, number) : []
      yield {
        ...{ number, from: from_time, until: until_time, entries },
        ...{ root: root as Hex, padding: padding as Hex },
      }
    }
    last = numbers.at(-1) ?? last
  }
}

async function entriesOf({ db, vault }: Store, window: number): Promise<KeptEntry[]> {
  const rows: Row[] = await db
    .selectFrom('access_log')
    .select(COLUMNS)
    .where('window_number', '=', window)
    .orderBy('seq')
    .execute()
  return rows.map((row) => keptOf(vault, row))
}

/** Entries in no window, and those whose window the books do not have, page by page. */
export async function* entriesWithoutWindow(
  { db, vault }: Store,
  since: string,
): AsyncGenerator<KeptEntry[]> {
  let last = 0
  for (;;) {
    const rows: Row[] = await db
      .selectFrom('access_log')
      .select(COLUMNS)
      .where('seq', '>', last)
      .where('at', '>=', since)
      .where((eb) =>
        eb.or([
          eb('window_number', 'is', null),
          eb('window_number', 'not in', eb.selectFrom('windows').select('number')),
        ]),
      )
      .orderBy('seq')
      .limit(PAGE)
      .execute()
    if (rows.length === 0) return
    yield rows.map((row) => keptOf(vault, row))
    last = rows.at(-1)?.seq ?? last
  }
}
