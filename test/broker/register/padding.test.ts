import type { Interface } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { paddingCommitment, sizesOf } from '../../../src/broker/register/directory-batches.ts'
import { RecordDirectory__factory } from '../../../src/chain/contracts.ts'
import { partyOf } from '../../support/acts.ts'
import { insideOf } from '../../support/inside.ts'
import { reconciled } from '../../support/reconcile.ts'
import { ANNA, condition, observation, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

const SIZES = [8, 32]
let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  const padding = { sizes: SIZES, quietRounds: true }
  world = await createWorld({ batches: { batchMs: 1_000, padding } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  for (let i = 0; i < 11; i++) await a.put(observation(`o${i}`, 'anna', i))
  await a.put(condition('c1', 'anna', 'Hypertension'))
}, 60_000)

afterAll(() => world?.close())

const directory: Interface = RecordDirectory__factory.createInterface()

/** Every batch of a hospital that is mined, as anybody reads it from the chain. */
async function batchesOf(hospital: TestHospital) {
  const logs = await world.provider.getLogs({
    address: world.chain.contracts.recordDirectory,
    topics: [directory.getEvent('RecordRegistered')?.topicHash ?? '', hospital.member],
    fromBlock: 0,
  })
  const entries = logs.map((log) => ({
    transaction: log.transactionHash,
    ...(directory.parseLog(log)?.args.toObject() as { tag: string; commitment: string; pointer: string }),
  }))
  return [...Map.groupBy(entries, ({ transaction }) => transaction).values()]
}

describe('in padded rounds', () => {
  test('every batch on the chain has one of the sizes, and is sent whether anybody came or not', async () => {
    await a.settled()
    const batches = await eventually(async () => {
      const all = [...(await batchesOf(a)), ...(await batchesOf(b))]
      return all.length >= 6 && all
    })
    const sizes = new Set((batches || []).map((batch) => batch.length))
    expect([...sizes].filter((size) => !SIZES.includes(size))).toEqual([])
    // B has no patient at all.
    expect((await batchesOf(b)).length).toBeGreaterThan(0)
  })

  test('an entry of nobody looks like any other, and its hospital alone knows it', async () => {
    const inside = insideOf(a)
    const entries = (await batchesOf(a)).flat()
    const own = new Set(
      (await inside.db().selectFrom('records').select('tag').execute()).map(({ tag }) => tag),
    )
    const isPadding = ({ tag, commitment }: { tag: string; commitment: string }) =>
      paddingCommitment(inside.vault, tag) === commitment
    for (const entry of entries) {
      expect(entry.tag).toMatch(/^0x[0-9a-f]{64}$/)
      expect(entry.commitment).toMatch(/^0x[0-9a-f]{64}$/)
      expect(entry.pointer).toMatch(/^0x[0-9a-f]{320}$/)
      expect(isPadding(entry)).toBe(!own.has(entry.tag))
      expect(paddingCommitment(insideOf(b).vault, entry.tag)).not.toBe(entry.commitment)
    }
    expect(entries.filter((entry) => !isPadding(entry))).toHaveLength(own.size)
    expect(new Set(entries.map(({ pointer }) => pointer)).size).toBe(entries.length)
  })

  test('entries of one patient lie anywhere in a batch', async () => {
    const own = new Set(
      (await insideOf(a).db().selectFrom('records').select('tag').execute()).map(({ tag }) => tag),
    )
    const filled = (await batchesOf(a)).filter((batch) => batch.some(({ tag }) => own.has(tag)))
    const places = filled.map((batch) => batch.map(({ tag }) => (own.has(tag) ? 'x' : '.')).join(''))
    // Twelve entries among padding, all in front each time: once in 10^9 rounds.
    expect(places.some((place) => /\.x/.test(place))).toBe(true)
  })

  test('a comparison knows them for entries of nobody', async () => {
    const { code, report } = await reconciled(a.files.configFile)
    expect(code).toBe(0)
    expect(report).toMatchObject({ agree: true, versions: 12, entries: 12 })
    expect(report.padding).toBeGreaterThan(3)
  })

  test('a grantee finds the records among them', async () => {
    const anna = await world.enrol(a, ANNA)
    await anna.grant({ to: partyOf(b), purpose: 'TREAT', classes: ['problems', 'observations'] })
    await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 12)
  })
})

test.each([
  [0, [8]],
  [1, [8]],
  [8, [8]],
  [9, [32]],
  [32, [32]],
  [33, [32, 8]],
  [100, [32, 32, 32, 8]],
])('%i entries go in batches of %j', (count, sizes) => {
  expect(sizesOf(count, { sizes: [32, 8], quietRounds: true })).toEqual(sizes)
})

test('entries that are not padded go in batches of a hundred at the most', () => {
  expect(sizesOf(0, 'none')).toEqual([])
  expect(sizesOf(205, 'none')).toEqual([100, 100, 5])
})
