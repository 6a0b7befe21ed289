import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createReplayStore } from '../../src/store/replay.ts'
import { freshDatabase, openFreshDatabase } from '../support/databases.ts'

const START = Date.UTC(2026, 0, 1)

test('what was used once is refused by every replica, at the same moment and after a restart', async () => {
  const { config, remove } = await freshDatabase('on disk')
  onTestFinished(remove)
  let now = START
  const clock = { now: () => now, monotonic: () => now }
  const first = await openDatabase(config)
  const db = await openBrokerTables(first.db)
  const [one, two] = [createReplayStore({ db, clock }), createReplayStore({ db, clock })]
  const answers = await Promise.all([one('dpop/a', START + 60_000), two('dpop/a', START + 60_000)])
  expect(answers.sort()).toEqual([false, true])
  expect(await two('dpop/b', START + 60_000)).toBe(true)
  await first.close()

  now = START + 1_000
  const second = await openDatabase(config)
  const after = createReplayStore({ db: await openBrokerTables(second.db), clock })
  expect(await after('dpop/a', now + 60_000)).toBe(false)
  await second.close()
})

test('what has expired is forgotten in time, and only that', async () => {
  let now = START
  const clock = { now: () => now, monotonic: () => now }
  const database = await openFreshDatabase()
  const db = await openBrokerTables(database.db)
  const remember = createReplayStore({ db, clock })
  await remember('short', START + 10_000)
  await remember('long', START + 600_000)
  now = START + 61_000
  await remember('another', now + 10_000)
  const keys = await db.selectFrom('replay').select('key').orderBy('key').execute()
  expect(keys.map(({ key }) => key)).toEqual(['another', 'long'])
  await database.close()
})

test('a store that cannot be written admits nothing: the caller gets an error, not a yes', async () => {
  const database = await openFreshDatabase()
  const db = await openBrokerTables(database.db)
  const clock = { now: () => START, monotonic: () => 0 }
  await database.close()
  await expect(createReplayStore({ db, clock })('key', START + 1)).rejects.toThrow()
})
