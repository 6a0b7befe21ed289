import { AbiCoder, id, JsonRpcProvider, Wallet } from 'ethers'
import type { Kysely } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { createSender, enqueueCall, type Sender } from '../../src/chain/sender.ts'
import { systemClock } from '../../src/domain/clock.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { createLog } from '../../src/observe/log.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import type { Database } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import type { BrokerTables } from '../../src/store/schema.ts'
import { openFreshDatabase } from '../support/databases.ts'
import { createTestChain, pointerFor, type TestChain, type TestMember } from './test-chain.ts'

let chain: TestChain
let hospital: TestMember
let database: Database
let db: Kysely<BrokerTables>
beforeAll(async () => {
  chain = await createTestChain()
  database = await openFreshDatabase()
  db = await openBrokerTables(database.db)
})
afterAll(async () => {
  await chain.close()
  await database.close()
})

let senders: Sender[] = []
let names = 0
beforeEach(async () => {
  await db.deleteFrom('chain_outbox').execute()
  hospital = await chain.member(`hospital ${++names}`)
})
afterEach(async () => {
  for (const sender of senders) await sender.close()
  senders = []
})

/** A sender that sends only when told to. */
function open(more: { provider?: JsonRpcProvider; operator?: string } = {}): Sender {
  const sender = createSender({
    db,
    provider: more.provider ?? chain.provider,
    operator: more.operator ?? hospital.wallet.privateKey,
    clock: systemClock,
    lead: { holds: () => true },
    log: createLog({ level: 'silent', hospital: 'test' }),
    everyMs: 3_600_000,
  })
  senders.push(sender)
  return sender
}

const directory = RecordDirectory__factory.createInterface()
const registering = (...tags: string[]) => ({
  contract: chain.contracts.recordDirectory as Hex,
  data: directory.encodeFunctionData('register', [
    tags.map(id),
    tags.map((tag) => id(`commitment of ${tag}`)),
    `0x${tags.map((tag) => pointerFor(tag).slice(2)).join('')}`,
  ]) as Hex,
})
/** What every contract refuses. */
const refused = () => ({ contract: chain.contracts.recordDirectory as Hex, data: '0x12345678' as Hex })

const enqueue = (dedupeKey: string, call = registering(dedupeKey)) =>
  enqueueCall(db, systemClock, { ...call, dedupeKey })
const rows = () => db.selectFrom('chain_outbox').selectAll().orderBy('id').execute()
const row = async (dedupeKey: string) => {
  const found = (await rows()).find((r) => r.dedupe_key === dedupeKey)
  if (!found) throw new Error('no row')
  return found
}
const commitment = (tag: string) =>
  RecordDirectory__factory.connect(chain.contracts.recordDirectory, chain.provider).commitmentOf(
    hospital.id,
    id(tag),
  )
const sentSoFar = () => chain.provider.getTransactionCount(hospital.wallet.address)

describe('what is in the outbox', () => {
  test('is sent in order, byte for byte, each once, and noted with its block', async () => {
    const sender = open()
    for (const tag of ['a', 'b', 'c']) await enqueue(tag)
    expect(await sender.pending()).toBe(3)
    await sender.flush()
    expect(await sender.pending()).toBe(0)
    const [first, ...others] = await rows()
    for (const { status, tx_hash, data, block } of [first, ...others].filter((r) => r !== undefined)) {
      const transaction = await chain.provider.getTransaction(tx_hash ?? '')
      expect(status).toBe('mined')
      expect(transaction?.data).toBe(data)
      expect(transaction?.blockNumber).toBe(block)
    }
    expect(others.map((r) => r.block)).toEqual([1, 2].map((n) => (first?.block ?? 0) + n))
    await sender.flush()
    expect(await sentSoFar()).toBe(3)
  })

  test('is one transaction for one key, however often it is put there', async () => {
    const sender = open()
    const one = await enqueue('same')
    const again = await enqueue('same', registering('other'))
    expect(again).toBe(one)
    await sender.flush()
    expect(await enqueue('same')).toBe(one)
    await sender.flush()
    expect(await sentSoFar()).toBe(1)
    expect((await row('same')).data).toBe(registering('same').data)
  })

  test('goes through even when there is much of it', async () => {
    const sender = open()
    for (let i = 0; i < 70; i++) await enqueue(`many ${i}`)
    await sender.flush()
    await sender.flush()
    expect(await sender.pending()).toBe(0)
    expect(await sentSoFar()).toBe(70)
  })

  test('that a contract refuses is marked with the error, never tried again, and holds up nothing', async () => {
    const sender = open()
    await enqueue('before')
    await enqueue('refused', refused())
    await enqueue('after')
    await sender.flush()
    expect((await rows()).map((r) => r.status)).toEqual(['mined', 'failed', 'mined'])
    expect(await row('refused')).toMatchObject({ tx_hash: null, block: null })
    await sender.flush()
    expect(await sentSoFar()).toBe(2)
  })

  test('names the error of the contract by its selector', async () => {
    const sender = open({ operator: Wallet.createRandom().privateKey })
    await enqueue('by a stranger')
    await sender.flush()
    const failed = await row('by a stranger')
    expect(failed).toMatchObject({
      status: 'failed',
      error: id('MemberOperatorUnknown(address)').slice(0, 10),
    })
  })

  test('that builds on what was sent just before is not refused for being early', async () => {
    const sender = open()
    const { contracts } = chain
    const until = await chain.blockTime()
    const anchor = (number: number) => ({
      contract: contracts.accessLog as Hex,
      data: `${id('anchor(uint64,uint64,bytes32)').slice(0, 10)}${AbiCoder.defaultAbiCoder()
        .encode(['uint64', 'uint64', 'bytes32'], [number, until + number, id('root')])
        .slice(2)}` as Hex,
    })
    for (const number of [1, 2, 3]) await enqueue(`anchor ${number}`, anchor(number))
    await sender.flush()
    expect((await rows()).map((r) => r.status)).toEqual(['mined', 'mined', 'mined'])
  })
})

