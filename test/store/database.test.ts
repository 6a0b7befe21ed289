import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, type DatabaseConfig, openDatabase } from '../../src/store/database.ts'

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wayleave-db-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const url = process.env.DATABASE_URL
if (url === undefined) console.info('database tests run on PGlite only: DATABASE_URL is not set')

const databases: [string, () => DatabaseConfig][] = [
  ['PGlite in memory', () => ({ kind: 'pglite' })],
  ['PGlite on disk', () => ({ kind: 'pglite', dir: join(scratch, 'deep', 'er', 'data') })],
]
if (url !== undefined) databases.push(['PostgreSQL', () => ({ kind: 'postgres', url })])

describe.each(databases)('%s', (_name, config) => {
  let database: Database
  beforeAll(async () => {
    database = await openDatabase(config())
    await sql`drop table if exists wl_test`.execute(database.db)
    await sql`create table wl_test (id bigint primary key, bytes bytea, doc jsonb, day date)`.execute(
      database.db,
    )
  })
  afterAll(async () => {
    await sql`drop table if exists wl_test`.execute(database.db)
    await database.close()
  })

  test('every column type means the same on every database', async () => {
    const doc = { list: [1, { a: null }] }
    const bytes = new Uint8Array([0, 255, 92])
    const row = { id: 2 ** 53 - 1, bytes, doc: JSON.stringify(doc), day: '2024-02-29' }
    await database.db.insertInto('wl_test').values(row).execute()
    const read = await database.db.selectFrom('wl_test').selectAll().executeTakeFirstOrThrow()
    expect(read).toEqual({ id: 2 ** 53 - 1, bytes, doc, day: '2024-02-29' })
    expect(read.bytes).toBeInstanceOf(Uint8Array)
    const counted = await sql<{ n: number }>`select count(*) as n from wl_test`.execute(database.db)
    expect(counted.rows).toEqual([{ n: 1 }])
  })

  test('an int8 that a double cannot hold is an error, not a rounded number', async () => {
    await expect(sql`select 9007199254740993::int8 as n`.execute(database.db)).rejects.toThrow(
      /9007199254740993/,
    )
    await expect(sql`select 1::int8 as n`.execute(database.db)).resolves.toMatchObject({ rows: [{ n: 1 }] })
  })

  test('a transaction that throws leaves nothing behind', async () => {
    const failed = database.db.transaction().execute(async (trx) => {
      await trx.insertInto('wl_test').values({ id: 7 }).execute()
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await database.db.selectFrom('wl_test').where('id', '=', 7).select('id').execute()).toEqual([])
  })

  test('a transaction that an error had broken, though it was caught, is not taken for committed', async () => {
    const work = database.db.transaction().execute(async (trx) => {
      await trx.insertInto('wl_test').values({ id: 8 }).execute()
      await sql`select 1 / 0`.execute(trx).catch(() => {})
    })
    await expect(work).rejects.toThrow(/rolled back/)
    expect(await database.db.selectFrom('wl_test').where('id', '=', 8).select('id').execute()).toEqual([])
  })

  test('an error has its SQLSTATE, and the next query is answered', async () => {
    const failed = sql`select ${'Jansen'}::int`.execute(database.db)
    await expect(failed).rejects.toMatchObject({ code: '22P02' })
    expect((await sql<{ n: number }>`select ${1}::int as n`.execute(database.db)).rows).toEqual([{ n: 1 }])
  })

  test('arrays are passed whole, whatever is in them', async () => {
    const texts = ['a', '', 'NULL', 'with "quotes", \\\\ and {braces}', null, ' blank ']
    const { rows } = await sql<{ n: string[] }>`select ${texts}::text[] as n`.execute(database.db)
    expect(rows).toEqual([{ n: texts }])
  })

  test('a query outside a transaction waits for its end, and does not take part in it', async () => {
    let outside: Promise<unknown[]> | undefined
    const work = database.db.transaction().execute(async (trx) => {
      await trx.insertInto('wl_test').values({ id: 9 }).execute()
      outside = database.db.selectFrom('wl_test').where('id', '=', 9).select('id').execute()
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await outside).toEqual([])
  })

  test('a notification reaches the listener after commit, and none after it stopped', async () => {
    const heard: string[] = []
    const stop = await database.listen('wl_test', (payload) => heard.push(payload))
    await sql`select pg_notify('wl_test', 'one')`.execute(database.db)
    await expect.poll(() => heard).toEqual(['one'])
    await stop()
    await sql`select pg_notify('wl_test', 'two')`.execute(database.db)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heard).toEqual(['one'])
  })
})

describe('a PGlite folder', () => {
  test('keeps what was committed when it is opened again', async () => {
    const dir = join(scratch, 'again')
    const first = await openDatabase({ kind: 'pglite', dir })
    await sql`create table kept as select 1 as n`.execute(first.db)
    await first.close()
    await first.close()
    const second = await openDatabase({ kind: 'pglite', dir })
    expect((await sql`select n from kept`.execute(second.db)).rows).toEqual([{ n: 1 }])
    await second.close()
  })

  test('cannot be opened twice, not even by the same process', async () => {
    const dir = join(scratch, 'twice')
    const first = await openDatabase({ kind: 'pglite', dir })
    await expect(openDatabase({ kind: 'pglite', dir })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    await first.close()
    await (await openDatabase({ kind: 'pglite', dir })).close()
  })

  test('is free again when the process that held it was killed, and has every acknowledged row', async () => {
    const dir = join(scratch, 'killed')
    const script = join(scratch, 'holder.ts')
    const opener = new URL('../../src/store/database.ts', import.meta.url).href
    const kysely = import.meta.resolve('kysely')
    await writeFile(
      script,
      `import { openDatabase } from ${JSON.stringify(opener)}
       import { sql } from ${JSON.stringify(kysely)}
       const { db } = await openDatabase({ kind: 'pglite', dir: ${JSON.stringify(dir)} })
       await sql\`create table rows (n int)\`.execute(db)
       for (let n = 1; ; n++) { await sql\`insert into rows values (\${n})\`.execute(db); console.log(n) }`,
    )
    const holder = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let acknowledged = 0
    holder.stdout.on('data', (chunk: Buffer) => {
      acknowledged = Number(chunk.toString().trim().split('\n').at(-1))
    })
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toBeGreaterThan(50)
    await expect(openDatabase({ kind: 'pglite', dir })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
    holder.kill('SIGKILL')
    await once(holder, 'close')
    const database = await openDatabase({ kind: 'pglite', dir })
    const { rows } = await sql<{ n: number }>`select max(n) as n from rows`.execute(database.db)
    expect(rows[0]?.n).toBeGreaterThanOrEqual(acknowledged)
    await database.close()
  }, 30_000)

  test('is made from one template, however many processes need it first', async () => {
    const cache = join(scratch, 'cache')
    const template = new URL('../../src/store/dialects/pglite-template.ts', import.meta.url).href
    const script = join(scratch, 'builder.ts')
    await writeFile(
      script,
      `import { pgliteTemplate } from ${JSON.stringify(template)}
       const { dataDir } = await pgliteTemplate(${JSON.stringify(cache)})
       console.log(dataDir)`,
    )
    const builders = Array.from({ length: 3 }, async () => {
      const builder = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const chunks: Buffer[] = []
      builder.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      const [code] = await once(builder, 'close')
      return { code, dataDir: Buffer.concat(chunks).toString().trim() }
    })
    const built = await Promise.all(builders)
    expect(built.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(new Set(built.map(({ dataDir }) => dataDir)).size).toBe(1)
    expect(await readdir(cache)).toEqual([expect.stringMatching(/^pglite-[\d.]+-small$/)])
  }, 60_000)

  test('that holds something else is refused and left alone', async () => {
    const dir = await mkdtemp(join(scratch, 'other-'))
    await writeFile(join(dir, 'letter.txt'), 'dear')
    await expect(openDatabase({ kind: 'pglite', dir })).rejects.toThrow(/not empty and is not a database/)
  })
})
