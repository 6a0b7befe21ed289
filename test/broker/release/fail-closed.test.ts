import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepScope } from '../../../src/broker/consent/scopes.ts'
import { AccessLog__factory } from '../../../src/chain/contracts.ts'
import { saltedScope } from '../../../src/domain/consent/scope.ts'
import { scopeHash } from '../../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../../src/patient/client.ts'
import { createPatientStore } from '../../../src/store/patients.ts'
import { createAsker } from '../../support/asker.ts'
import type { Front } from '../../support/front.ts'
import { clinicalReads, insideOf, refusedAt } from '../../support/inside.ts'
import { ANNA, BRAM, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
let asker: Awaited<ReturnType<typeof createAsker>>
let anna: PatientClient
let tag: Hex
/** What B's HIS calls the record. */
let record: string

beforeAll(async () => {
  world = await createWorld({ fronts: { chain: ['a'] } })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.put(condition('c2', 'bram', 'Hypertension'))
  await a.settled()
  anna = await world.enrol(a, ANNA)
  await world.enrol(a, BRAM)
  await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['problems'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id ?? '')
  asker = await createAsker(b, a)
  tag = await insideOf(a).tagOf('Condition', 'c1')
}, 60_000)

afterAll(() => world?.close())

const toB = () => ({ granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) })
const ready = () => eventually(async () => (await fetch(`${a.broker.base}/ready`)).ok)

/** The custodian's own entries since a moment, chain events left out. */
async function since(count: number) {
  return (await insideOf(a).trail()).slice(count).filter(({ chain }) => chain === undefined)
}

test('a broker that dies between intent and release has said that it would, released nothing, and serves again', async () => {
  const lines = (await insideOf(a).trail()).length
  const reads = a.fhirAccess.length
  const reached = Promise.withResolvers<void>()
  const process = Promise.withResolvers<void>()
  a.afterIntent = () => {
    reached.resolve()
    return process.promise
  }
  const asked = b.his.open(record, 'TREAT')
  await reached.promise
  const again = a.restart()
  process.reject(new Error('the process is gone'))
  await again
  a.afterIntent = undefined
  const { status, bytes } = await asked
  expect(status).toBe(504)
  expect(Buffer.from(bytes).toString()).not.toContain('Hypertension')
  expect((await since(lines)).map(({ kind }) => kind)).toEqual(['intent'])
  expect(clinicalReads(a, reads)).toEqual([])
  await ready()
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  expect((await since(lines)).map(({ kind }) => kind)).toEqual(['intent', 'intent', 'disclosure'])
})

test('a consent that is revoked between intent and release stops the release', async () => {
  a.afterIntent = async () => {
    a.afterIntent = undefined
    await anna.revoke({ to: toB(), purpose: 'TREAT' })
  }
  const lines = (await insideOf(a).trail()).length
  const answer = await b.his.open(record, 'TREAT')
  const gained = await since(lines)
  const released = gained.filter(({ kind }) => ['intent', 'refusal', 'disclosure'].includes(kind))
  expect(released.map(({ kind }) => kind)).toEqual(['intent', 'refusal'])
  expect(['revocation-pending', 'revoked']).toContain(released[1]?.reason)
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
  await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await b.his.open(record, 'TREAT')).status === 200)
})

describe('without a durable audit store nothing is released:', () => {
  const fail = (when: 'before' | 'after') => {
    const name = sql.raw(`fail_${when}`)
    return sql`create function ${name}() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;`
  }
  const breakInserts = async () => {
    await fail('before').execute(a.database.db)
    await sql`create trigger no_space before insert on broker.access_log for each row execute function fail_before()`.execute(
      a.database.db,
    )
  }
  const mendInserts = async () => {
    await sql`drop trigger no_space on broker.access_log`.execute(a.database.db)
    await sql`drop function fail_before`.execute(a.database.db)
  }

  test('when it is gone altogether, no token is given', async () => {
    const reads = a.fhirAccess.length
    await sql`alter table broker.access_log rename to lost`.execute(a.database.db)
    try {
      expect(await asker.token(tag)).toMatchObject({ status: 503, code: 'not-ready' })
      expect(await b.his.open(record, 'TREAT')).toMatchObject({ status: 504, code: 'peer-unavailable' })
    } finally {
      await sql`alter table broker.lost rename to access_log`.execute(a.database.db)
    }
    expect(clinicalReads(a, reads)).toEqual([])
    expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  })

  test('when the intent cannot be written, the record is not even read', async () => {
    const { body } = await asker.token(tag)
    const [reads, lines] = [a.fhirAccess.length, (await insideOf(a).trail()).length]
    await breakInserts()
    try {
      expect(await asker.record(tag, body.access_token ?? '')).toMatchObject({
        status: 503,
        code: 'not-ready',
      })
    } finally {
      await mendInserts()
    }
    expect(clinicalReads(a, reads)).toEqual([])
    expect(await since(lines)).toEqual([])
  })

  test('when the disclosure cannot be written, what was read does not leave', async () => {
    const { body } = await asker.token(tag)
    const lines = (await insideOf(a).trail()).length
    a.afterIntent = breakInserts
    try {
      const answer = await asker.record(tag, body.access_token ?? '')
      expect(answer).toMatchObject({ status: 503, code: 'not-ready' })
      expect(Buffer.from(answer.bytes).toString()).not.toContain('Hypertension')
    } finally {
      a.afterIntent = undefined
      await mendInserts()
    }
    expect((await since(lines)).map(({ kind }) => kind)).toEqual(['intent'])
  })

  test('when a refusal cannot be written, it is not told as a refusal', async () => {
    const other = await insideOf(a).tagOf('Condition', 'c2')
    await breakInserts()
    try {
      expect(await asker.token(other)).toMatchObject({ status: 503, code: 'not-ready' })
    } finally {
      await mendInserts()
    }
  })
})

