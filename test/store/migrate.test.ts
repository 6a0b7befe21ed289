import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { openBrokerTables, openIndexTables } from '../../src/store/migrate.ts'
import { freshDatabase, openFreshDatabase } from '../support/databases.ts'

describe('the tables of a broker and of its index', () => {
  let database: Database
  beforeAll(async () => {
    database = await openFreshDatabase()
  })
  afterAll(() => database.close())

  test('are made beside each other in one database, and can be opened again and at the same time', async () => {
    for (let start = 0; start < 3; start++) {
      const [broker, index] = await Promise.all([openBrokerTables(database.db), openIndexTables(database.db)])
      expect(await broker.selectFrom('patients').selectAll().execute()).toEqual([])
      expect(await index.selectFrom('blocks').selectAll().execute()).toEqual([])
    }
    const { rows } = await sql<{ schema: string; n: number }>`
      select table_schema as schema, count(*) as n from information_schema.tables
      where table_name not like 'kysely%' and table_schema in ('broker', 'chain_index', 'public')
      group by table_schema order by table_schema`.execute(database.db)
    expect(rows.map((row) => row.schema)).toEqual(['broker', 'chain_index'])
  })

  test('are found by name in and out of transactions, whatever the search path is', async () => {
    const broker = await openBrokerTables(database.db)
    await broker.insertInto('feed').values({ name: 'fhir', since: '2026-01-01T00:00:00Z' }).execute()
    const seen = await broker.transaction().execute(async (trx) => {
      await trx.insertInto('feed').values({ name: 'other', since: '2026-01-02T00:00:00Z' }).execute()
      return trx.selectFrom('feed').select('name').orderBy('name').execute()
    })
    expect(seen).toEqual([{ name: 'fhir' }, { name: 'other' }])
    const { rows } = await sql<{ path: string }>`select current_setting('search_path') as path`.execute(
      database.db,
    )
    expect(rows[0]?.path).not.toContain('broker')
  })

  test('a transaction that fails takes its broker rows back', async () => {
    const broker = await openBrokerTables(database.db)
    const failing = broker.transaction().execute(async (trx) => {
      await trx.insertInto('feed').values({ name: 'gone', since: 'x' }).execute()
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await broker.selectFrom('feed').select('name').where('name', '=', 'gone').execute()).toEqual([])
  })

  test('dropping the index leaves the broker its rows, and the index comes back empty (I10)', async () => {
    const broker = await openBrokerTables(database.db)
    const index = await openIndexTables(database.db)
    await index.insertInto('blocks').values({ number: 1, hash: '0x1', parent: '0x0', time: 5 }).execute()
    await sql`drop schema chain_index cascade`.execute(database.db)
    const again = await openIndexTables(database.db)
    expect(await again.selectFrom('blocks').selectAll().execute()).toEqual([])
    expect(await broker.selectFrom('feed').select('name').execute()).not.toEqual([])
  })
})

test('tables on disk are still there, and brought up to date, at the next start', async () => {
  const { config, remove } = await freshDatabase('on disk')
  onTestFinished(remove)
  const first = await openDatabase(config)
  const made = await openBrokerTables(first.db)
  await made.insertInto('feed').values({ name: 'fhir', since: 's' }).execute()
  await first.close()
  const second = await openDatabase(config)
  const found = await openBrokerTables(second.db)
  expect(await found.selectFrom('feed').selectAll().execute()).toEqual([{ name: 'fhir', since: 's' }])
  await second.close()
})
