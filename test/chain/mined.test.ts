import { setTimeout as sleep } from 'node:timers/promises'
import { isError, JsonRpcProvider, Wallet } from 'ethers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mined } from '../../src/chain/mined.ts'
import { type Anvil, SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { freePort } from '../../src/sandbox/ports.ts'

const FREE = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, gasLimit: 100_000n }
/** Init code that reverts. */
const REVERTS = '0x60006000fd'

let anvil: Anvil
let provider: JsonRpcProvider

beforeAll(async () => {
  anvil = await startAnvil({ port: await freePort(), blockTime: 100_000 })
  provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 10,
  })
})
afterAll(async () => {
  provider.destroy()
  await anvil.stop()
})

const newAccount = () => new Wallet(Wallet.createRandom().privateKey, provider)
const send = (from: Wallet, data = '0x', more = {}) =>
  from.sendTransaction(data === '0x' ? { to: from.address, ...FREE, ...more } : { data, ...FREE, ...more })

/** Transactions are taken, and none is mined until the work is done. */
async function whileNothingIsMined(work: () => Promise<void>): Promise<void> {
  await provider.send('evm_setAutomine', [false])
  try {
    await work()
  } finally {
    await provider.send('evm_setAutomine', [true])
  }
}

test('a wait for a transaction ends, whichever listener of the provider leaves when it begins', async () => {
  const listener = () => {}
  await whileNothingIsMined(async () => {
    const sent = await send(newAccount())
    await provider.on('block', listener)
    await sleep(50)
    let heard = 0
    const leaving = provider.off('block', listener)
    const coming = provider.on('block', () => heard++)
    const receipt = mined(sent)
    await Promise.all([leaving, coming])
    await provider.send('anvil_mine', ['0x1'])
    expect((await receipt).hash).toBe(sent.hash)
    await sleep(100)
    // What ethers 6 does: once this fails, its own `wait` can be trusted again.
    expect({ heard, listeners: await provider.listenerCount('block') }).toEqual({ heard: 0, listeners: 0 })
  })
})

test('many transactions that are mined one by one are each waited for', async () => {
  await whileNothingIsMined(async () => {
    const account = newAccount()
    const receipts = []
    for (let nonce = 0; nonce < 5; nonce++) receipts.push(mined(await send(account, '0x', { nonce })))
    await provider.send('anvil_mine', ['0x1'])
    expect((await Promise.all(receipts)).map(({ status }) => status)).toEqual([1, 1, 1, 1, 1])
  })
})

test('a transaction that is reverted is an error, with its receipt', async () => {
  const failed = await mined(await send(newAccount(), REVERTS), 'the deployment').catch(
    (error: unknown) => error,
  )
  expect(isError(failed, 'CALL_EXCEPTION') && failed.receipt?.status).toBe(0)
  expect(String(failed)).toContain('the deployment was reverted')
})

test('a transaction in whose place another one came is an error', async () => {
  await whileNothingIsMined(async () => {
    const account = newAccount()
    const sent = await send(account, '0x', { nonce: 0, gasLimit: 110_000n })
    const waiting = mined(sent, 'the vote').catch(String)
    await provider.send('anvil_dropTransaction', [sent.hash])
    await send(account, '0x', { nonce: 0, gasLimit: 90_000n })
    await provider.send('anvil_mine', ['0x1'])
    expect(await waiting).toContain('the vote was sent, but another one has its nonce')
  })
})

test('a transaction that the node lost is sent again, the same bytes, and mined', async () => {
  await whileNothingIsMined(async () => {
    const sent = await send(newAccount())
    const receipt = mined(sent)
    await provider.send('anvil_dropTransaction', [sent.hash])
    expect(await provider.getTransaction(sent.hash)).toBe(null)
    const mining = setInterval(() => void provider.send('anvil_mine', ['0x1']), 500)
    try {
      expect((await receipt).hash).toBe(sent.hash)
    } finally {
      clearInterval(mining)
    }
  })
}, 20_000)