describe('a suspended member', () => {
  test('loses no entry: they wait, hold up nothing behind them, and land when it is reinstated', async () => {
    const sender = open()
    await chain.council.suspend(hospital.id)
    for (let i = 0; i < 70; i++) await enqueue(`register/${i}`)
    await enqueue('act/refused', refused())
    for (let turn = 0; turn < 3; turn++) await sender.flush()
    expect((await row('act/refused')).status).toBe('failed')
    expect(await sender.pending()).toBe(70)
    expect(await sentSoFar()).toBe(0)
    await chain.council.reinstate(hospital.id)
    for (let turn = 0; turn < 4; turn++) await sender.flush()
    expect(await sender.pending()).toBe(0)
    expect(await commitment('register/69')).toBe(id('commitment of register/69'))
  })
})

describe('after a crash', () => {
  test('between sending and noting that it landed, it is found on the chain and not sent again', async () => {
    await enqueue('landed')
    await open().flush()
    await db.updateTable('chain_outbox').set({ status: 'sent', block: null }).execute()
    await open().flush()
    expect(await row('landed')).toMatchObject({ status: 'mined', block: await chain.height() })
    expect(await sentSoFar()).toBe(1)
  })

  test('before sending, when only its hash was noted, it is sent with the same bytes', async () => {
    await enqueue('unsent')
    await db
      .updateTable('chain_outbox')
      .set({ status: 'sent', tx_hash: id('never sent') })
      .execute()
    await open().flush()
    const { status, tx_hash, data } = await row('unsent')
    expect(status).toBe('mined')
    expect((await chain.provider.getTransaction(tx_hash ?? ''))?.data).toBe(data)
  })
})

describe('after a reorganisation', () => {
  const orphan = async (doomed: () => Promise<unknown>) => {
    const snapshot = (await chain.provider.send('evm_snapshot', [])) as string
    await doomed()
    await chain.provider.send('evm_revert', [snapshot])
  }

  test('what was mined in the orphaned blocks is sent again with the same bytes, and what lies below is not', async () => {
    const sender = open()
    await enqueue('below')
    await sender.flush()
    const below = await row('below')
    const fork = (await chain.height()) + 1
    await orphan(async () => {
      await enqueue('above')
      await enqueue('above too')
      await sender.flush()
    })
    expect(BigInt(await commitment('above'))).toBe(0n)
    await sender.rewind(fork)
    expect(await sender.pending()).toBe(2)
    await sender.flush()
    expect(await sender.pending()).toBe(0)
    expect(await row('below')).toEqual(below)
    for (const tag of ['below', 'above', 'above too']) {
      expect(await commitment(tag), tag).toBe(id(`commitment of ${tag}`))
      const { tx_hash, data } = await row(tag)
      expect((await chain.provider.getTransaction(tx_hash ?? ''))?.data).toBe(data)
    }
  })

  test('what the new branch took over by itself is found there, not sent again nor marked as refused', async () => {
    const sender = open()
    await enqueue('taken over')
    await sender.flush()
    const { block } = await row('taken over')
    await sender.rewind(block ?? 0)
    await sender.flush()
    expect(await row('taken over')).toMatchObject({ status: 'mined', block })
    expect(await sentSoFar()).toBe(1)
  })
})

describe('while the node is away', () => {
  test('everything waits, nothing is lost or marked, and it goes out when the node is back', async () => {
    const nowhere = new JsonRpcProvider(`http://127.0.0.1:${await freePort()}`, chain.provider._network, {
      staticNetwork: true,
    })
    const sender = open({ provider: nowhere })
    await enqueue('patient')
    await sender.flush()
    expect(await row('patient')).toMatchObject({ status: 'pending', tx_hash: null, attempts: 0 })
    nowhere.destroy()
    await open().flush()
    expect((await row('patient')).status).toBe('mined')
  })
})

test('a transaction is put in the outbox together with what decided on it, or not at all', async () => {
  const failing = db.transaction().execute(async (trx) => {
    await enqueueCall(trx, systemClock, { ...registering('undone'), dedupeKey: 'undone' })
    throw new Error('the decision failed')
  })
  await expect(failing).rejects.toThrow('the decision failed')
  expect(await rows()).toEqual([])
})
