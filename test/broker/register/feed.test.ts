import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, observation, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital

beforeAll(async () => {
  world = await createWorld({ hospitals: 1 })
  ;[a] = world.hospitals as [TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c0', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

// Whatever was done to the feed: each version has one entry, and each entry one event.
afterEach(async () => {
  await a.settled()
  const rows = await insideOf(a)
    .db()
    .selectFrom('records')
    .select(['tag', 'version_lookup', 'kind'])
    .execute()
  const versions = rows.flatMap(({ version_lookup }) => version_lookup ?? [])
  expect(new Set(versions).size).toBe(versions.length)
  expect(await registered()).toBe(await versionsAtTheSource())
  const events = await eventually(async () => {
    const all = await insideOf(a)
      .index()
      .selectFrom('events')
      .select(['name', 'key2'])
      .where('name', 'in', ['RecordRegistered', 'TagTaken'])
      .execute()
    return all.length >= rows.length && all
  })
  expect((events || []).map(({ name, key2 }) => `${name} ${key2}`).sort()).toEqual(
    rows.map(({ tag }) => `RecordRegistered ${tag}`).sort(),
  )
})

afterAll(() => world?.close())

async function versionsAtTheSource(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from fhir.versions where type not in ('Patient', 'Subscription') and method <> 'DELETE'`.execute(
    a.database.db,
  )
  return Number(rows[0]?.n)
}

type State = { registered: number; backlog: { read: number; inAll: number } | null }
const state = async () => (await (await fetch(`${a.broker.base}/ready`)).json()) as State
const registered = async () => (await state()).registered

/** Many records in one FHIR transaction. */
async function putMany(prefix: string, count: number): Promise<void> {
  const entry = Array.from({ length: count }, (_, i) => {
    const resource = observation(`${prefix}-${i}`, i % 2 ? 'anna' : 'bram', 60 + i)
    return { resource, request: { method: 'PUT', url: `Observation/${resource.id}` } }
  })
  const headers = { 'content-type': 'application/fhir+json' }
  const body = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
  expect((await fetch(a.fhir, { method: 'POST', headers, body })).status).toBe(200)
}

describe('a hook', () => {
  const hook = (path: string, init: RequestInit) => fetch(`${a.broker.base}/hooks/fhir${path}`, init)

  test('that is lost loses nothing: the history is read by the clock, too', async () => {
    await fetch(`${a.fhir}/Subscription/wayleave-broker`, { method: 'DELETE' })
    const before = await registered()
    await a.put(condition('unheard', 'anna', 'Hypertension'))
    await eventually(async () => (await registered()) === before + 1)
    await a.restart()
  })

  test('that comes fifty times at once registers nothing twice', async () => {
    await putMany('fifty', 20)
    const answers = await Promise.all(Array.from({ length: 50 }, () => hook('', { method: 'POST' })))
    expect(answers.every(({ ok }) => ok)).toBe(true)
  })

  test('is not believed: what it says is registered only if the history says so', async () => {
    const before = await registered()
    const headers = { 'content-type': 'application/fhir+json' }
    const body = JSON.stringify({ ...condition('forged', 'anna', 'Forged'), meta: { versionId: '7' } })
    await hook('/Condition/forged', { method: 'PUT', headers, body })
    await hook('/Condition/c0', { method: 'DELETE' })
    await new Promise((done) => setTimeout(done, 800))
    expect(await registered()).toBe(before)
    const last = await insideOf(a)
      .db()
      .selectFrom('records')
      .select('kind')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    expect(last?.kind).toBe('snapshot')
  })

  test('whose versions come out of order leaves the newest as the newest', async () => {
    for (const value of [1, 2, 3]) await a.put(observation('ordered', 'anna', value))
    await Promise.all([hook('', { method: 'POST' }), hook('', { method: 'POST' })])
    await a.settled()
    const tag = await insideOf(a).tagOf('Observation', 'ordered', '3')
    const rows = await insideOf(a)
      .db()
      .selectFrom('records')
      .select(['tag', 'position'])
      .orderBy('seq', 'desc')
      .limit(3)
      .execute()
    expect(rows[0]?.tag).toBe(tag)
    expect(rows.map(({ position }) => position)).toEqual(
      [...rows.map(({ position }) => position)].sort((x, y) => y - x),
    )
  })
})

describe('nothing is lost or doubled', () => {
  test('when the broker is started anew in the middle of its work, again and again', async () => {
    await putMany('restart', 150)
    for (let i = 0; i < 3; i++) {
      await a.restart()
      await a.put(condition(`between-${i}`, 'anna', 'Hypertension'))
    }
  })

  test('when more was written during an outage than a page of history holds, and the broker dies again and again', async () => {
    await a.stop()
    for (let i = 0; i < 4; i++) await putMany(`outage-${i}`, 160)
    const asked = a.fhirAccess.length
    await a.start()
    for (let i = 0; i < 2; i++) {
      await eventually(async () => (await state()).backlog !== null)
      await a.restart()
      await putMany(`meanwhile-${i}`, 3)
    }
    await eventually(async () => (await state()).backlog === null, 30_000)
    const pages = a.fhirAccess.slice(asked).filter(({ interaction }) => interaction === 'history-system')
    expect(pages.length).toBeGreaterThan(3)
  })

  test('when the database cannot be written while entries are made', async () => {
    await sql`create function no_space() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$`.execute(
      a.database.db,
    )
    await sql`create trigger full_disk before insert on broker.records for each row execute function no_space()`.execute(
      a.database.db,
    )
    const before = await registered()
    await putMany('disk', 12)
    await new Promise((done) => setTimeout(done, 1_200))
    expect(await registered()).toBe(before)
    await sql`drop trigger full_disk on broker.records`.execute(a.database.db)
    await eventually(async () => (await registered()) === before + 12)
  })

  test('when the chain is silent while entries are sent', async () => {
    process.kill(world.anvil.pid, 'SIGSTOP')
    await putMany('silent', 30)
    await new Promise((done) => setTimeout(done, 1_000))
    process.kill(world.anvil.pid, 'SIGCONT')
  })

  test('when the directory refuses entries for a while', async () => {
    const { recordDirectory } = world.chain.contracts
    const code = await world.provider.getCode(recordDirectory)
    await world.provider.send('anvil_setCode', [recordDirectory, '0xfe'])
    await putMany('refused', 10)
    await new Promise((done) => setTimeout(done, 1_000))
    await world.provider.send('anvil_setCode', [recordDirectory, code])
  })

  test('when the hospital is suspended meanwhile, and reinstated', async () => {
    await world.council.suspend(a.member)
    await putMany('suspended', 10)
    await new Promise((done) => setTimeout(done, 800))
    await world.council.reinstate(a.member)
  })
})
