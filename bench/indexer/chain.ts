import { createHash } from 'node:crypto'
import { JsonRpcProvider, Wallet } from 'ethers'
import { type Contracts, RecordDirectory__factory } from '../../src/chain/contracts.ts'
import { deployContracts } from '../../src/chain/deploy.ts'
import { createNodeRpc } from '../../src/chain/node-rpc.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { ALL_ROLES, publicSeats } from '../../src/sandbox/council.ts'
import { freePort } from '../../src/sandbox/ports.ts'

/** A chain with so many events, the same bytes each time: keys, names, numbers and blocks are all computed. */
export type BenchChain = {
  rpc: string
  pid: number
  contracts: Contracts
  deployedAt: number
  head: number
  close(): Promise<void>
}

/** As the issue of speed has it: ten events a transaction; and as many transactions as 16 million gas hold a block. */
const EVENTS_A_TRANSACTION = 10
const TRANSACTIONS_A_BLOCK = 50
const GAS = 600_000

const bytes = (text: string) => createHash('sha256').update(text).digest('hex')
const key = (name: string): Hex => `0x${bytes(name)}`
const FREE = { maxFeePerGas: '0x0', maxPriorityFeePerGas: '0x0' }
const SEATS = (['providers', 'regulators', 'advocates'] as const).map((chamber) => ({
  chamber,
  key: key(chamber),
}))

export async function buildChain(events: number, tell: (line: string) => void): Promise<BenchChain> {
  const flags = ['--timestamp', '1700000000', '--gas-limit', '1000000000', '--prune-history', '64']
  const anvil = await startAnvil({ port: await freePort(), blockTime: 100_000, flags })
  const rpc = createNodeRpc({ url: anvil.rpc, withinMs: 120_000 })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 })
  try {
    await rpc.call('evm_setAutomine', [false])
    // Mixed mining has both, and is off only without both.
    await rpc.call('evm_setIntervalMining', [0])
    await rpc.call('anvil_setBlockTimestampInterval', [1])
    const [operator] = await rpc.call<string[]>('eth_accounts', [])
    if (!operator) throw new Error('The chain has no account')
    const members = [{ id: key('member'), roles: ALL_ROLES, operator, profile: '{}' }]
    const deploying = deployContracts(new Wallet(key('deployer'), provider), {
      seats: publicSeats(SEATS),
      delay: 0,
      members,
    })
    // All of it in one block, so that every number is the same each time: 11 contracts, the member, the handover.
    for (let waiting = 0; waiting < 13; ) {
      await new Promise((done) => setTimeout(done, 20))
      waiting = Number((await rpc.call<{ pending: string }>('txpool_status', [])).pending)
    }
    await rpc.call('evm_mine', [])
    const { contracts, deployedAt } = await deploying

    const transactions = Math.ceil(events / EVENTS_A_TRANSACTION)
    const started = performance.now()
    let told = 0
    for (let sent = 0; sent < transactions; sent += TRANSACTIONS_A_BLOCK) {
      const count = Math.min(TRANSACTIONS_A_BLOCK, transactions - sent)
      await sendAll(
        anvil.rpc,
        Array.from({ length: count }, (_, i) => registration(contracts, operator, sent + i)),
      )
      await rpc.call('evm_mine', [])
      const share = Math.floor(((sent + count) / transactions) * 10)
      if (share > told) {
        told = share
        const left = ((performance.now() - started) / (sent + count)) * (transactions - sent - count)
        tell(
          `  ${share * 10} % of ${events.toLocaleString('en-GB')} events are on the chain; ${Math.ceil(left / 1000)} s left`,
        )
      }
    }
    const head = Number(await rpc.call<string>('eth_blockNumber', []))
    return { rpc: anvil.rpc, pid: anvil.pid, contracts, deployedAt, head, close: () => anvil.stop() }
  } catch (error) {
    await anvil.stop()
    throw error
  } finally {
    provider.destroy()
    await rpc.close()
  }
}

const directory = RecordDirectory__factory.createInterface()

function registration({ recordDirectory }: Contracts, from: string, number: number) {
  const names = Array.from({ length: EVENTS_A_TRANSACTION }, (_, i) => `${number * EVENTS_A_TRANSACTION + i}`)
  const data = directory.encodeFunctionData('register', [
    names.map((name) => key(`tag ${name}`)),
    names.map((name) => key(`commitment ${name}`)),
    `0x${names.map((name) => bytes(`pointer ${name}`).repeat(5)).join('')}`,
  ])
  const nonce = `0x${number.toString(16)}`
  return { from, to: recordDirectory, data, nonce, gas: `0x${GAS.toString(16)}`, ...FREE }
}

async function sendAll(url: string, transactions: readonly object[]): Promise<void> {
  const body = transactions.map((transaction, id) => ({
    ...{ jsonrpc: '2.0', id, method: 'eth_sendTransaction' },
    params: [transaction],
  }))
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const results = (await answer.json()) as { error?: { message: string } }[]
  const failed = results.find(({ error }) => error)
  if (failed) throw new Error(`The chain refused a transaction: ${failed.error?.message}`)
}
