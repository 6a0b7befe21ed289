import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { type DatabaseConfig, openDatabase } from '../../src/store/database.ts'

/** An empty database that can be closed and opened again, until it is removed. */
export type TestDatabase = { config: DatabaseConfig; remove: () => Promise<void> }

/** A database of its own on a PostgreSQL server. */
export async function freshPostgres(
  server: string,
  name = `test_${randomUUID().replaceAll('-', '')}`,
): Promise<TestDatabase & { config: { kind: 'postgres'; url: string } }> {
  const tell = async (statement: string) => {
    const database = await openDatabase({ kind: 'postgres', url: server })
    await sql.raw(statement).execute(database.db)
    await database.close()
  }
  await tell(`create database ${name}`)
  const own = new URL(server)
  own.pathname = `/${name}`
  return {
    config: { kind: 'postgres', url: own.href },
    remove: () => tell(`drop database ${name} with (force)`),
  }
}

/**
 * A database for a test of something that keeps rows: on the PostgreSQL server that `DATABASE_URL` names, as in
 * `npm run test:real`; PGlite without one. In memory it is quicker, and may be gone when it is closed.
 */
export async function freshDatabase(where: 'in memory' | 'on disk'): Promise<TestDatabase> {
  const server = process.env.DATABASE_URL
  if (server !== undefined) return freshPostgres(server)
  if (where === 'in memory') return { config: { kind: 'pglite' }, remove: async () => {} }
  const dir = await mkdtemp(join(tmpdir(), 'wayleave-db-'))
  return {
    config: { kind: 'pglite', dir: join(dir, 'data') },
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

/** The same, opened; closing removes it. */
export async function openFreshDatabase() {
  const { config, remove } = await freshDatabase('in memory')
  const database = await openDatabase(config)
  return {
    ...database,
    async close() {
      await database.close()
      await remove()
    },
  }
}
