import { CompactSign, importJWK } from 'jose'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/domain/audit/audit-entry.ts'
import { type Checkpoint, checkpointText, readCheckpoint } from '../../../src/domain/evidence/checkpoint.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { signCheckpoint } from '../../../src/exchange/checkpoint.ts'
import { createLog } from '../../../src/observe/log.ts'
import { type Anvil, startAnvil } from '../../../src/sandbox/anvil.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import { createAsker } from '../../support/asker.ts'
import type { Front } from '../../support/front.ts'
import { insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let c: TestHospital
let fork: Anvil | undefined
let asker: Awaited<ReturnType<typeof createAsker>>
let tag: Hex
const warnings: string[] = []

beforeAll(async () => {
  world = await createWorld({
    ...{ hospitals: 3, fronts: { chain: ['b', 'c'] } },
    configure: (config) => ({ ...config, operator: { host: '127.0.0.1', port: 0 } }),
    log: (key) =>
      createLog({
        level: 'warn',
        hospital: key,
        out: { write: (line) => key === 'a' && warnings.push(line) },
      }),
  })
  ;[a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
  await c.put(patient('anna', ANNA))
  await c.put(condition('c1', 'anna', 'Hypertension'))
  await c.settled()
  const anna = await world.enrol(c, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(a.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  asker = await createAsker(a, c)
  tag = await insideOf(c).tagOf('Condition', 'c1')
  await eventually(async () => (await asker.fetch(tag)).status === 200)
}, 60_000)
afterAll(async () => {
  await world?.close()
  await fork?.stop()
})

/** What of a member's trail is about the chain not being the same for all. */
const alarms = async (at: TestHospital): Promise<AuditEntry[]> =>
  (await insideOf(at).trail()).filter(({ kind }) => kind === 'alarm')
const kept = (at: TestHospital, of: TestHospital) =>
  insideOf(at)
    .db()
    .selectFrom('checkpoints')
    .selectAll()
    .where('member', '=', of.member)
    .orderBy('block', 'desc')
    .execute()
const read = (jws: string): Checkpoint =>
  readCheckpoint(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
const mine = (blocks: number, rpc = world.anvil.rpc) => call(rpc, 'anvil_mine', [`0x${blocks.toString(16)}`])

async function call(rpc: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await request(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return ((await answer.body.json()) as { result?: unknown }).result
}

/** Lets the brokers’ clocks go on by five seconds at a time until something holds; how far they went. */
async function withinTestSeconds(most: number, holds: () => Promise<boolean>): Promise<number> {
  for (let seconds = 5; seconds <= most; seconds += 5) {
    for (const { clock } of world.hospitals) clock.elapse(5_000)
    // Longer than a broker takes to see that a turn is due; at the end as long as a slow machine takes for it.
    const until = performance.now() + (seconds < most ? 600 : 15_000)
    do {
      if (await holds()) return seconds
      await new Promise((done) => setTimeout(done, 100))
    } while (performance.now() < until)
  }
  throw new Error(`it does not hold after ${most} s`)
}

/** How many other members stand how, as A’s operator sees it. */
async function seenByA(view: string): Promise<number> {
  const text = await (await fetch(`${a.broker.operator}/metrics`)).text()
  return Number(new RegExp(`^wayleave_checkpoint_members\\{view="${view}"\\} (\\d+)`, 'm').exec(text)?.[1])
}

const show = (to: TestHospital, checkpoints: unknown) =>
  fetch(`${to.broker.base}/exchange/checkpoints`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ checkpoints }),
  })

test('members that see one chain agree on their checkpoints, and one that is only behind alarms nobody', async () => {
  const front = b.chainFront as Front
  front.behave = async () => ({ status: 503, headers: {}, body: '' })
  await mine(120)
  await withinTestSeconds(60, async () => (await kept(a, c)).length > 0 && (await kept(c, a)).length > 0)
  expect((await kept(a, c))[0]?.verdict).toBe('agrees')
  const [own, theirs] = [(await kept(a, a))[0], (await kept(a, c))[0]]
  const { member: _m, at: _at, ...said } = read(own?.jws ?? '')
  expect(said).toMatchObject({ chainId: world.chain.chainId, block: own?.block })
  expect(read(theirs?.jws ?? '')).toMatchObject({ hash: said.hash, rows: said.rows, rowsHash: said.rowsHash })
  expect(said.rows).toBeGreaterThan(10)

  // B's node is silent for a long time, and then comes back.
  await mine(400)
  await withinTestSeconds(60, async () => ((await kept(a, c))[0]?.block ?? 0) >= 500)
  for (const { clock } of world.hospitals) clock.elapse(601_000)
  await withinTestSeconds(60, async () => (await seenByA('silent')) === 1)
  expect(warnings.filter((line) => line.includes('has shown no checkpoint for long'))).toHaveLength(1)
  expect([await alarms(a), await alarms(b), await alarms(c)]).toEqual([[], [], []])
  front.behave = undefined
  await withinTestSeconds(60, async () => (await kept(a, b))[0]?.verdict === 'agrees')
  expect([await alarms(a), await alarms(b), await alarms(c)]).toEqual([[], [], []])
})

test('what no member has signed, or signed as something else, is no checkpoint, and nothing of it is kept', async () => {
  const [own] = await kept(c, c)
  const checkpoint = { ...read(own?.jws ?? ''), hash: `0x${'66'.repeat(32)}` as Hex }
  const signing = await signerOf(c)
  const under = (text: string, typ: string) =>
    new CompactSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ })
      .sign(signing.key)
  const typ = 'wayleave-checkpoint+jws'
  const bad = [
    await signCheckpoint(checkpoint, await signerOf(b)),
    await under(checkpointText(checkpoint), 'wayleave-receipt+jws'),
    await under(checkpointText({ ...checkpoint, block: checkpoint.block + 1 }), typ),
    await under(checkpointText({ ...checkpoint, more: 1 } as Checkpoint), typ),
    await under(JSON.stringify(checkpoint, null, 1), typ),
    await under(checkpointText({ ...checkpoint, chainId: 1 }), typ),
    `${(await signCheckpoint(checkpoint, signing)).slice(0, -4)}AAAA`,
    'x.y.z',
  ]
  for (const jws of bad) {
    const answer = await show(a, [jws])
    expect([answer.status, codeIn(await answer.json())], jws).toEqual([400, 'checkpoint-invalid'])
  }
  for (const body of [undefined, 'x', [1], Array(201).fill('x'), ['x'.repeat(2_001)]])
    expect((await show(a, body)).status).toBe(400)
  // Signed, and of blocks that A has not: it is behind, and that is no matter of alarm.
  const ahead = await signCheckpoint({ ...checkpoint, block: 1_000_000 }, signing)
  expect((await show(a, [ahead])).status).toBe(200)
  expect((await kept(a, c)).some(({ jws }) => [...bad, ahead].includes(jws))).toBe(false)
  expect(await alarms(a)).toEqual([])
})

test('a member whose node shows another chain is seen by the others within a minute, and sees that most contradict it', async () => {
  fork = await startAnvil({
    ...{ port: await freePort(), chainId: world.chain.chainId },
    flags: ['--fork-url', world.anvil.rpc],
  })
  const { rpc } = fork
  const front = c.chainFront as Front
  front.behave = async ({ body }) => {
    const answer = await request(rpc, { method: 'POST', headers: JSON_TYPE, body })
    return {
      status: answer.statusCode,
      headers: JSON_TYPE,
      body: new Uint8Array(await answer.body.arrayBuffer()),
    }
  }
  await mine(130)
  await mine(130, rpc)
  const seconds = await withinTestSeconds(60, async () => {
    const counts = [await alarms(a), await alarms(b), await alarms(c)].map(({ length }) => length)
    return counts[0] === 1 && counts[1] === 1 && counts[2] === 2
  })
  expect(seconds).toBeLessThanOrEqual(60)
  for (const hospital of [a, b]) {
    const [alarm] = await alarms(hospital)
    expect(alarm).toMatchObject({
      reason: 'split-view',
      requester: { id: c.member },
      recordedBy: 'custodian',
    })
    // Its signature is kept, beside the own word on the same block.
    const [theirs] = await kept(hospital, c)
    expect(theirs?.verdict).toBe('split')
    const own = (await kept(hospital, hospital)).find(({ block }) => block === theirs?.block)
    expect(read(own?.jws ?? '').hash).not.toBe(read(theirs?.jws ?? '').hash)
  }
  expect(new Set((await alarms(c)).map(({ requester }) => requester?.id))).toEqual(
    new Set([a.member, b.member]),
  )
  await withinTestSeconds(60, async () => (await seenByA('split')) === 1)
  // One liar stops nobody; whoever is contradicted by most releases nothing.
  const reasons = async (at: TestHospital) =>
    ((await (await fetch(`${at.broker.base}/ready`)).json()) as { reasons: string[] }).reasons
  await withinTestSeconds(60, async () => (await reasons(c)).includes('view-contradicted'))
  expect(await reasons(a)).not.toContain('view-contradicted')
  await refusedAt(c, 'view-contradicted', () => asker.fetch(tag))

  // It goes on, and is told once.
  await mine(110)
  await mine(110, rpc)
  const before = (await kept(a, c))[0]?.block ?? 0
  await withinTestSeconds(60, async () => ((await kept(a, c))[0]?.block ?? 0) > before)
  expect(await alarms(a)).toHaveLength(1)

  // Its node is mended: what it had signed stays as evidence, and is no longer what it says.
  front.behave = undefined
  await mine(230)
  await withinTestSeconds(60, async () => (await kept(a, c))[0]?.verdict === 'agrees')
  await eventually(async () => !(await reasons(c)).includes('view-contradicted'))
  expect((await kept(c, c)).map(({ verdict }) => verdict)).toContain('rewritten')
  expect((await alarms(c)).map(({ reason }) => reason)).toContain('chain-rewritten')
  await eventually(async () => (await asker.fetch(tag)).status === 200)
}, 60_000)

test('a member that signs two things of one block is named, and both are kept', async () => {
  const [theirs] = await kept(a, c)
  const said = read(theirs?.jws ?? '')
  const signing = await signerOf(c)
  const before = (await alarms(a)).length
  // Signed again, at another time, it says the same.
  expect((await show(a, [await signCheckpoint({ ...said, at: said.at + 9 }, signing)])).status).toBe(200)
  expect(await alarms(a)).toHaveLength(before)
  const other = await signCheckpoint({ ...said, rowsHash: `0x${'77'.repeat(32)}` }, signing)
  expect((await show(a, [other])).status).toBe(200)
  expect((await show(a, [other])).status).toBe(200)
  const gained = (await alarms(a)).slice(before)
  expect(gained).toMatchObject([{ reason: 'checkpoint-contradiction', requester: { id: c.member } }])
  const both = (await kept(a, c)).filter(({ block }) => block === said.block).map(({ jws }) => jws)
  expect(both.sort()).toEqual([theirs?.jws, other].sort())
  // However many it signs, no more are kept than it takes to prove it.
  for (let i = 0; i < 6; i++)
    await show(a, [await signCheckpoint({ ...said, rowsHash: `0x${'88'.repeat(31)}0${i}` }, signing)])
  expect((await kept(a, c)).filter(({ block }) => block === said.block)).toHaveLength(4)
  // And the others hear of it from A: what it signed for one it has signed for all.
  await withinTestSeconds(60, async () =>
    (await alarms(b)).some(({ reason }) => reason === 'checkpoint-contradiction'),
  )
})

const JSON_TYPE = { 'content-type': 'application/json' }
const codeIn = (outcome: unknown) =>
  (outcome as { issue: { details: { coding: { code: string }[] } }[] }).issue[0]?.details.coding[0]?.code
const signerOf = async ({ files }: TestHospital) => ({
  key: (await importJWK(files.keyring.signing, 'ES256')) as CryptoKey,
  kid: files.keyring.signing.kid ?? '',
})
