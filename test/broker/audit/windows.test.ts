import { SimpleMerkleTree } from '@openzeppelin/merkle-tree'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AccessLog__factory } from '../../../src/chain/contracts.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../../src/domain/audit/leaf.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { openJson } from '../../../src/store/vault.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient, STRANGER } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital

beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  const record = await eventually(
    async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '',
  )
  await b.his.open(record, 'TREAT')
  await b.his.open(record, 'HRESCH')
  await b.his.list(STRANGER, 'TREAT')
  await anna.revoke({ to, purpose: 'TREAT' })
  await b.his.open(record, 'TREAT')
  await allAnchored()
}, 60_000)

afterAll(() => world?.close())

/** Waits until the chain holds every entry logged so far, at both hospitals. */
async function allAnchored(): Promise<void> {
  for (const hospital of [a, b]) {
    const last = await insideOf(hospital)
      .db()
      .selectFrom('access_log')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    await eventually(async () => {
      const row = await insideOf(hospital)
        .db()
        .selectFrom('access_log')
        .select('window_number')
        .where('seq', '=', last?.seq ?? 0)
        .executeTakeFirst()
      return (
        row?.window_number !== null &&
        (await anchors(hospital)).some(({ number }) => number === row?.window_number)
      )
    })
  }
}

/** A member's windows as the chain's own events tell them. */
async function anchors(hospital: TestHospital) {
  const log = AccessLog__factory.connect(world.chain.contracts.accessLog, world.provider)
  const events = await log.queryFilter(log.filters.WindowAnchored(hospital.member))
  return events.map(({ args }) => ({
    number: Number(args.number),
    from: Number(args.from),
    until: Number(args.until),
    root: args.root,
  }))
}

/** What the hospital kept, by window: an auditor with its books in hand. */
async function books(hospital: TestHospital) {
  const inside = insideOf(hospital)
  const rows = await inside
    .db()
    .selectFrom('access_log')
    .selectAll()
    .where('window_number', 'is not', null)
    .orderBy('seq')
    .execute()
  const windows = await inside.db().selectFrom('windows').selectAll().orderBy('number').execute()
  return windows.map((window) => ({
    ...window,
    entries: rows
      .filter(({ window_number }) => window_number === window.number)
      .map((row) => ({
        ...{ ...row, salt: row.salt as Uint8Array },
        entry: openJson<AuditEntry>(inside.vault.storeKey, row.sealed as Uint8Array),
      })),
  }))
}

test('a member’s windows on the chain are numbered from one, and each begins where the last ended', async () => {
  for (const hospital of [a, b]) {
    const all = await anchors(hospital)
    expect(all.length).toBeGreaterThan(2)
    all.forEach((window, i) => {
      expect(window.number).toBe(i + 1)
      expect(window.from).toBe(all[i - 1]?.until ?? 0)
      expect(window.until).toBeGreaterThan(window.from)
    })
  }
})

test('silence is anchored, too: a window in which nothing happened is sent, with a root like any other', async () => {
  const before = (await anchors(a)).length
  const after = await eventually(async () => {
    const all = await anchors(a)
    return all.length >= before + 2 && all
  })
  const empty = (await books(a)).filter(({ entries }) => entries.length === 0).map(({ number }) => number)
  expect(empty.length).toBeGreaterThan(0)
  const roots = (after || []).map(({ root }) => root)
  expect(new Set(roots).size).toBe(roots.length)
})

test('every entry of the log is in exactly one window, which covers the time of its writing', async () => {
  for (const hospital of [a, b]) {
    const seen = new Set<number>()
    for (const { from_time, until_time, entries } of await books(hospital)) {
      for (const { seq, at, entry } of entries) {
        expect(seen.has(seq)).toBe(false)
        seen.add(seq)
        expect(entry.recorded).toBe(at)
        expect(Date.parse(at)).toBeLessThan(until_time * 1000)
        expect(Date.parse(at)).toBeGreaterThanOrEqual(from_time * 1000)
      }
    }
    expect(seen.size).toBeGreaterThan(3)
  }
})

test('each entry proves by its Merkle path that it is under the root on the chain, and an altered one does not', async () => {
  const log = AccessLog__factory.connect(world.chain.contracts.accessLog, world.provider)
  for (const hospital of [a, b]) {
    let proved = 0
    for (const { number, padding, root, entries } of await books(hospital)) {
      if (entries.length === 0) continue
      const onChain = await log.rootOf(hospital.member, number)
      expect(onChain).toBe(root)
      const tree = SimpleMerkleTree.of([...entries.map(({ leaf }) => leaf), padding])
      for (const { entry, salt, leaf } of entries) {
        expect(leafOf(salt, entry)).toBe(leaf)
        const proof = tree.getProof(leaf)
        expect(SimpleMerkleTree.verify(onChain, leaf, proof)).toBe(true)
        const altered = leafOf(salt, { ...entry, outcome: entry.outcome === '0' ? '8' : '0' })
        expect(SimpleMerkleTree.verify(onChain, altered, proof)).toBe(false)
        proved++
      }
    }
    expect(proved).toBeGreaterThan(3)
  }
})

test('refusals and disclosures are anchored alike', async () => {
  const kinds = (await books(a)).flatMap(({ entries }) => entries.map(({ entry }) => entry.kind))
  for (const kind of ['intent', 'disclosure', 'refusal']) expect(kinds).toContain(kind)
  const sizes = new Set((await anchors(a)).map(({ root }) => root.length))
  expect(sizes).toEqual(new Set([66]))
})

test('after a restart the windows go on where they ended', async () => {
  const before = await anchors(a)
  await a.restart()
  const after = await eventually(async () => {
    const all = await anchors(a)
    return all.length >= before.length + 2 && all
  })
  expect((after || []).map(({ number }) => number)).toEqual((after || []).map((_, i) => i + 1))
  expect((after || []).slice(0, before.length)).toEqual(before)
})

test('after an hour of clock gone wrong, forward and back, windows go on and nothing stays without an anchor', async () => {
  a.clock.advance(3_600_000)
  await new Promise((done) => setTimeout(done, 1_500))
  a.clock.advance(-3_600_000)
  const known = (await anchors(a)).length
  await a.auditor.audit({ _count: '1' })
  const last = await insideOf(a)
    .db()
    .selectFrom('access_log')
    .select('seq')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  await eventually(async () => {
    const row = await insideOf(a)
      .db()
      .selectFrom('access_log')
      .select('window_number')
      .where('seq', '=', last?.seq ?? 0)
      .executeTakeFirst()
    return (
      row?.window_number !== null && (await anchors(a)).some(({ number }) => number === row?.window_number)
    )
  })
  const after = await anchors(a)
  expect(after.length).toBeGreaterThan(known)
  expect(after.map(({ number }) => number)).toEqual(after.map((_, i) => i + 1))
})