test('on a chain head older than ten seconds nothing is released, and on a fresh one it is again', async () => {
  process.kill(world.anvil.pid, 'SIGSTOP')
  try {
    a.clock.elapse(9_000)
    a.clock.elapse(1_001)
    const { answer } = await refusedAt(a, 'head-stale', () => asker.fetch(tag))
    expect(answer).toMatchObject({ status: 404, code: 'not-available' })
    const state = (await (await fetch(`${a.broker.base}/ready`)).json()) as {
      ready: boolean
      headAgeMs: number
    }
    expect(state.ready).toBe(false)
    expect(state.headAgeMs).toBeGreaterThan(10_000)
  } finally {
    process.kill(world.anvil.pid, 'SIGCONT')
  }
  await ready()
  await eventually(async () => (await asker.fetch(tag)).status === 200)
})

test('while the trail cannot be anchored for a minute releases stop, and once it is anchored they go on', async () => {
  const { accessLog } = world.chain.contracts
  const code = await world.provider.getCode(accessLog)
  await world.provider.send('anvil_setCode', [accessLog, '0xfe'])
  expect((await asker.fetch(tag)).status).toBe(200)
  // Whatever is not on the chain yet was written a minute ago.
  const unanchored = sql`
    update broker.access_log set at = ${new Date(a.clock.now() - 61_000).toISOString()}
    where window_number is null or window_number in (
      select number from broker.windows join broker.chain_outbox on chain_outbox.id = outbox_id where status <> 'mined')`
  await unanchored.execute(a.database.db)
  const { answer } = await refusedAt(a, 'anchor-overdue', () => asker.fetch(tag))
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
  const state = (await (await fetch(`${a.broker.base}/ready`)).json()) as { unanchoredMs: number }
  expect(state.unanchoredMs).toBeGreaterThan(60_000)
  // Windows go on being refused for a while before the fault is mended.
  await eventually(
    async () =>
      (
        await insideOf(a)
          .db()
          .selectFrom('chain_outbox')
          .select('id')
          .where('status', '=', 'failed')
          .execute()
      ).length > 0,
  )
  await refusedAt(a, 'anchor-overdue', () => asker.fetch(tag))

  await world.provider.send('anvil_setCode', [accessLog, code])
  await eventually(async () => (await asker.fetch(tag)).status === 200)
}, 40_000)

test('an index that was altered by hand to say “permit” releases nothing', async () => {
  const inside = insideOf(a)
  const real = await inside
    .index()
    .selectFrom('events')
    .selectAll()
    .where('name', '=', 'ConsentGranted')
    .orderBy('block')
    .limit(1)
    .executeTakeFirstOrThrow()
  const bound = await inside
    .index()
    .selectFrom('events')
    .selectAll()
    .where('name', '=', 'HandleBound')
    .execute()
  const handle = bound.map(({ key1 }) => key1).find((key) => key !== real.key1) ?? ''
  // Bram's hospital knows a scope for B, as if he had signed one, and the index swears that it is granted.
  const patients = createPatientStore({ vault: inside.vault, clock: a.clock })
  const bram = await patients.byHandle(inside.db(), handle)
  if (!bram) throw new Error('Bram is not enrolled')
  const scope = saltedScope(Buffer.from(bram.secrets.scopeSecret, 'base64url'), {
    ...toB(),
    purpose: 'TREAT',
  })
  await keepScope(inside.db(), bram, scope)
  const args = { ...(JSON.parse(real.args) as object), handle, scope: scopeHash(scope) }
  const block = Number((await world.provider.getBlockNumber()) - 1)
  await inside
    .index()
    .insertInto('events')
    .values({
      ...real,
      block,
      log_index: 9_999,
      key1: handle,
      key2: scopeHash(scope),
      args: JSON.stringify(args),
    })
    .execute()
  await new Promise((done) => setTimeout(done, 1_000))
  const other = await inside.tagOf('Condition', 'c2')
  const { answer } = await refusedAt(a, 'no-consent', () => asker.fetch(other))
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
  expect((await b.his.list(BRAM, 'TREAT')).body.total).toBe(0)
})

