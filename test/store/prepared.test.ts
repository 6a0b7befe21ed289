import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { prepared } from '../../src/store/prepared.ts'
import { openFreshDatabase } from '../support/databases.ts'

type Tables = { things: { id: number; name: string | null; bytes: Uint8Array; note: string } }

let database: Database
let db: Kysely<Tables>
beforeAll(async () => {
  database = await openFreshDatabase()
  await sql`create schema prepared_test`.execute(database.db)
  await sql`create table prepared_test.things (id int primary key, name text, bytes bytea not null, note text not null)`.execute(
    database.db,
  )
  db = database.db.withSchema('prepared_test')
})
afterAll(async () => {
  await sql`drop schema prepared_test cascade`.execute(database.db)
  await database.close()
})

type Row = { id: number; name: string | null; bytes: Uint8Array }
const insert = prepared(['id', 'name', 'bytes'], (on: Kysely<Tables>, row: Row) =>
  on
    .insertInto('things')
    .values({ ...row, note: 'the same each time' })
    .returning('id'),
)
const find = prepared(
  ['least', 'name'],
  (on: Kysely<Tables>, { least, name }: { least: number; name: string }) =>
    on
      .selectFrom('things')
      .selectAll()
      .where('id', '>=', least)
      .where((eb) => eb.or([eb('name', '=', name), eb('name', 'is', null), eb('id', '=', least)]))
      .orderBy('id'),
)

test('a query that is built once says each time what it is given, nothing and bytes included', async () => {
  for (const [id, name] of [
    [1, 'one'],
    [2, null],
    [3, "three'; drop table things; --"],
  ] as const)
    expect(await insert(db, { id, name, bytes: Buffer.from([id, 0, 255]) })).toEqual([{ id }])
  const found = await find(db, { least: 1, name: "three'; drop table things; --" })
  expect(found.map(({ id, name, note }) => [id, name, note])).toEqual([
    [1, 'one', 'the same each time'],
    [2, null, 'the same each time'],
    [3, "three'; drop table things; --", 'the same each time'],
  ])
  expect([...(found[2]?.bytes ?? [])]).toEqual([3, 0, 255])
  expect((await find(db, { least: 2, name: 'none' })).map(({ id }) => id)).toEqual([2])
})

test('it runs within a transaction like any other, and is undone with it', async () => {
  await db
    .transaction()
    .execute(async (trx) => {
      await insert(trx, { id: 9, name: 'nine', bytes: Buffer.alloc(0) })
      throw new Error('no')
    })
    .catch(() => {})
  expect(await find(db, { least: 9, name: 'nine' })).toEqual([])
})

test('a value that stands nowhere in the query is a mistake, and is said', async () => {
  const wrong = prepared(['id', 'other'], (on: Kysely<Tables>, { id }: { id: number; other: string }) =>
    on.selectFrom('things').selectAll().where('id', '=', id),
  )
  await expect(wrong(db, { id: 1, other: 'x' })).rejects.toThrow('other')
})
