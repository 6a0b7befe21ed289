import { randomBytes } from 'node:crypto'
import { Wallet } from 'ethers'
import { importJWK } from 'jose'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { OPERATOR } from '../../../src/broker/index.ts'
import { RecordDirectory__factory } from '../../../src/chain/contracts.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../../../src/exchange/client-assertion.ts'
import { answerOf } from '../../../src/sandbox/his-client.ts'
import type { Front } from '../../support/front.ts'
import { insideOf } from '../../support/inside.ts'
import { reconcile, reconciled } from '../../support/reconcile.ts'
import { ANNA, BRAM, condition, observation, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let front: Front
let config: string

beforeAll(async () => {
  world = await createWorld({ hospitals: 1, fronts: { fhir: ['a'] } })
  ;[a] = world.hospitals as [TestHospital]
  front = a.fhirFront as Front
  config = a.files.configFile
  await a.put(patient('anna', ANNA))
  await a.put(patient('bram', BRAM))
  for (const value of [1, 2, 3]) await a.put(observation('o1', 'anna', value))
  for (const id of ['c1', 'c2', 'c3', 'c4', 'c5']) await a.put(condition(id, 'anna', 'Hypertension'))
  await a.put(condition('c1', 'bram', 'Hypertension'))
  await fetch(`${a.fhir}/Condition/c2`, { method: 'DELETE' })
  await a.put(condition('c2', 'anna', 'Hypertension'))
  await a.settled()
}, 60_000)

afterEach(() => {
  front.behave = undefined
})
afterAll(() => world?.close())

/** Nothing is under way to the chain. */
const quiet = () =>
  eventually(async () => {
    const state = (await (await fetch(`${a.broker.base}/ready`)).json()) as {
      waiting: number
      unsent: number
    }
    return state.waiting === 0 && state.unsent === 0
  })

test('FHIR server, books and chain agree after creates, updates, deletions and corrections', async () => {
  await a.put({ ...condition('nobody', 'anna', 'Hypertension'), subject: { reference: 'Group/all' } })
  const { code, report, found } = await reconciled(config)
  expect(found).toEqual({})
  // Three of o1, six of the conditions and a deletion among them, twice c1 and c2; nobody's does not count.
  expect(report).toMatchObject({ agree: true, versions: 11, refused: 0, waiting: 0, padding: 0 })
  expect(code).toBe(0)
})

test('what the feed never showed is missing, is registered when it is mended, and once only', async () => {
  front.behave = async ({ path }, forward) => {
    const answer = await forward()
    if (!path.includes('_since')) return answer
    const bundle = JSON.parse(Buffer.from(answer.body as Uint8Array).toString()) as {
      entry?: { resource?: { id: string } }[]
    }
    const { 'content-length': _, ...headers } = answer.headers
    const entry = (bundle.entry ?? []).filter(({ resource }) => !/^missed/.test(resource?.id ?? ''))
    return { ...answer, headers, body: JSON.stringify({ ...bundle, entry }) }
  }
  await a.put(condition('missed-1', 'anna', 'Hypertension'))
  await a.put(condition('missed-2', 'anna', 'Hypertension'))
  await a.put(condition('missed-2', 'anna', 'Hypertension, again'))
  const told = await reconciled(config)
  expect(told).toMatchObject({ code: 1, found: { missing: [3, 0] } })
  expect(told.report.differences.missing.examples.sort()).toEqual([
    'Condition/missed-1/_history/1',
    'Condition/missed-2/_history/1',
    'Condition/missed-2/_history/2',
  ])
  expect(await reconciled(config, '--mend')).toMatchObject({ code: 0, found: { missing: [3, 3] } })
  await quiet()
  expect(await reconciled(config, '--mend')).toMatchObject({ code: 0, found: {} })
})

test('what never reached the chain is sent again', async () => {
  const { recordDirectory } = world.chain.contracts
  const contractCode = await world.provider.getCode(recordDirectory)
  await world.provider.send('anvil_setCode', [recordDirectory, '0xfe'])
  await a.put(condition('unsent', 'anna', 'Hypertension'))
  const db = insideOf(a).db()
  await eventually(async () => {
    const waiting = await db
      .updateTable('chain_outbox')
      .set({ status: 'failed' })
      .where('status', '!=', 'mined')
      .where('dedupe_key', 'like', 'register/%')
      .returning('id')
      .execute()
    return waiting.length > 0
  })
  // What is mined later was read from the outbox later: by then no turn of the sender holds the entry any more.
  const outbox = () => db.selectFrom('chain_outbox')
  const { last } = await outbox()
    .select((eb) => eb.fn.max<number>('id').as('last'))
    .executeTakeFirstOrThrow()
  await eventually(() =>
    outbox().select('id').where('id', '>', last).where('status', '=', 'mined').executeTakeFirst(),
  )
  await world.provider.send('anvil_setCode', [recordDirectory, contractCode])
  expect(await reconciled(config)).toMatchObject({ code: 1, found: { unsent: [1, 0] } })
  expect(await reconciled(config, '--mend')).toMatchObject({ code: 0, found: { unsent: [1, 1] } })
  await quiet()
  expect(await reconciled(config)).toMatchObject({ code: 0, found: {} })
})

test('a record that the FHIR server has lost is left over, and is retired when it is mended', async () => {
  await sql`delete from fhir.versions where type = 'Condition' and id = 'c5'`.execute(a.database.db)
  await sql`delete from fhir.current where type = 'Condition' and id = 'c5'`.execute(a.database.db)
  const told = await reconciled(config)
  expect(told).toMatchObject({ code: 1, found: { extra: [1, 0] } })
  expect(told.report.differences.extra.examples).toEqual(['Condition/c5/_history/1'])
  expect(await reconciled(config, '--mend')).toMatchObject({ code: 0, found: { extra: [1, 1] } })
  await quiet()
  expect(await reconciled(config)).toMatchObject({ code: 0, found: {} })
  const last = await insideOf(a)
    .db()
    .selectFrom('records')
    .select('kind')
    .orderBy('seq', 'desc')
    .limit(1)
    .execute()
  expect(last).toEqual([{ kind: 'retired' }])
})

describe('no program mends', () => {
  test('a version that was changed at the FHIR server behind everybody’s back', async () => {
    const change = (from: string, to: string) =>
      sql`update fhir.versions set body = replace(body, ${from}, ${to}) where type = 'Condition' and id = 'c3'`.execute(
        a.database.db,
      )
    await change('Hypertension', 'Hypotension')
    const told = await reconciled(config, '--mend')
    expect(told).toMatchObject({ code: 1, found: { different: [1, 0] } })
    expect(told.report.differences.different.examples).toEqual(['Condition/c3/_history/1'])
    await change('Hypotension', 'Hypertension')
    expect(await reconciled(config)).toMatchObject({ code: 0 })
  })

  test('an entry of which the chain says otherwise than the books', async () => {
    const inside = insideOf(a)
    const tag = await inside.tagOf('Condition', 'c4')
    const { pointer } = await inside
      .db()
      .selectFrom('records')
      .select('pointer')
      .where('tag', '=', tag)
      .executeTakeFirstOrThrow()
    const set = (bytes: Uint8Array) =>
      inside.db().updateTable('records').set({ pointer: bytes }).where('tag', '=', tag).execute()
    await set(randomBytes(160))
    const told = await reconciled(config, '--mend')
    expect(told).toMatchObject({ code: 1, found: { altered: [1, 0] } })
    expect(told.report.differences.altered.examples).toEqual([tag])
    await set(pointer)
  })

  test('an entry that somebody registered with this hospital’s account', async () => {
    const tag = `0x${randomBytes(32).toString('hex')}`
    const wallet = new Wallet(a.files.keyring.operator, world.provider)
    const directory = RecordDirectory__factory.connect(world.chain.contracts.recordDirectory, wallet)
    const free = { maxFeePerGas: 0, maxPriorityFeePerGas: 0 }
    // The broker sends from this account, too: whoever comes second takes the next number.
    const call = await eventually(() =>
      directory.register([tag], [tag], randomBytes(160), free).catch((error: { code?: string }) => {
        if (error.code === 'NONCE_EXPIRED' || error.code === 'REPLACEMENT_UNDERPRICED') return undefined
        throw error
      }),
    )
    await world.provider.waitForTransaction(call.hash)
    const told = await reconcile(config, '--mend')
    expect(told.code).toBe(1)
    expect(told.out).toContain(
      `unknown: 1 on the chain in this hospital’s name, and in no book of it\n  ${tag}\n`,
    )
    expect(told.out).toMatch(/They do not agree\.\n$/)
  })
})

describe('who is asked, and by whom:', () => {
  const post = async (authorization: string) =>
    answerOf(
      await fetch(`${a.broker.base}/operator/reconciliations`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"mend":false}',
      }),
    )

  test('a program of the hospital may not ask, by whatever scope it has', async () => {
    expect(await post(`Bearer ${await a.his.token('TREAT')}`)).toMatchObject({
      status: 403,
      code: 'scope-insufficient',
    })
    expect(await post('Bearer nonsense')).toMatchObject({ status: 401 })
  })

  test('the operator’s key opens nothing else', async () => {
    const { signing } = a.files.keyring
    const url = `${a.broker.base}/auth/token`
    const asked = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'system/DocumentReference.rs system/Binary.r system/AuditEvent.rs system/registrar',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await makeClientAssertion({
          key: (await importJWK(signing, 'ES256')) as CryptoKey,
          ...{ kid: signing.kid ?? '', alg: 'ES256', clientId: OPERATOR, audience: url },
          nowMs: a.clock.now(),
        }),
      }),
    })
    expect(await answerOf(asked)).toMatchObject({ status: 400, code: 'scope-insufficient' })
  })

  test('a broker that does not run is not compared, and the exit code says so', async () => {
    await a.stop()
    const { code, err, out } = await reconcile(config)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/No broker answers at .*; it must run to be asked/)
    await a.start()
  })
})
