import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { proveEntry } from '../../../src/broker/audit/prove-entry.ts'
import { ANCHOR_WITHIN } from '../../../src/broker/audit/windows.ts'
import { AccessLog__factory } from '../../../src/chain/contracts.ts'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { leafOf } from '../../../src/domain/audit/leaf.ts'
import { leadsToRoot, windowTree } from '../../../src/domain/evidence/window-proof.ts'
import { openJson } from '../../../src/store/vault.ts'
import { createTestChain, type TestChain, type TestMember } from '../../chain/test-chain.ts'
import { seeded } from '../../seeded.ts'
import { freshDatabase, type TestDatabase } from '../../support/databases.ts'
import { openWriter, type WriterWork } from './window-writer.ts'

/** `npm run test:long -- windows` kills more often, and writes for longer in between. */
const KILLS = Number(process.env.KILLS ?? 2)
const STEPS = Number(process.env.STEPS ?? 3)
/** So many at least are durable before a kill. */
const ENTRIES = Number(process.env.ENTRIES ?? 1_000)

let chain: TestChain
let member: TestMember
let database: TestDatabase
let work: WriterWork
beforeAll(async () => {
  chain = await createTestChain()
  member = await chain.member('urn:oid:2.999.1|hospital')
  database = await freshDatabase('on disk')
  work = {
    ...{ database: database.config, rpc: chain.anvil.rpc, chainId: 78_230, contracts: chain.contracts },
    operator: member.wallet.privateKey,
  }
})
afterAll(async () => {
  await chain.close()
  await database.remove()
})

/** Runs a writer, and kills it at some moment after so many steps and entries. */
async function writeAndKill(steps: number, lateMs: number) {
  const script = new URL('./window-writer.ts', import.meta.url)
  const child = spawn(process.execPath, [script.pathname, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const durable: string[] = []
  const ages: number[] = []
  let doomed = false
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, value = ''] = line.split(' ')
    if (what === 'entry') durable.push(value)
    if (what === 'age') ages.push(Number(value))
    if (doomed || ages.length < steps || durable.length < ENTRIES) continue
    doomed = true
    setTimeout(() => child.kill('SIGKILL'), lateMs)
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return { durable, ages }
}

test('of thousands of entries by two replicas that are killed again and again, each is in one window on the chain, within a minute, and windows neither gap nor overlap', async () => {
  const { seed } = seeded({})
  const durable: string[] = []
  const ages: number[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    // Within a step: between closing, sending and mining of a window, or in the middle of each.
    const round = await writeAndKill(1 + ((seed + kill * 3) % STEPS), ((seed >>> kill) * 37) % 400)
    durable.push(...round.durable)
    ages.push(...round.ages)
  }
  const writer = await openWriter(work)
  const { db, vault } = writer
  // What the last kill left open.
  for (let i = 0; i < 10 && (i < 2 || (await writer.step()) > 0); i++) await writer.step()

  const rows = await db.selectFrom('access_log').selectAll().orderBy('seq').execute()
  const entries = rows.map(({ sealed, salt, ...row }) => {
    if (!sealed || !salt) throw new Error('Nothing is so old here that its body is gone')
    return { ...row, salt, entry: openJson<AuditEntry>(vault.storeKey, sealed) }
  })
  console.log(`${entries.length} entries, ${KILLS} kills`)
  expect(entries.length).toBeGreaterThanOrEqual(KILLS * ENTRIES)
  const ids = new Set(entries.map(({ entry }) => entry.id))
  expect(durable.filter((id) => !ids.has(id))).toEqual([])

  const anchor = AccessLog__factory.connect(chain.contracts.accessLog, chain.provider)
  const onChain = (await anchor.queryFilter(anchor.filters.WindowAnchored(member.id))).map(({ args }) => ({
    ...{
      number: Number(args.number),
      from_time: Number(args.from),
      until_time: Number(args.until),
      root: args.root,
    },
  }))
  const windows = await db.selectFrom('windows').selectAll().orderBy('number').execute()
  expect(windows.map(({ padding: _p, outbox_id: _o, oldest: _e, ...window }) => window)).toEqual(onChain)
  expect(onChain.length).toBeGreaterThan(KILLS)
  onChain.forEach((window, i) => {
    expect(window.number).toBe(i + 1)
    expect(window.from_time).toBe(onChain[i - 1]?.until_time ?? 0)
  })

  // The root of each is that of exactly the entries that name it, so none is in two, and none is in none.
  const byWindow = Map.groupBy(entries, ({ window_number }) => window_number)
  expect([...byWindow.keys()].every((number) => number !== null)).toBe(true)
  for (const { number, padding, root, until_time } of windows) {
    const held = byWindow.get(number) ?? []
    for (const { salt, entry, leaf, at } of held) {
      expect(leafOf(salt, entry)).toBe(leaf)
      expect(Date.parse(at)).toBeLessThan(until_time * 1_000)
    }
    const leaves = held.map(({ leaf }) => leaf)
    expect(new Set(leaves).size).toBe(leaves.length)
    expect(windowTree(leaves, padding).root).toBe(root)
  }

  // Under this load no entry ever waited for its anchor as long as stops releases (I4).
  expect(ages.length).toBeGreaterThan(0)
  expect(Math.max(...ages)).toBeLessThan(ANCHOR_WITHIN)
  expect(await writer.replicas[1]?.windows.unanchoredAge()).toBe(0)

  for (let i = 0; i < entries.length; i += Math.ceil(entries.length / 25)) {
    const { entry } = entries[i] as (typeof entries)[number]
    const proof = await proveEntry({ db, vault, member: member.id, chainId: 78_230 }, entry.id)
    expect(leadsToRoot(proof)).toBe(true)
    expect(
      await anchor.holds(
        member.id,
        proof.window,
        leafOf(Buffer.from(proof.salt.slice(2), 'hex'), proof.entry),
        [...proof.path],
      ),
    ).toBe(true)
    expect(proof.entry).toEqual(entry)
  }
  await writer.close()
}, 600_000)
