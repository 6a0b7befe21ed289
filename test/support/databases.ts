import { createHash, randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openFhirTables } from '../../src/sandbox/fhir-server/tables.ts'
import { type Database, type DatabaseConfig, openDatabase } from '../../src/store/database.ts'
import { dumpPglite, openPgliteInMemory } from '../../src/store/dialects/pglite.ts'
import { MADE_ONCE, madeOnce } from '../../src/store/made-once.ts'
import { openBrokerTables, openIndexTables } from '../../src/store/migrate.ts'

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

const root = join(import.meta.dirname, '..', '..')

/** What the tables of a hospital are made by; another sum, another database to begin with. */
const MADE_BY = ['src/store/**/*.ts', 'src/sandbox/fhir-server/tables.ts', 'package-lock.json']

let prepared: Promise<Blob> | undefined

/** A database that has every table of a hospital, empty, made once: to make them anew for each would take longer than to open it. */
async function preparedDatabase(): Promise<Blob> {
  const hash = createHash('sha256')
  for (const file of globSync(MADE_BY, { cwd: root }).sort())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  const cache = join(root, 'node_modules', ...MADE_ONCE)
  const folder = join(cache, `tables-${hash.digest('hex').slice(0, 16)}`)
  const made = await madeOnce(folder, async (partial) => {
    for (const old of globSync(`tables-${'?'.repeat(16)}`, { cwd: cache }))
      await rm(join(cache, old), { recursive: true })
    const dump = await dumpPglite(async (db) => {
      await openBrokerTables(db)
      await openIndexTables(db)
      await openFhirTables(db, 'fhir')
    })
    await writeFile(join(partial, 'data.tar'), Buffer.from(await dump.arrayBuffer()))
  })
  if (!made) throw new Error(`${cache} cannot be written`)
  return new Blob([await readFile(join(folder, 'data.tar'))])
}

/** A hospital's database as its broker leaves it after its first start, opened; closing removes it. */
export async function openHospitalDatabase(): Promise<Database> {
  if (process.env.DATABASE_URL !== undefined) return openFreshDatabase()
  prepared ??= preparedDatabase()
  return openPgliteInMemory(await prepared)
}
