import type { Kysely } from 'kysely'
import { openPgliteInMemory, openPgliteOnDisk } from './dialects/pglite.ts'
import { openPostgres } from './dialects/postgres.ts'

/** Where data is kept: PGlite in a folder (without one: in memory) for trying, PostgreSQL for real. */
export type DatabaseConfig = { kind: 'pglite'; dir?: string } | { kind: 'postgres'; url: string }

/**
 * An open database. Both kinds answer alike: int8 is a number (an error when it would not be exact), bytea a
 * Uint8Array, json and jsonb are parsed, date is its ten characters, timestamptz a Date, numeric a string. Write json
 * with `JSON.stringify`: node-postgres would take a bare array for an SQL array.
 */
export type Database = {
  // biome-ignore lint/suspicious/noExplicitAny: whoever owns a schema gives its tables their types
  readonly db: Kysely<any>
  readonly kind: 'pglite' | 'postgres'
  /**
   * Hears `NOTIFY channel`. An empty payload may also mean that a lost connection is back and that notices may have
   * been missed. Resolves to a function that stops listening.
   */
  listen(channel: string, onNotification: (payload: string) => void): Promise<() => Promise<void>>
  /** Waits for what runs and closes. May be called twice. */
  close(): Promise<void>
}

/**
 * Opens a database, creating a PGlite folder when there is none. PGlite has one connection: inside a transaction,
 * a query that does not go through it waits for ever.
 * @throws FolderInUseError when another process has the PGlite folder open.
 */
export async function openDatabase(config: DatabaseConfig): Promise<Database> {
  if (config.kind === 'postgres') return openPostgres(config.url)
  return config.dir === undefined ? openPgliteInMemory() : openPgliteOnDisk(config.dir)
}