const state = async () =>
  (await (await fetch(`${a.broker.base}/ready`)).json()) as {
    ready: boolean
    reasons: string[]
    unanchoredMs: number
    unsent: number
  }

/** The chain stands: its head is the same for ever, and nothing is mined. What it holds can be read. */
async function halt(front: Front): Promise<void> {
  const block = await world.provider.send('eth_getBlockByNumber', ['latest', false])
  let shown = 0
  front.behave = async ({ body }, forward) => {
    const { id, method, params } = JSON.parse(body.toString()) as {
      id: number
      method: string
      params: unknown[]
    }
    const headers = { 'content-type': 'application/json' }
    const say = (what: object) => ({
      status: 200,
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id, ...what }),
    })
    if (method === 'eth_getBlockByNumber' && params[0] === 'latest') {
      shown += 1
      return say({ result: block })
    }
    if (method === 'eth_sendRawTransaction') return say({ error: { code: -32_000, message: 'halted' } })
    return forward()
  }
  // Once it has asked again, the broker has seen this head, and sees no other.
  await eventually(async () => shown >= 2)
}

test('while the chain is halted releases stop, a revocation by signature counts, nothing is lost, and all comes back by itself (I3, I4, I5)', async () => {
  const front = a.chainFront as Front
  await halt(front)
  // As long as the head is fresh, what was known is still good.
  expect((await asker.fetch(tag)).status).toBe(200)
  a.clock.elapse(10_001)
  const { answer } = await refusedAt(a, 'head-stale', () => asker.fetch(tag))
  expect(answer).toMatchObject({ status: 404, code: 'not-available' })
  expect((await state()).reasons).toContain('head-stale')

  // The patient is heard all the same, and by a broker that was started anew meanwhile.
  const { receipt } = await anna.revoke({ to: toB(), purpose: 'TREAT' })
  expect(receipt?.counts).toBe('now')
  await a.restart()
  a.clock.elapse(10_001)
  await refusedAt(a, 'head-stale', () => asker.fetch(tag))

  // After a minute the other rule holds as well, whatever the head: what was written since is not anchored.
  a.clock.advance(61_000)
  await eventually(async () => (await state()).reasons.includes('anchor-overdue'))
  expect((await state()).unanchoredMs).toBeGreaterThan(60_000)
  expect((await state()).unsent).toBeGreaterThan(1)
  a.clock.advance(-61_000)
  const written = await insideOf(a)
    .db()
    .selectFrom('access_log')
    .select(['seq', 'leaf'])
    .orderBy('seq')
    .execute()

  // Nobody does anything at the hospital: the chain goes on.
  front.behave = undefined
  await eventually(async () => (await state()).ready)
  await refusedAt(a, ['revoked', 'revocation-pending'], () => asker.fetch(tag))
  await eventually(async () => refusedAt(a, 'revoked', () => asker.fetch(tag)).then(() => true))

  // Every entry of that time is still there, and in a window that the chain has; and the windows have no gap.
  const rows = await eventually(async () => {
    const found = await insideOf(a)
      .db()
      .selectFrom('access_log')
      .innerJoin('windows', 'windows.number', 'access_log.window_number')
      .innerJoin('chain_outbox', 'chain_outbox.id', 'windows.outbox_id')
      .select(['seq', 'leaf'])
      .where('status', '=', 'mined')
      .where('seq', '<=', written.at(-1)?.seq ?? 0)
      .orderBy('seq')
      .execute()
    return found.length === written.length && found
  })
  expect(rows).toEqual(written)
  const log = AccessLog__factory.connect(world.chain.contracts.accessLog, world.provider)
  const anchored = (await log.queryFilter(log.filters.WindowAnchored(a.member))).map(({ args }) => args)
  anchored.forEach(({ number, from }, i) => {
    expect(Number(number)).toBe(i + 1)
    expect(from).toBe(anchored[i - 1]?.until ?? 0n)
  })

  // And a consent that is given now counts as before.
  await anna.grant({ to: toB(), purpose: 'TREAT', classes: ['problems'] })
  await eventually(async () => (await asker.fetch(tag)).status === 200)
}, 60_000)
