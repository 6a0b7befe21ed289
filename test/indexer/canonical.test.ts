import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/domain/evidence/canonical-row.ts'
import { linesOf } from '../../src/indexer/canonical/rows.ts'
import { createRowHashes, type RowHashes, viewLineOf } from '../../src/indexer/index.ts'
import { createTestChain, type TestChain, type TestMember } from '../chain/test-chain.ts'
import { seeded } from '../seeded.ts'
import { freshDatabase, type TestDatabase } from '../support/databases.ts'
import { openIndex, type TestIndex } from './index-world.ts'

let chain: TestChain
let hospital: TestMember
let view: ReturnType<typeof sha256>
const opened: (TestIndex | TestDatabase)[] = []
beforeAll(async () => {
  chain = await createTestChain()
  hospital = await chain.member('urn:oid:2.999.1|hospital')
  view = sha256(viewLineOf(78_230, chain.contracts))
  // Events of several kinds, blocks with many and with none, over several hundred blocks.
  for (let i = 0; i < 12; i++) {
    await chain.register(hospital, ...Array.from({ length: 1 + (i % 5) * 7 }, (_, n) => `${i}/${n}`))
    if (i % 4 === 0) await chain.council.joinGroup(view, hospital.id)
    if (i % 4 === 1) await chain.council.leaveGroup(view, hospital.id)
    await chain.mine([1, 30, 70, 3][i % 4] as number)
  }
  // A hundredth block with a row in it.
  await chain.mine(99 - ((await chain.height()) % 100))
  await chain.register(hospital, 'in a hundredth block')
  expect((await chain.height()) % 100).toBe(0)
  await chain.mine(1)
}, 60_000)
afterAll(async () => {
  for (const one of opened.reverse()) await ('remove' in one ? one.remove() : one.close())
  await chain.close()
})

async function open(...args: Parameters<typeof openIndex> extends [unknown, ...infer R] ? R : never) {
  const index = await openIndex(chain, ...args)
  opened.push(index)
  return index
}

/** The dump, without its first line, which is what every member that follows these contracts has. */
async function dumpOf({ db }: TestIndex, to = Number.MAX_SAFE_INTEGER): Promise<string[]> {
  const lines: string[] = []
  for await (const page of linesOf(db, { after: -1, to })) lines.push(...page.map(({ line }) => line))
  return lines
}

const hashesOf = (index: TestIndex): RowHashes =>
  createRowHashes({ db: index.db, start: view, from: chain.deployedAt })
const stored = ({ db }: TestIndex) => db.selectFrom('row_hashes').selectAll().orderBy('block').execute()

/** The running hash as its definition reads, from the dump alone. */
function byDefinition(lines: readonly string[], to: number) {
  const counted = lines.filter((line) => (JSON.parse(line) as { block: number }).block <= to)
  const hash = counted.reduce<Buffer>(
    (before, line) => createHash('sha256').update(before).update(line).digest(),
    createHash('sha256').update(viewLineOf(78_230, chain.contracts)).digest(),
  )
  return { block: to, rows: counted.length, hash: `0x${hash.toString('hex')}` }
}

test('whatever the ranges, the database and the mishaps, an index of one chain dumps the same bytes, and hashes them the same (I10)', async () => {
  const { seed } = seeded({})
  const whole = await open()
  await whole.follow()
  const dump = await dumpOf(whole)
  expect(dump.length).toBeGreaterThan(150)
  // RFC 8785: keys in order, no white space; and nothing that another index could have otherwise.
  expect(dump[0]).toBe(JSON.stringify(JSON.parse(dump[0] ?? '')))
  expect(Object.keys(JSON.parse(dump[0] ?? '') as object)).toEqual([
    ...['args', 'block', 'contract', 'event', 'logIndex', 'transaction'],
  ])

  // On PGlite, also where the others are on PostgreSQL; few blocks at a time, and all at once.
  const embedded = await open({ kind: 'pglite' }, 1 + (seed % 40))
  await embedded.follow()

  // The chain loses blocks that were indexed and hashed, and others take their place.
  const reorganised = await open(undefined, 40)
  const hashes = hashesOf(reorganised)
  reorganised.indexer.onReorganisation((block) => hashes.rewind(block))
  const snapshot = (await chain.provider.send('evm_snapshot', [])) as string
  await chain.register(hospital, 'lost')
  await chain.mine(210)
  await reorganised.follow()
  const lost = await hashes.follow(await chain.height())
  expect(await chain.provider.send('evm_revert', [snapshot])).toBe(true)
  await reorganised.follow()
  expect(await hashes.at(lost?.block ?? 0)).toBeUndefined()

  // A crash within a range: nothing of it is there, and the rest comes after.
  const database = await freshDatabase('on disk')
  opened.push(database)
  const crashed = await openIndex(chain, database.config, 50)
  await sql`create function chain_index.crash() returns trigger language plpgsql as
    $$ begin if new.block > 200 then raise exception 'killed'; end if; return new; end $$`.execute(crashed.db)
  await sql`create trigger crash before insert on chain_index.events for each row execute function chain_index.crash()`.execute(
    crashed.db,
  )
  await crashed.follow()
  await hashesOf(crashed).follow(crashed.indexer.position())
  expect((await dumpOf(crashed)).length).toBeLessThan(dump.length)
  await sql`drop trigger crash on chain_index.events`.execute(crashed.db)
  await crashed.close()
  const resumed = await open(database.config, 333)
  await resumed.follow()

  const bytes = dump.join('\n')
  const last = await chain.height()
  const wanted = Array.from({ length: Math.floor(last / 100) }, (_, i) => byDefinition(dump, 100 * (i + 1)))
  expect(wanted.length).toBeGreaterThan(3)
  for (const index of [whole, embedded, reorganised, resumed]) {
    expect((await dumpOf(index)).join('\n')).toBe(bytes)
    await hashesOf(index).follow(last)
    expect(await stored(index)).toEqual(wanted)
  }
  expect((await dumpOf(whole, 300)).join('\n')).toBe(
    dump.filter((line) => (JSON.parse(line) as { block: number }).block <= 300).join('\n'),
  )
}, 60_000)

test('the running hash goes on by whatever steps, and hashes nothing twice', async () => {
  const [index, other] = opened as [TestIndex, TestIndex]
  const last = await chain.height()
  const steps = hashesOf(index)
  await steps.rewind(0)
  expect(await steps.follow(99)).toBeUndefined()
  for (let block = 100; block <= last; block += 7) await steps.follow(block)
  expect(await stored(index)).toEqual(await stored(other))
  // A row that is changed below what is hashed is found by comparing dumps, and not by chance by going on.
  await sql`update chain_index.events set args = replace(args, 'a', 'b') where block <= 100`.execute(index.db)
  await steps.follow(last)
  expect(await stored(index)).toEqual(await stored(other))
  await steps.rewind(0)
  await steps.follow(last)
  expect(await stored(index)).not.toEqual(await stored(other))
})
