import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createAsker } from '../../support/asker.ts'
import type { Front } from '../../support/front.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let chain: Front
let anna: PatientClient

beforeAll(async () => {
  world = await createWorld({ fronts: { chain: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  chain = a.chainFront as Front
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
}, 60_000)

afterEach(() => {
  chain.behave = undefined
})
afterAll(() => world?.close())

const toB = () => ({ granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) })
const trail = async (kind: AuditEntry['kind']) =>
  (await insideOf(a).trail()).filter((entry) => entry.kind === kind)

/** A's transactions do not reach the chain for a while; it still reads. */
function hold(): void {
  chain.behave = async (asked, forward) =>
    asked.body.includes('eth_sendRawTransaction') ? { status: 503, headers: {}, body: '' } : forward()
}

/** The chain as it was before `work`, as after a fork that did not have it. */
async function orphan(work: () => Promise<unknown>): Promise<void> {
  const snapshot = (await world.provider.send('evm_snapshot', [])) as string
  await work()
  hold()
  expect(await world.provider.send('evm_revert', [snapshot])).toBe(true)
}

test('what the chain takes back is taken out of the trail, and returns once, when the chain has it again', async () => {
  const asker = await createAsker(b, a)
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  await orphan(async () => {
    await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['problems'] })
    await eventually(async () => (await trail('consent-granted')).length === 1)
    expect((await asker.fetch(tag)).status).toBe(200)
  })
  await eventually(async () => (await trail('consent-granted')).length === 0)
  // What this hospital did itself is no matter of the chain: it stays.
  expect((await trail('disclosure')).length).toBe(1)
  // And the consent that is no longer there permits nothing.
  const { answer } = await refusedAt(a, 'no-consent', () => asker.fetch(tag))
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })

  chain.behave = undefined
  await eventually(async () => (await trail('consent-granted')).length === 1)
  await eventually(async () => (await asker.fetch(tag)).status === 200)
  const ids = (await insideOf(a).trail()).map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
}, 40_000)

test('a revocation that the chain loses in a fork counts all the while', async () => {
  const asker = await createAsker(b, a)
  const tag = await insideOf(a).tagOf('Condition', 'c1')
  await orphan(async () => {
    await anna.revoke({ to: toB(), purpose: 'TREAT' })
    await eventually(async () => (await trail('consent-revoked')).length === 1)
  })
  await eventually(async () => (await trail('consent-revoked')).length === 0)
  await refusedAt(a, 'revocation-pending', () => asker.fetch(tag))
  chain.behave = undefined
  await eventually(async () => (await trail('consent-revoked')).length === 1)
  await refusedAt(a, 'revoked', () => asker.fetch(tag))
}, 40_000)

test('windows and record entries that a fork lost are sent again, and no number is missing or doubled', async () => {
  await orphan(async () => {
    await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
    await a.settled()
    await new Promise((done) => setTimeout(done, 2_200))
  })
  chain.behave = undefined
  await a.settled()
  const index = insideOf(a).index()
  const tags = await insideOf(a).db().selectFrom('records').select('tag').orderBy('tag').execute()
  await eventually(async () => {
    const rows = await index
      .selectFrom('events')
      .select('key2')
      .where('name', '=', 'RecordRegistered')
      .where('key1', '=', a.member)
      .orderBy('key2')
      .execute()
    return JSON.stringify(rows.map(({ key2 }) => key2)) === JSON.stringify(tags.map(({ tag }) => tag))
  })
  const last = await insideOf(a)
    .db()
    .selectFrom('windows')
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const numbers = await eventually(async () => {
    const rows = await index
      .selectFrom('events')
      .select('args')
      .where('name', '=', 'WindowAnchored')
      .where('key1', '=', a.member)
      .orderBy('block')
      .orderBy('log_index')
      .execute()
    const all = rows.map(({ args }) => Number((JSON.parse(args) as { number: string }).number))
    return all.at(-1) !== undefined && (all.at(-1) ?? 0) >= (last?.number ?? 0) && all
  })
  expect(numbers).toEqual((numbers || []).map((_, i) => i + 1))
}, 40_000)

test('a fork of equal height, with the same transactions in other blocks, leaves the same trail', async () => {
  const events = async () =>
    (await insideOf(a).trail()).filter(({ kind }) => kind.startsWith('consent-')).map(({ kind }) => kind)
  const before = await events()
  await world.provider.send('anvil_reorg', [2, []])
  await world.provider.send('anvil_mine', ['0x1'])
  await new Promise((done) => setTimeout(done, 1_000))
  await eventually(async () => JSON.stringify(await events()) === JSON.stringify(before))
  await a.settled()
})
